/* dora.Node: a dora_node, and how long its parts live.
 *
 * Whoever calls libdora is between node_enter and node_leave: a node that one thread closes is given back by the last
 * thread that is in it. `users`, `closed` and `node` change under the GIL.
 */
#ifndef PYTHON_NODE_H
#define PYTHON_NODE_H

#include "module.h"

typedef struct {
    PyObject ob_base;
    struct state *state; /* of the module, which the type keeps */
    dora_node *node;     /* NULL before it is open, and after it is closed and nobody uses it */
    Py_ssize_t users;
    bool closed;
    bool is_hosted; /* `node` is the host's of operators (operator.c), which closes it */

    PyThread_type_lock receiving; /* one thread at a time receives */
    unsigned long receiver;       /* which one; 0: none */
    dora_event *peeked;           /* taken by is_empty, not yet given out */

    const char *last_id; /* the input that delivered last: libdora's name of it, and ours */
    PyObject *last_name;
    PyObject *warned;   /* a set: what has been warned of */
    PyObject *async_io; /* of dora/_async.py */
    PyObject *weak_references;
} NodeObject;

extern PyType_Spec node_spec;

/* One without a `node`. */
NodeObject *node_alloc(PyTypeObject *type);

/* false, with an exception, when it is closed. */
bool node_enter(NodeObject *self);
void node_leave(NodeObject *self);

/* Logs a warning, the first time for this `key`. -1 with an exception. */
int node_warn_once(NodeObject *self, PyObject *key, const char *format, ...);

/* Calls `function` of the Python file dora.`module`, with the node before the other arguments. `args` and `kwargs` may
 * be NULL. */
PyObject *node_delegate(NodeObject *self, const char *module, const char *function, PyObject *args, PyObject *kwargs);

/* ---- What the type (node_type.c) is made of ---- */

PyObject *node_new(PyTypeObject *type, PyObject *args, PyObject *kwargs);
int node_traverse(NodeObject *self, visitproc visit, void *arg);
int node_clear(NodeObject *self);
void node_dealloc(NodeObject *self);
PyObject *node_close(NodeObject *self, PyObject *unused);

PyObject *node_next(NodeObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names); /* receive.c */
PyObject *node_try_recv(NodeObject *self, PyObject *unused);
PyObject *node_poll(NodeObject *self, PyObject *unused);
PyObject *node_drain(NodeObject *self, PyObject *unused);
PyObject *node_is_empty(NodeObject *self, PyObject *unused);
PyObject *node_iterate(NodeObject *self);
PyObject *node_fd(NodeObject *self, PyObject *unused);

PyObject *node_send_output(NodeObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names); /* send.c */
PyObject *node_send_service_request(NodeObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *node_send_service_response(NodeObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names);
PyObject *node_close_output(NodeObject *self, PyObject *output);

PyObject *node_send_output_raw(NodeObject *self, PyObject *args, PyObject *kwargs); /* loan.c */
PyObject *node_loan(NodeObject *self, PyObject *args, PyObject *kwargs);

PyObject *node_dataflow_id(NodeObject *self, PyObject *unused); /* info.c */
PyObject *node_id(NodeObject *self, PyObject *unused);
PyObject *node_descriptor_text(NodeObject *self, PyObject *unused);
PyObject *node_is_restart(NodeObject *self, PyObject *unused);
PyObject *node_restart_count(NodeObject *self, PyObject *unused);
PyObject *node_timestamp(NodeObject *self, PyObject *unused);
PyObject *node_log_line(NodeObject *self, PyObject *args);

#endif
