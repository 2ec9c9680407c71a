/* Answers each message with one of the same size; nobody looks at its stamp. */
#include "../nodes/node.h"
#include "operator.h"

const int role_core = 1;

static struct outlet outlet;
static int64_t number;

DoraStatus_t role_event(dora_node *node, const dora_event *event)
{
    (void)event;
    if (!outlet.node)
        outlet = outlet_open(node);
    outlet_send(&outlet, 0, number++);
    return DORA_STATUS_CONTINUE;
}

void role_end(void)
{
    outlet_close(&outlet);
}
