/* Sends a message every BENCH_PACE_NS until it is stopped. Results: for each of the first BENCH_COUNT messages when its
 * sending began, and how long that took. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "node.h"

/* Looks without waiting. */
static bool is_stopped(dora_node *node)
{
    dora_event *event;
    int rc;
    bool stopped = false;
    while ((rc = dora_next(node, &event, 0)) == 0) {
        stopped |= dora_event_type(event) == DORA_EVENT_STOP;
        dora_event_free(event);
    }
    if (rc != -ENODATA && rc != -ETIMEDOUT)
        bench_die("receive: %s", dora_node_error(node));
    return stopped || rc == -ENODATA;
}

int main(void)
{
    dora_node *node = node_open();
    struct outlet outlet = outlet_open(node);
    size_t count = (size_t)bench_param("BENCH_COUNT", 1), sent = 0;
    int64_t *times = bench_values(2 * count), pace = bench_param("BENCH_PACE_NS", 1000000), next = 0;
    while (!is_stopped(node)) {
        bench_pace(&next, pace);
        int64_t begin = bench_now();
        outlet_send(&outlet, begin, (int64_t)sent);
        int64_t took = bench_now() - begin;
        if (sent >= count)
            continue;
        times[2 * sent] = begin;
        times[2 * sent++ + 1] = took;
    }
    outlet_close(&outlet);
    dora_node_close(node);
    bench_save(times, 2 * sent);
    free(times);
    return 0;
}
