#include "node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

dora_node *node_open(void)
{
    dora_node_options options = {.poll_ns = bench_param("BENCH_POLL_NS", 0)};
    if (bench_param("BENCH_FOREVER", 0))
        options.poll_ns = DORA_FOREVER;
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, &options, &error) < 0)
        bench_die("%s", error.message);
    return node;
}

struct outlet outlet_open(dora_node *node)
{
    struct outlet outlet = {.node = node, .size = (size_t)bench_param("BENCH_SIZE", 8)};
    if (outlet.size < sizeof(int64_t))
        bench_die("a message of %zu bytes has no room for its stamp", outlet.size);
    if (bench_param("BENCH_LOAN", 0))
        return outlet;
    outlet.copied = malloc(outlet.size);
    if (!outlet.copied)
        bench_die("no memory for %zu bytes", outlet.size);
    memset(outlet.copied, 1, outlet.size);
    return outlet;
}

void outlet_close(struct outlet *outlet)
{
    free(outlet->copied);
}

static void stamp(int64_t *data, size_t size, int64_t now, int64_t number)
{
    data[0] = now;
    if (size >= 2 * sizeof *data)
        data[1] = number;
}

void outlet_send(struct outlet *outlet, int64_t now, int64_t number)
{
    int rc;
    if (outlet->copied) {
        stamp(outlet->copied, outlet->size, now, number);
        rc = dora_send(outlet->node, "out", outlet->copied, outlet->size, NULL);
    } else {
        dora_sample *sample;
        if (dora_loan(outlet->node, outlet->size, &sample) < 0)
            bench_die("loan: %s", dora_node_error(outlet->node));
        stamp(dora_sample_data(sample), outlet->size, now, number);
        rc = dora_send_sample(outlet->node, "out", sample, NULL, NULL);
    }
    if (rc < 0)
        bench_die("send: %s", dora_node_error(outlet->node));
}

dora_event *node_next_input(dora_node *node)
{
    dora_event *event;
    int rc;
    while ((rc = dora_next(node, &event, DORA_FOREVER)) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            return event;
        dora_event_free(event);
    }
    if (rc != -ENODATA)
        bench_die("receive: %s", dora_node_error(node));
    return NULL;
}
