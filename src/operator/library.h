/* An operator's shared library: loaded, and its three functions found. */
#ifndef OPERATOR_LIBRARY_H
#define OPERATOR_LIBRARY_H

#include "base/error.h"
#include "dora/operator_types.h"

struct operator_library {
    DoraInitOperator_t init;
    DoraOnEvent_t on_event;
    DoraDropOperator_t drop;
};

/* Loads `file` (absolute). It stays loaded until the process ends: an operator may have started threads of its own. Two
 * operators of the same file share what it has as static variables. -ENOENT there is no such file, -ENOEXEC it is no
 * shared library of this machine, -ELIBBAD it can't be loaded or lacks a function. */
int library_open(struct operator_library *library, const char *file, struct error *error);

#endif
