/* Which machine runs which node: a decision of nothing but the descriptor and the machines that are there.
 */
#ifndef COORDINATOR_PLACEMENT_H
#define COORDINATOR_PLACEMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "graph/graph.h"

struct placement_machine {
    const char *name;
    const json_t *labels; /* text → text; NULL: none */
    bool is_here;         /* the coordinator's own: for nodes that say nothing, and before others with the labels */
};

/* Fills `where` with the index of a machine for each node of `graph`: `deploy.machine`, else the machine that has all
 * of `deploy.labels`, else the coordinator's own. Of several with the labels: the coordinator's own, then the one that
 * has the fewest nodes so far, then by name. -ENOENT: there is none for a node; the message names the node, what it
 * asks for, and which machines there are. */
int placement_make(const struct graph *graph, const struct placement_machine *machines, size_t count, size_t *where,
                   struct error *error);

/* Whether the machine has all labels that the node asks for. */
bool placement_fits(const struct graph_node *node, const json_t *labels);

#endif
