/* Answers each message with one of the same size; nobody looks at its stamp. */
#include "node.h"

int main(void)
{
    dora_node *node = node_open();
    struct outlet outlet = outlet_open(node);
    dora_event *event;
    for (int64_t i = 0; (event = node_next_input(node)); i++) {
        outlet_send(&outlet, 0, i);
        dora_event_free(event);
    }
    outlet_close(&outlet);
    dora_node_close(node);
    return 0;
}
