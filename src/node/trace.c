#include "node/trace.h"

void trace_note(dora_node *node, enum proto_span_kind kind, size_t port, uint64_t sequence)
{
    /* relaxed, here and below: counts and times, each complete by itself; `position` tells a reader what belongs
     * together. Where another thread sends while the receiver takes, a cause may be the one before. */
    uint64_t position = atomic_fetch_add_explicit(&node->page->span_count, 1, memory_order_relaxed);
    struct proto_span *span = &node->page->spans[position % PROTO_SPANS];
    /* seq_cst exchange: the words below are not seen before it, so nobody takes them for the old span's. */
    atomic_exchange(&span->position, 0);
    uint64_t cause = 0;
    if (kind == PROTO_SPAN_SEND) {
        cause = atomic_load_explicit(&node->cause_input, memory_order_relaxed);
        atomic_store_explicit(&span->cause_sequence, atomic_load_explicit(&node->cause_sequence, memory_order_relaxed),
                              memory_order_relaxed);
    } else {
        atomic_store_explicit(&node->cause_input, port + 1, memory_order_relaxed);
        atomic_store_explicit(&node->cause_sequence, sequence, memory_order_relaxed);
    }
    atomic_store_explicit(&span->what, (uint64_t)kind | port << 8 | cause << 32, memory_order_relaxed);
    atomic_store_explicit(&span->sequence, sequence, memory_order_relaxed);
    atomic_store_explicit(&span->time_ns, (uint64_t)clock_now(), memory_order_relaxed);
    /* release: whoever sees the position sees the words. */
    atomic_store_explicit(&span->position, position + 1, memory_order_release);
}
