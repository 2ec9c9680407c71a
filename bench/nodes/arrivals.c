/* Receives stamped messages: for each number when it was sent and when it came, 0 for one that never did. */
#include <stdlib.h>

#include "node.h"

int main(void)
{
    size_t count = (size_t)bench_param("BENCH_COUNT", 1), received = 0;
    int64_t *times = bench_values(2 * count);
    dora_node *node = node_open();
    dora_event *event;
    while ((event = node_next_input(node))) {
        size_t size;
        const int64_t *data = dora_event_data(event, &size);
        if (size < sizeof *data)
            bench_die("a message of %zu bytes has no stamp", size);
        size_t number = size < 2 * sizeof *data ? received : (size_t)data[1];
        if (number < count) {
            times[2 * number] = data[0];
            times[2 * number + 1] = bench_now();
        }
        received++;
        dora_event_free(event);
    }
    dora_node_close(node);
    bench_save(times, 2 * count);
    free(times);
    return 0;
}
