/* The type Node: its methods, and what they say of themselves. Methods that are no matter of speed are in Python. */
#include "node.h"

#include <stddef.h>
#include <structmember.h>

#include "error.h"

static PyObject *enter(NodeObject *self, PyObject *unused)
{
    (void)unused;
    return self->closed ? error_closed() : Py_NewRef((PyObject *)self);
}

static PyObject *leave(NodeObject *self, PyObject *args)
{
    (void)args;
    return node_close(self, NULL);
}

static PyObject *repr(NodeObject *self)
{
    if (self->closed || !self->node)
        return PyUnicode_FromString("<dora.Node, closed>");
    return PyUnicode_FromFormat("<dora.Node `%s` of dataflow %s>", dora_node_id(self->node),
                                dora_dataflow_id(self->node));
}

static PyObject *anext(NodeObject *self)
{
    return node_delegate(self, "_async", "anext", NULL, NULL);
}

#define DELEGATE(module, name)                                                                                         \
    static PyObject *delegate_##name(NodeObject *self, PyObject *args, PyObject *kwargs)                               \
    {                                                                                                                  \
        return node_delegate(self, module, #name, args, kwargs);                                                       \
    }
DELEGATE("_async", recv_async)
DELEGATE("_node", node_config)
DELEGATE("_node", dataflow_descriptor)
DELEGATE("_node", log)
DELEGATE("_node", merge_external_events)
DELEGATE("_node", extension_store)
DELEGATE("_node", extension_load)
DELEGATE("_node", extension_drop)
DELEGATE("_node", drain_dropped_extension_keys)
DELEGATE("_node", register_tensor_pool)
DELEGATE("_node", write_tensor_pool)
DELEGATE("_node", read_tensor_pool)
DELEGATE("_node", free_tensor_pool)

#define LOG(level)                                                                                                     \
    static PyObject *log_##level(NodeObject *self, PyObject *message)                                                  \
    {                                                                                                                  \
        PyObject *args = Py_BuildValue("(sO)", #level, message);                                                       \
        PyObject *result = args ? node_delegate(self, "_node", "log", args, NULL) : NULL;                              \
        Py_XDECREF(args);                                                                                              \
        return result;                                                                                                 \
    }
LOG(error)
LOG(warn)
LOG(info)
LOG(debug)
LOG(trace)

#define QUICK(function) ((PyCFunction)(void (*)(void))(function)), METH_FASTCALL | METH_KEYWORDS
#define PLAIN(function) ((PyCFunction)(void (*)(void))(function)), METH_VARARGS | METH_KEYWORDS
#define NONE(function)  ((PyCFunction)(function)), METH_NOARGS
#define ONE(function)   ((PyCFunction)(function)), METH_O

static PyMethodDef methods[] = {
    {"next", QUICK(node_next),
     "next($self, /, timeout=None)\n--\n\nWait for the next event: a dict, or None when the stream has ended. When "
     "`timeout` seconds pass without one,\nthe event is of type ERROR."},
    {"try_recv", NONE(node_try_recv), "try_recv($self, /)\n--\n\nThe next event if there is one now, else None."},
    {"recv_async", PLAIN(delegate_recv_async),
     "recv_async($self, /, timeout=None)\n--\n\nAs next(), to be awaited in asyncio's event loop."},
    {"drain", NONE(node_drain),
     "drain($self, /)\n--\n\nAll events there are now, as a list. RuntimeError when the stream has ended."},
    {"is_empty", NONE(node_is_empty), "is_empty($self, /)\n--\n\nWhether no event is there now."},
    {"_poll", NONE(node_poll), NULL},
    {"_fd", NONE(node_fd), NULL},

    {"send_output", QUICK(node_send_output),
     "send_output($self, /, output_id, data, metadata=None)\n--\n\nSend bytes, an Arrow array, or whatever can be seen "
     "as one: a buffer, a numpy array, a tensor (DLPack),\na list. The data is copied once, to shared memory. "
     "`metadata` are parameters that travel with it: str to\nbool, int, float, str, datetime, or a list of int, float "
     "or str."},
    {"send_output_raw", PLAIN(node_send_output_raw),
     "send_output_raw($self, /, output_id, data_length, metadata=None)\n--\n\nShared memory to write bytes to: `with "
     "node.send_output_raw(\"out\", 4) as buffer:` sends them at the end\nof the block, unless it raises."},
    {"loan", PLAIN(node_loan),
     "loan($self, /, output_id, shape, dtype='uint8', metadata=None)\n--\n\nA numpy array in shared memory, of "
     "undefined "
     "content: `with node.loan(\"out\", (480, 640, 3)) as image:` sends\nit without a copy at the end of the block, "
     "unless it raises. Afterwards the array can only be read."},
    {"send_service_request", QUICK(node_send_service_request),
     "send_service_request($self, /, output_id, data, metadata=None)\n--\n\nSend a request, and give its id. Its reply "
     "carries the same `request_id` in its metadata."},
    {"send_service_response", QUICK(node_send_service_response),
     "send_service_response($self, /, output_id, data, metadata)\n--\n\nAnswer a request; `metadata` is that of the "
     "request's event."},
    {"close_output", ONE(node_close_output),
     "close_output($self, output_id, /)\n--\n\nNo more will be sent on this output: its receivers get INPUT_CLOSED."},

    {"node_id", NONE(node_id), "node_id($self, /)\n--\n\nThis node's id."},
    {"node_config", PLAIN(delegate_node_config), "node_config($self, /)\n--\n\nThis node's inputs and outputs."},
    {"dataflow_id", NONE(node_dataflow_id), "dataflow_id($self, /)\n--\n\nThe dataflow's UUID."},
    {"dataflow_descriptor", PLAIN(delegate_dataflow_descriptor),
     "dataflow_descriptor($self, /)\n--\n\nThe whole dataflow's descriptor."},
    {"_descriptor", NONE(node_descriptor_text), NULL},
    {"is_restart", NONE(node_is_restart),
     "is_restart($self, /)\n--\n\nWhether this node was restarted, after it failed or ended."},
    {"restart_count", NONE(node_restart_count), "restart_count($self, /)\n--\n\nHow many times; 0 in the first run."},
    {"timestamp", NONE(node_timestamp),
     "timestamp($self, /)\n--\n\nNow in UTC, by the node's hybrid logical clock: later than all it has sent or "
     "received."},

    {"log", PLAIN(delegate_log),
     "log($self, /, level, message, target=None, fields=None)\n--\n\nLog a message of level error, warn, info, debug "
     "or "
     "trace. `fields` are a dict of what else it says."},
    {"log_error", ONE(log_error), "log_error($self, message, /)\n--\n\n"},
    {"log_warn", ONE(log_warn), "log_warn($self, message, /)\n--\n\n"},
    {"log_info", ONE(log_info), "log_info($self, message, /)\n--\n\n"},
    {"log_debug", ONE(log_debug), "log_debug($self, message, /)\n--\n\n"},
    {"log_trace", ONE(log_trace), "log_trace($self, message, /)\n--\n\n"},
    {"_log_line", (PyCFunction)node_log_line, METH_VARARGS, NULL},

    {"merge_external_events", PLAIN(delegate_merge_external_events),
     "merge_external_events($self, /, subscription)\n--\n\nNot part of this build."},
    {"extension_store", PLAIN(delegate_extension_store), NULL},
    {"extension_load", PLAIN(delegate_extension_load), NULL},
    {"extension_drop", PLAIN(delegate_extension_drop), NULL},
    {"drain_dropped_extension_keys", PLAIN(delegate_drain_dropped_extension_keys), NULL},
    {"register_tensor_pool", PLAIN(delegate_register_tensor_pool), NULL},
    {"write_tensor_pool", PLAIN(delegate_write_tensor_pool), NULL},
    {"read_tensor_pool", PLAIN(delegate_read_tensor_pool), NULL},
    {"free_tensor_pool", PLAIN(delegate_free_tensor_pool), NULL},

    {"close", NONE(node_close),
     "close($self, /)\n--\n\nLeave the dataflow: the outputs end, and nothing can be sent or received any more. Values "
     "received stay valid.\nThe end of a `with` block, of the last reference or of the process does the same."},
    {"__enter__", NONE(enter), NULL},
    {"__exit__", (PyCFunction)leave, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(NodeObject, weak_references), READONLY, NULL},
    {"_async_io", T_OBJECT, offsetof(NodeObject, async_io), 0, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Node(node_id=None, daemon_port=None)\n--\n\nA node of a dataflow. Which one, the environment says that dora gave "
     "this process; `node_id` names\na dynamic node, which joins a dataflow that runs already. Waits until all nodes "
     "are "
     "there."},
    {Py_tp_new, node_new},
    {Py_tp_dealloc, node_dealloc},
    {Py_tp_traverse, node_traverse},
    {Py_tp_clear, node_clear},
    {Py_tp_repr, repr},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, node_iterate},
    {Py_am_aiter, PyObject_SelfIter},
    {Py_am_anext, anext},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, NULL},
};

PyType_Spec node_spec = {
    .name = "dora.Node",
    .basicsize = sizeof(NodeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
