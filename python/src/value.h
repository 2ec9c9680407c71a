/* An event's data as a pyarrow array, without copying. */
#ifndef PYTHON_VALUE_H
#define PYTHON_VALUE_H

#include "module.h"

/* Looks up what is needed of pyarrow; importing it takes a while. */
int value_prepare(struct state *state);

/* The data of an INPUT. The array is read-only, and keeps the memory until it is released, whatever becomes of event
 * and node. */
PyObject *value_of(struct state *state, const dora_event *event);

#endif
