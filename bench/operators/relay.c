/* An operator in the middle of a pipeline: sends on what it gets. */
#include "operator.h"

const int role_core = 0;

DoraStatus_t role_event(dora_node *node, const dora_event *event)
{
    if (dora_send(node, "out", dora_event_data(event, NULL), dora_event_size(event), NULL) < 0)
        bench_die("send: %s", dora_node_error(node));
    return DORA_STATUS_CONTINUE;
}

void role_end(void)
{
}
