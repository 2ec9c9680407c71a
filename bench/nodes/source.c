/* Sends stamped messages at a steady pace, then ends. */
#include "node.h"

int main(void)
{
    dora_node *node = node_open();
    struct outlet outlet = outlet_open(node);
    int64_t count = bench_param("BENCH_COUNT", 1), pace = bench_param("BENCH_PACE_NS", 0), next = 0;
    for (int64_t i = 0; i < count; i++) {
        bench_pace(&next, pace);
        outlet_send(&outlet, bench_now(), i);
    }
    outlet_close(&outlet);
    dora_node_close(node);
    return 0;
}
