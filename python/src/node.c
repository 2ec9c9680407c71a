/* Opening and closing a node. */
#include "node.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "error.h"
#include "gil.h"
#include "metadata.h"
#include "value.h"

/* ---- Life ---- */

bool node_enter(NodeObject *self)
{
    if (self->closed || !self->node) {
        error_closed();
        return false;
    }
    self->users++;
    return true;
}

static void shut(NodeObject *self)
{
    dora_node *node = self->node;
    if (!node)
        return;
    if (self->is_hosted) {
        self->node = NULL;
        self->last_id = NULL;
        return;
    }
    dora_event_free(self->peeked);
    self->peeked = NULL;
    self->node = NULL;
    self->last_id = NULL;
    /* What is still held of others' memory is copied. */
    gil_release();
    dora_node_close(node);
    gil_take();
}

void node_leave(NodeObject *self)
{
    if (--self->users == 0 && self->closed)
        shut(self);
}

static int open_node(NodeObject *self, const char *id)
{
    const dora_node_options options = {
        .node_id = id, .wait_begin = gil_wait_begin, .wait_end = gil_wait_end, .wait_context = self};
    dora_error error;
    int rc = dora_node_open(&self->node, &options, &error);
    if (rc == 0)
        return 0;
    if (rc == -EINTR && PyErr_Occurred())
        return -1;
    PyErr_Format(PyExc_RuntimeError,
                 id ? "Could not setup node from node id. Make sure to have a running dataflow with this dynamic "
                      "node: %s"
                    : "Could not initiate node from environment variable. For dynamic node, please add a node id in "
                      "the initialization function: %s",
                 error.message);
    return -1;
}

/* In a node's test mode another object takes the node's place, fed by a file. */
static PyObject *replay(const char *path)
{
    PyObject *make = module_import("dora._replay", "ReplayNode");
    PyObject *node = make ? PyObject_CallFunction(make, "s", path) : NULL;
    Py_XDECREF(make);
    return node;
}

/* Daemons here have no port: a dynamic node finds them by its user. It is checked all the same. */
static bool is_port(PyObject *object)
{
    long port = PyLong_AsLong(object);
    if (port == -1 && PyErr_Occurred())
        return false;
    if (port >= 0 && port <= UINT16_MAX)
        return true;
    PyErr_Format(PyExc_OverflowError, "daemon_port %ld is no port: 0 to 65535", port);
    return false;
}

/* What writes down the events that a node receives opens that node itself. */
static PyObject *recorded(PyObject *args, PyObject *kwargs)
{
    PyObject *make = module_import("dora._recorded", "Node");
    PyObject *node = make ? PyObject_Call(make, args, kwargs) : NULL;
    Py_XDECREF(make);
    return node;
}

NodeObject *node_alloc(PyTypeObject *type)
{
    NodeObject *self = (NodeObject *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->state = PyType_GetModuleState(type);
    self->receiving = PyThread_allocate_lock();
    self->warned = PySet_New(NULL);
    if (!self->receiving || !self->warned) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        Py_CLEAR(self);
    }
    return self;
}

PyObject *node_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"node_id", "daemon_port", NULL};
    const char *id = NULL;
    PyObject *port = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|zO:Node", names, &id, &port))
        return NULL;
    if (port != Py_None && !is_port(port))
        return NULL;
    /* As dora: what started this process knows better who it is, unless a port says which daemon to ask. */
    const char *config = getenv("DORA_NODE_CONFIG"), *inputs = getenv("DORA_TEST_WITH_INPUTS");
    if (config && *config && port == Py_None)
        id = NULL;
    else if (!id && inputs && *inputs)
        return replay(inputs);
    const char *folder = getenv("DORA_WRITE_EVENTS_TO");
    if (folder && *folder)
        return recorded(args, kwargs);

    NodeObject *self = node_alloc(type);
    if (!self)
        return NULL;
    /* Before the dataflow starts: all nodes wait for each other, and the first event should not wait for an import. */
    if (metadata_prepare() < 0 || value_prepare(self->state) < 0)
        goto failed;
    if (open_node(self, id) < 0)
        goto failed;
    PyObject *done = node_delegate(self, "_logging", "install", NULL, NULL);
    if (!done)
        goto failed;
    Py_DECREF(done);
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

PyObject *node_close(NodeObject *self, PyObject *unused)
{
    (void)unused;
    if (self->closed)
        Py_RETURN_NONE;
    if (self->is_hosted)
        return PyErr_Format(PyExc_RuntimeError, "an operator's node ends with it: let on_event return DoraStatus.STOP");
    self->closed = true;
    /* An event loop stops to look at the descriptor before that is closed. */
    self->users++;
    PyObject *done = self->async_io ? PyObject_CallMethod(self->async_io, "close", NULL) : Py_NewRef(Py_None);
    Py_CLEAR(self->async_io);
    node_leave(self);
    return done;
}

static bool is_finalizing(void)
{
#if PY_VERSION_HEX >= 0x030d0000
    return Py_IsFinalizing();
#else
    return _Py_IsFinalizing();
#endif
}

int node_traverse(NodeObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->last_name);
    Py_VISIT(self->warned);
    Py_VISIT(self->async_io);
    return 0;
}

int node_clear(NodeObject *self)
{
    Py_CLEAR(self->last_name);
    Py_CLEAR(self->warned);
    Py_CLEAR(self->async_io);
    return 0;
}

void node_dealloc(NodeObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->weak_references)
        PyObject_ClearWeakRefs((PyObject *)self);
    self->closed = true;
    /* At the interpreter's end, which may be that of an exception, the process is all but gone. Its exit status says
     * more than a goodbye, and whoever listens learns of a failure before the inputs end. */
    if (!is_finalizing())
        shut(self);
    node_clear(self);
    if (self->receiving)
        PyThread_free_lock(self->receiving);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- What its methods share ---- */

int node_warn_once(NodeObject *self, PyObject *key, const char *format, ...)
{
    enum { WARNINGS_MOST = 1000 };
    int known = PySet_Contains(self->warned, key);
    if (known != 0 || PySet_GET_SIZE(self->warned) == WARNINGS_MOST)
        return known < 0 ? -1 : 0;
    if (PySet_Add(self->warned, key) < 0)
        return -1;
    va_list args;
    va_start(args, format);
    PyObject *text = PyUnicode_FromFormatV(format, args);
    va_end(args);
    const char *message = text ? PyUnicode_AsUTF8(text) : NULL;
    int rc = message ? dora_log_message(self->node, DORA_LOG_WARN, message) : -ENOMEM;
    Py_XDECREF(text);
    if (PyErr_Occurred())
        return -1;
    return rc < 0 ? (error_raise(self, rc), -1) : 0;
}

PyObject *node_delegate(NodeObject *self, const char *module, const char *name, PyObject *args, PyObject *kwargs)
{
    char path[64];
    snprintf(path, sizeof path, "dora.%s", module);
    PyObject *function = module_import(path, name);
    if (!function)
        return NULL;
    Py_ssize_t count = args ? PyTuple_GET_SIZE(args) : 0;
    PyObject *all = PyTuple_New(count + 1);
    if (all) {
        PyTuple_SET_ITEM(all, 0, Py_NewRef((PyObject *)self));
        for (Py_ssize_t i = 0; i < count; i++)
            PyTuple_SET_ITEM(all, i + 1, Py_NewRef(PyTuple_GET_ITEM(args, i)));
    }
    PyObject *result = all ? PyObject_Call(function, all, kwargs) : NULL;
    Py_XDECREF(all);
    Py_DECREF(function);
    return result;
}
