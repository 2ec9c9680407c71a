#include "error.h"

#include <errno.h>

void *error_closed(void)
{
    PyErr_SetString(PyExc_RuntimeError, "this node is closed: nothing can be sent or received any more");
    return NULL;
}

void *error_raise(NodeObject *self, int code)
{
    switch (code) {
    case -EINTR:
        if (PyErr_Occurred())
            return NULL;
        break;
    case -ESHUTDOWN:
        return error_closed();
    case -ECHILD:
        PyErr_SetString(
            PyExc_RuntimeError,
            "this node was opened by the parent process, and a forked child can't use it: start processes by "
            "multiprocessing's \"spawn\" or \"forkserver\", or let the parent do what concerns the dataflow");
        return NULL;
    case -ENOMEM:
    case -ENOSPC:
        PyErr_SetString(PyExc_MemoryError, dora_node_error(self->node));
        return NULL;
    }
    PyErr_SetString(PyExc_RuntimeError, dora_node_error(self->node));
    return NULL;
}
