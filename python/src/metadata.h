/* Metadata: a message's timestamp and parameters as a dict, and parameters of a dict. */
#ifndef PYTHON_METADATA_H
#define PYTHON_METADATA_H

#include "node.h"

int metadata_prepare(void); /* imports datetime */

/* `timestamp` first, as an aware datetime; all parameters over it. */
PyObject *metadata_of(struct state *state, const dora_event *event);

/* *params: NULL for None and an empty dict; else to be given to dora_params_free. What parameters can't hold becomes
 * text, and the node warns of it once a key. */
int metadata_params(NodeObject *self, PyObject *metadata, dora_params **params);

PyObject *metadata_datetime(uint64_t ntp64); /* aware, UTC, µs */

#endif
