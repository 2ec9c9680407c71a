/* A node in the middle of a chain: sends on what it gets. */
#include "node.h"

int main(void)
{
    dora_node *node = node_open();
    dora_event *event;
    while ((event = node_next_input(node))) {
        if (dora_send(node, "out", dora_event_data(event, NULL), dora_event_size(event), NULL) < 0)
            bench_die("send: %s", dora_node_error(node));
        dora_event_free(event);
    }
    dora_node_close(node);
    return 0;
}
