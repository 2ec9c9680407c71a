/* Events as the dicts that Python sees. */
#ifndef PYTHON_EVENT_H
#define PYTHON_EVENT_H

#include "node.h"

/* The event stays the caller's. An input whose data is no valid Arrow array becomes an ERROR. */
PyObject *event_dict(NodeObject *self, const dora_event *event);

/* {"kind": "dora", "type": "ERROR", "error": text} */
PyObject *event_error(struct state *state, const char *text);

#endif
