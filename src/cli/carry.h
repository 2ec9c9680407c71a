/* Programs of nodes with `deploy.distribute: scp` or `http`: they are brought to the machines that will run them
 * (docs/machines.md).
 */
#ifndef CLI_CARRY_H
#define CLI_CARRY_H

#include "control/client.h"
#include "graph/graph.h"

/* `params` are those of dataflow.start, and get to know what was carried. Shows how far it is. False: reported, and
 * nothing was started. */
bool carry(struct control_client *client, const struct graph *graph, json_t *params);

#endif
