/* Sends a message and waits for the answer of `pong`, over and over: half of each round trip. Whatever comes first
 * begins it. */
#include <stdlib.h>

#include "../nodes/node.h"
#include "operator.h"

const int role_core = 0;

static struct outlet outlet;
static int64_t *half, sent_at;
static size_t count, done;

static void send_one(void)
{
    sent_at = bench_now();
    outlet_send(&outlet, sent_at, (int64_t)done);
}

DoraStatus_t role_event(dora_node *node, const dora_event *event)
{
    (void)event;
    if (!half) {
        count = (size_t)bench_param("BENCH_COUNT", 1);
        half = bench_values(count);
        outlet = outlet_open(node);
    } else {
        half[done++] = (bench_now() - sent_at) / 2;
    }
    if (done == count)
        return DORA_STATUS_STOP;
    send_one();
    return DORA_STATUS_CONTINUE;
}

void role_end(void)
{
    if (done < count)
        bench_die("the answers ended after %zu of %zu", done, count);
    bench_save(half, count);
    outlet_close(&outlet);
    free(half);
}
