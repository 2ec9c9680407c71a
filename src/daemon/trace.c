#include "daemon/trace.h"

#include "daemon/dataflow.h"

/* Copies the span at `position`; false where it is being written or gone. */
static bool copy(struct proto_page *page, uint64_t position, const struct graph_node *node, struct trace_span *span)
{
    struct proto_span *shared = &page->spans[position % PROTO_SPANS];
    /* acquire: whoever sees the position sees the words; and the second look at it comes after them. */
    if (atomic_load_explicit(&shared->position, memory_order_acquire) != position + 1)
        return false;
    uint64_t what = atomic_load_explicit(&shared->what, memory_order_acquire);
    span->node = node;
    span->kind = (enum proto_span_kind)(what & 0xff);
    span->port = what >> 8 & 0xffffff;
    span->cause_input = (uint32_t)(what >> 32);
    span->sequence = atomic_load_explicit(&shared->sequence, memory_order_acquire);
    span->time_ns = (int64_t)atomic_load_explicit(&shared->time_ns, memory_order_acquire);
    span->cause_sequence = atomic_load_explicit(&shared->cause_sequence, memory_order_acquire);
    if (atomic_load_explicit(&shared->position, memory_order_relaxed) != position + 1)
        return false;
    size_t ports = span->kind == PROTO_SPAN_SEND   ? node->output_count
                   : span->kind == PROTO_SPAN_TAKE ? node->input_count
                                                   : 0;
    return span->port < ports && span->cause_input <= node->input_count;
}

static uint64_t read_peer(struct peer *peer, const struct graph_node *node,
                          void (*call)(void *context, const struct trace_span *span), void *context)
{
    /* acquire: the spans before the last few are written. */
    uint64_t count = atomic_load_explicit(&peer->page->span_count, memory_order_acquire);
    uint64_t from = peer->spans_read, lost = 0;
    if (count - from > PROTO_SPANS) {
        /* A count that steps back or leaps is nonsense or a great many; either way only the last can be read. */
        lost = count > from ? count - from - PROTO_SPANS : 0;
        from = count > PROTO_SPANS ? count - PROTO_SPANS : 0;
    }
    for (; from < count; from++) {
        struct trace_span span;
        if (copy(peer->page, from, node, &span))
            call(context, &span);
        else
            lost++;
    }
    peer->spans_read = count;
    return lost;
}

uint64_t trace_read(struct dataflow *dataflow, bool on, void (*span)(void *context, const struct trace_span *span),
                    void *context)
{
    uint64_t lost = 0;
    for (uint32_t i = 0; i < dataflow->count; i++) {
        struct participant *p = dataflow->participants[i];
        if (p->is_watcher || !p->peer || !p->peer->page)
            continue;
        /* relaxed: a node may see it a message late. */
        bool was_on = atomic_exchange_explicit(&p->peer->page->tracing, on, memory_order_relaxed);
        if (was_on)
            lost += read_peer(p->peer, p->node, span, context);
        else
            p->peer->spans_read = atomic_load_explicit(&p->peer->page->span_count, memory_order_relaxed);
    }
    return lost;
}

void trace_topic(const struct graph_node *node, enum proto_span_kind kind, uint32_t port, struct buf *out)
{
    if (kind == PROTO_SPAN_SEND)
        buf_printf(out, "%s/%s", node->id, node->outputs[port].id);
    else
        graph_print_source(&node->inputs[port], out);
}
