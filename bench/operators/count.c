/* Receives what `flood` sends, at the end of a pipeline. Results: messages received, numbers missing in the row,
 * numbers out of order, when the last came (ns). */
#include <string.h>

#include "operator.h"

const int role_core = 0;

static int64_t received, total, missing, disorder, expected, last;

DoraStatus_t role_event(dora_node *node, const dora_event *event)
{
    int64_t number;
    (void)node;
    if (received == 0)
        total = bench_param("BENCH_COUNT", 1);
    if (dora_event_size(event) != sizeof number)
        bench_die("a message of %zu bytes is not from flood", dora_event_size(event));
    memcpy(&number, dora_event_data(event, NULL), sizeof number);
    if (number < expected)
        disorder++;
    else
        missing += number - expected;
    expected = number + 1;
    received++;
    if (expected == total)
        last = bench_now();
    return DORA_STATUS_CONTINUE;
}

void role_end(void)
{
    missing += total - expected;
    int64_t results[] = {received, missing, disorder, last};
    bench_save(results, sizeof results / sizeof *results);
}
