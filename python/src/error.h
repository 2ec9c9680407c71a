/* Failures of libdora as exceptions that say what to do. */
#ifndef PYTHON_ERROR_H
#define PYTHON_ERROR_H

#include "node.h"

/* Raises for a failed call's negative errno; always returns NULL. */
void *error_raise(NodeObject *self, int code);

/* Of a node that was closed. */
void *error_closed(void);

#endif
