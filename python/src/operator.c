/* What a host of operators (dora/_runtime.py) asks of their nodes, beyond what nodes in Python have. */
#include <errno.h>

#include "error.h"
#include "node.h"
#include "node/node_raw.h"

/* The node that `config` says, in place of DORA_NODE_CONFIG. */
PyObject *node_open_operator(PyObject *type, PyObject *config)
{
    const char *text = PyUnicode_AsUTF8(config);
    return text ? node_make((PyTypeObject *)type, NULL, text) : NULL;
}

/* The wait of the thread that receives, or its next one, ends. */
PyObject *node_interrupt(NodeObject *self, PyObject *unused)
{
    (void)unused;
    if (!node_enter(self))
        return NULL;
    node_raw_interrupt(self->node);
    node_leave(self);
    Py_RETURN_NONE;
}

/* Tells the daemon why this node fails. A daemon that is gone knows enough. */
PyObject *node_say_failure(NodeObject *self, PyObject *text)
{
    const char *said = PyUnicode_AsUTF8(text);
    if (!said || !node_enter(self))
        return NULL;
    int rc = node_raw_fail(self->node, said);
    node_leave(self);
    return PyBool_FromLong(rc == 0);
}
