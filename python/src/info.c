/* What a node says of itself. */
#include "error.h"
#include "gil.h"
#include "metadata.h"

/* `expression` of an open node. */
#define ANSWER(name, expression)                                                                                       \
    PyObject *name(NodeObject *self, PyObject *unused)                                                                 \
    {                                                                                                                  \
        (void)unused;                                                                                                  \
        if (!node_enter(self))                                                                                         \
            return NULL;                                                                                               \
        PyObject *answer = expression;                                                                                 \
        node_leave(self);                                                                                              \
        return answer;                                                                                                 \
    }

ANSWER(node_id, PyUnicode_FromString(dora_node_id(self->node)))
ANSWER(node_dataflow_id, PyUnicode_FromString(dora_dataflow_id(self->node)))
ANSWER(node_descriptor_text, PyUnicode_FromString(dora_dataflow_descriptor(self->node)))
ANSWER(node_is_restart, PyBool_FromLong(dora_restart_count(self->node) > 0))
ANSWER(node_restart_count, PyLong_FromUnsignedLong(dora_restart_count(self->node)))
ANSWER(node_timestamp, metadata_datetime(dora_timestamp(self->node)))

PyObject *node_log_line(NodeObject *self, PyObject *args)
{
    int level;
    const char *message;
    if (!PyArg_ParseTuple(args, "is", &level, &message) || !node_enter(self))
        return NULL;
    gil_release();
    int rc = dora_log_message(self->node, (dora_log_level)level, message);
    gil_take();
    PyObject *result = rc < 0 ? error_raise(self, rc) : Py_NewRef(Py_None);
    node_leave(self);
    return result;
}
