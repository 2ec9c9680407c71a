/* How much has gone over ports, read from the links without disturbing anybody. */
#include "daemon/dataflow.h"

#include "base/cleanup.h"

bool counters_read(struct wire *wire, uint32_t edge, struct link_counters *counters)
{
    if (!wire->link)
        return false;
    if (!wire->view.shared) {
        if (wire->segment < 0 || link_view_open(&wire->view, wire->segment, wire->edges, wire->edge_count, NULL) < 0)
            return false;
        cleanup_close(&wire->segment);
        wire->segment = -1;
    }
    *counters = link_view_read(&wire->view, edge);
    return true;
}

/* All edges of an output count the same messages, though from different moments on. */
static void sample(struct wire *wire)
{
    for (uint32_t i = 0; i < wire->edge_count; i++) {
        struct link_counters counters;
        if (!counters_read(wire, i, &counters))
            continue;
        struct port_count *sent = &wire->publisher->sent[wire->edges[i].output];
        const struct port_count *before = &wire->states[i].before;
        if (before->messages + counters.sent > sent->messages)
            sent->messages = before->messages + counters.sent;
        if (before->bytes + counters.bytes > sent->bytes)
            sent->bytes = before->bytes + counters.bytes;
    }
}

void counters_sample(struct participant *publisher)
{
    for (uint32_t i = 0; i < publisher->out_count; i++)
        sample(publisher->out[i]);
}

void counters_keep(struct wire *wire)
{
    sample(wire);
    /* What is left in the queues still comes, unless it is the subscriber that is gone. */
    bool is_lost = !participant_is_here(wire->subscriber);
    for (uint32_t i = 0; i < wire->edge_count; i++) {
        struct link_counters counters;
        if (!counters_read(wire, i, &counters))
            continue;
        struct port_count *received = &wire->subscriber->received[wire->edges[i].input];
        uint64_t dropped = counters.dropped + (is_lost ? counters.queued : 0);
        received->messages += counters.sent - dropped;
        received->dropped += dropped;
        received->bytes += counters.bytes;
    }
    link_view_close(&wire->view);
    cleanup_close(&wire->segment);
    wire->segment = -1;
}

void counters_delays(const struct wire *wire, uint32_t edge, uint64_t counts[LINK_DELAYS])
{
    link_view_delays(&wire->view, edge, counts);
}
