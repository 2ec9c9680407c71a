/* Receives stamped messages: the ns that each was under way, at its number's place (0 for one that never came). */
#include <stdlib.h>

#include "node.h"

int main(void)
{
    size_t count = (size_t)bench_param("BENCH_COUNT", 1), received = 0;
    int64_t *late = bench_values(count);
    dora_node *node = node_open();
    dora_event *event;
    while ((event = node_next_input(node))) {
        size_t size;
        const int64_t *data = dora_event_data(event, &size);
        int64_t now = bench_now();
        if (size < sizeof *data)
            bench_die("a message of %zu bytes has no stamp", size);
        size_t number = size < 2 * sizeof *data ? received : (size_t)data[1];
        if (number < count)
            late[number] = now - data[0];
        received++;
        dora_event_free(event);
    }
    dora_node_close(node);
    bench_save(late, count);
    free(late);
    return 0;
}
