/* The extension module dora._dora: what its parts share.
 *
 * All state hangs on the module object, so that each interpreter has its own. Functions that take or give a PyObject
 * need the GIL and, where they fail, return NULL or -1 with an exception set, as Python's own do.
 */
#ifndef PYTHON_MODULE_H
#define PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "dora/dora.h"

/* Names that are looked up or stored often, as interned str. */
#define NAMES(X)                                                                                                       \
    X(kind)                                                                                                            \
    X(dora)                                                                                                            \
    X(type)                                                                                                            \
    X(id)                                                                                                              \
    X(value)                                                                                                           \
    X(metadata)                                                                                                        \
    X(error)                                                                                                           \
    X(timestamp)                                                                                                       \
    X(request_id)                                                                                                      \
    X(__arrow_c_array__)

enum { EVENT_KINDS = DORA_EVENT_ERROR + 1, PLAIN_TYPES = 11 };

struct names {
#define X(name) PyObject *name;
    NAMES(X)
#undef X
};

struct state {
    PyTypeObject *node_type, *loan_type;
    struct names names;
    PyObject *event_names[EVENT_KINDS];

    /* Of pyarrow, NULL until it is needed (value.h). */
    PyObject *arrow_import;             /* pyarrow.Array._import_from_c */
    PyObject *arrow_types[PLAIN_TYPES]; /* in the order of PLAIN_FORMATS */
    PyObject *arrow_tick;               /* what a timer's tick carries: the null array of length 0 */

    PyTypeObject *buffer_type; /* the last type seen that is a buffer and no Arrow array (payload.c) */
};

struct state *module_state(PyObject *module);

/* module.attribute, imported now. */
PyObject *module_import(const char *module, const char *attribute);

#endif
