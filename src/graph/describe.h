/* A graph in the keys of a descriptor, as a JSON value: what nodes see of their dataflow, and what `dora expand`
 * prints. */
#ifndef GRAPH_DESCRIBE_H
#define GRAPH_DESCRIBE_H

#include <jansson.h>

#include "graph/graph.h"

json_t *describe(const struct graph *graph); /* NULL when out of memory */

#endif
