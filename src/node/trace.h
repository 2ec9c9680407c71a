/* Notes of when messages were taken and sent, for whoever traces this dataflow. */
#ifndef NODE_TRACE_H
#define NODE_TRACE_H

#include "node/node.h"

void trace_note(dora_node *node, enum proto_span_kind kind, size_t port, uint64_t sequence);

static inline bool trace_on(const dora_node *node)
{
    /* relaxed: a trace may begin or end a message late. */
    return atomic_load_explicit(&node->page->tracing, memory_order_relaxed);
}

/* The receiver has given out this message: what is sent until trace_rest is caused by it. */
static inline void trace_take(dora_node *node, const struct input *input, uint64_t sequence)
{
    if (__builtin_expect(trace_on(node), 0))
        trace_note(node, PROTO_SPAN_TAKE, (size_t)(input - node->inputs), sequence);
}

static inline void trace_send(dora_node *node, const struct output *output, uint64_t sequence)
{
    if (__builtin_expect(trace_on(node), 0))
        trace_note(node, PROTO_SPAN_SEND, (size_t)(output - node->outputs), sequence);
}

/* The receiver asks for the next event: the last one has been handled. */
static inline void trace_rest(dora_node *node)
{
    /* relaxed: see trace_note. */
    if (__builtin_expect(trace_on(node), 0))
        atomic_store_explicit(&node->cause_input, 0, memory_order_relaxed);
}

#endif
