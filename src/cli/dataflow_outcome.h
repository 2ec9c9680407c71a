/* How a dataflow ended, from the object that describes it. */
#ifndef CLI_DATAFLOW_OUTCOME_H
#define CLI_DATAFLOW_OUTCOME_H

#include <jansson.h>
#include <stdbool.h>

/* It has ended. */
bool dataflow_has_ended(const json_t *dataflow);

/* It has ended well, or hasn't ended; otherwise tells on stderr why, as `dora run` does. */
bool dataflow_report_outcome(const json_t *dataflow);

/* Nodes that run, or have ended by themselves, of all that are started. */
size_t dataflow_count_started(const json_t *dataflow, size_t *all);

#endif
