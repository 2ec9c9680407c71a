/* Sends a message and waits for the answer of `pong`, over and over: half of each round trip. */
#include <stdlib.h>

#include "node.h"

int main(void)
{
    size_t count = (size_t)bench_param("BENCH_COUNT", 1);
    int64_t *half = bench_values(count);
    dora_node *node = node_open();
    struct outlet outlet = outlet_open(node);
    for (size_t i = 0; i < count; i++) {
        int64_t sent = bench_now();
        outlet_send(&outlet, sent, (int64_t)i);
        dora_event *event = node_next_input(node);
        half[i] = (bench_now() - sent) / 2;
        if (!event)
            bench_die("the answers ended after %zu of %zu", i, count);
        dora_event_free(event);
    }
    outlet_close(&outlet);
    dora_node_close(node);
    bench_save(half, count);
    free(half);
    return 0;
}
