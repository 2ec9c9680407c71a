/* An operator that gets nothing to do. */
#include "operator.h"

const int role_core = 0;

DoraStatus_t role_event(dora_node *node, const dora_event *event)
{
    (void)node;
    (void)event;
    return DORA_STATUS_CONTINUE;
}

void role_end(void)
{
}
