/* Receives what `flood` sends. Results: messages received, messages that the queue counted as dropped, numbers missing
 * in the row, numbers out of order, when the last came (ns). */
#include <string.h>

#include "node.h"

int main(void)
{
    int64_t received = 0, missing = 0, disorder = 0, expected = 0, last = 0, total = bench_param("BENCH_COUNT", 1);
    dora_node *node = node_open();
    dora_input_stats stats = {0};
    dora_event *event;
    while ((event = node_next_input(node))) {
        int64_t number;
        if (dora_event_size(event) != sizeof number)
            bench_die("a message of %zu bytes is not from flood", dora_event_size(event));
        memcpy(&number, dora_event_data(event, NULL), sizeof number);
        if (number < expected)
            disorder++;
        else
            missing += number - expected;
        expected = number + 1;
        received++;
        if (number == total - 1)
            last = bench_now();
        dora_event_free(event);
    }
    missing += total - expected;
    if (dora_get_input_stats(node, "in", &stats) < 0)
        bench_die("statistics: %s", dora_node_error(node));
    dora_node_close(node);
    int64_t results[] = {received, (int64_t)stats.dropped, missing, disorder, last};
    bench_save(results, sizeof results / sizeof *results);
    return 0;
}
