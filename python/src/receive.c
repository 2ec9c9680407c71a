/* Receiving: next() and its kin. */
#include <errno.h>
#include <math.h>

#include "error.h"
#include "event.h"
#include "gil.h"

/* ---- Whose turn it is: threads that receive at once share the events ---- */

/* 1: it is this thread's turn, and the node is in use; 0: it is another's, after `us` µs (< 0: for ever); -1. */
static int begin(NodeObject *self, PY_TIMEOUT_T us)
{
    if (!node_enter(self))
        return -1;
    if (self->is_hosted) {
        PyErr_SetString(PyExc_RuntimeError, "an operator's node doesn't receive: its events are given to on_event");
        node_leave(self);
        return -1;
    }
    if (PyThread_acquire_lock(self->receiving, NOWAIT_LOCK)) {
        self->receiver = PyThread_get_thread_ident();
        return 1;
    }
    PyLockStatus status = PY_LOCK_FAILURE;
    int rc = 0;
    if (self->receiver == PyThread_get_thread_ident()) {
        PyErr_SetString(PyExc_RuntimeError, "a signal's handler can't receive while the thread it interrupts does");
        rc = -1;
    }
    while (rc == 0 && us != 0) {
        gil_release();
        status = PyThread_acquire_lock_timed(self->receiving, us, 1);
        gil_take();
        if (status != PY_LOCK_INTR)
            break;
        rc = PyErr_CheckSignals();
    }
    if (rc == 0 && status == PY_LOCK_ACQUIRED) {
        self->receiver = PyThread_get_thread_ident();
        return 1;
    }
    node_leave(self);
    return rc;
}

static void end(NodeObject *self)
{
    self->receiver = 0;
    PyThread_release_lock(self->receiving);
    node_leave(self);
}

/* ---- One event ---- */

enum { ENDED = -ENODATA, NOTHING = -ETIMEDOUT };

/* In one's turn. 0: `*dict` is the event; ENDED, NOTHING; or -1 with an exception. */
static int take(NodeObject *self, int64_t timeout_ns, PyObject **dict)
{
    dora_event *event = self->peeked;
    self->peeked = NULL;
    int rc = event ? 0 : self->closed ? ENDED : dora_next(self->node, &event, timeout_ns);
    if (rc == 0) {
        *dict = event_dict(self, event);
        dora_event_free(event);
        return *dict ? 0 : -1;
    }
    if (rc == -ESHUTDOWN)
        return ENDED;
    if (rc == ENDED || rc == NOTHING)
        return rc;
    error_raise(self, rc);
    return -1;
}

static int receive(NodeObject *self, int64_t timeout_ns, PyObject **dict)
{
    *dict = NULL;
    PY_TIMEOUT_T us = timeout_ns == DORA_FOREVER ? -1 : timeout_ns / 1000;
    int rc = begin(self, us);
    if (rc <= 0)
        return rc < 0 ? -1 : NOTHING;
    rc = take(self, timeout_ns, dict);
    end(self);
    return rc;
}

static PyObject *timed_out(NodeObject *self)
{
    return event_error(self->state, "Timeout event stream error: Receiver timed out");
}

/* None, or seconds. -1 with an exception. */
static int64_t timeout_of(PyObject *object)
{
    if (object == Py_None)
        return DORA_FOREVER;
    double seconds = PyFloat_AsDouble(object);
    if (seconds == -1 && PyErr_Occurred())
        return -1;
    if (seconds >= 0 && seconds < 9e9)
        return (int64_t)(seconds * 1e9);
    PyErr_Format(PyExc_ValueError, "invalid timeout of %R seconds: give a number from 0, or None to wait without end",
                 object);
    return -1;
}

PyObject *node_next(NodeObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
    if (count + named > 1 || (named && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "timeout") != 0))
        return PyErr_Format(PyExc_TypeError, "next() takes one argument: timeout");
    int64_t timeout_ns = count + named ? timeout_of(args[0]) : DORA_FOREVER;
    if (timeout_ns < 0)
        return NULL;
    PyObject *dict;
    switch (receive(self, timeout_ns, &dict)) {
    case NOTHING:
        return timed_out(self);
    case ENDED:
        Py_RETURN_NONE;
    default:
        return dict;
    }
}

PyObject *node_iterate(NodeObject *self)
{
    PyObject *dict;
    receive(self, DORA_FOREVER, &dict);
    return dict;
}

PyObject *node_try_recv(NodeObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *dict;
    int rc = receive(self, 0, &dict);
    return rc == ENDED || rc == NOTHING ? Py_NewRef(Py_None) : dict;
}

/* For dora/_async.py: None at the end, False when nothing is there now. */
PyObject *node_poll(NodeObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *dict;
    int rc = receive(self, 0, &dict);
    return rc == ENDED ? Py_NewRef(Py_None) : rc == NOTHING ? Py_NewRef(Py_False) : dict;
}

/* What waits in the inputs now, a tick of each timer included. */
static size_t waiting(const NodeObject *self)
{
    size_t total = 0;
    const char *input;
    dora_input_stats stats;
    for (size_t i = 0; (input = dora_input_name(self->node, i)); i++)
        if (dora_get_input_stats(self->node, input, &stats) == 0)
            total += stats.queued + 1;
    return total;
}

/* In one's turn. A publisher that is quicker than we are doesn't keep us here. */
static int drain(NodeObject *self, PyObject *list)
{
    int rc = 0;
    for (size_t left = waiting(self) + 1; rc == 0 && left > 0; left--) {
        PyObject *dict;
        rc = take(self, 0, &dict);
        if (rc == 0) {
            rc = PyList_Append(list, dict);
            Py_DECREF(dict);
        }
    }
    if (rc == ENDED && PyList_GET_SIZE(list) == 0) {
        PyErr_SetString(PyExc_RuntimeError, "Could not drain events. Channel is closed");
        return -1;
    }
    return rc == -1 ? -1 : 0;
}

PyObject *node_drain(NodeObject *self, PyObject *unused)
{
    (void)unused;
    PyObject *list = PyList_New(0);
    if (!list)
        return NULL;
    int rc = begin(self, 0);
    if (rc > 0) {
        rc = drain(self, list);
        end(self);
    }
    if (rc < 0)
        Py_CLEAR(list);
    return list;
}

PyObject *node_is_empty(NodeObject *self, PyObject *unused)
{
    (void)unused;
    int rc = begin(self, 0);
    if (rc <= 0)
        return rc < 0 ? NULL : Py_NewRef(Py_True);
    if (!self->peeked)
        rc = dora_next(self->node, &self->peeked, 0);
    if (rc < 0)
        self->peeked = NULL;
    PyObject *empty = rc < 0 && rc != NOTHING && rc != ENDED ? error_raise(self, rc) : PyBool_FromLong(!self->peeked);
    end(self);
    return empty;
}

PyObject *node_fd(NodeObject *self, PyObject *unused)
{
    (void)unused;
    int rc = begin(self, 0);
    if (rc < 0)
        return NULL;
    if (rc == 0)
        return PyErr_Format(PyExc_RuntimeError, "another thread receives from this node already");
    int fd = dora_fd(self->node);
    PyObject *result = fd < 0 ? error_raise(self, fd) : PyLong_FromLong(fd);
    end(self);
    return result;
}
