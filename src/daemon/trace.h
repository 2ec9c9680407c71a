/* What the nodes of a dataflow note of their messages while somebody traces it: reading it out of their pages. */
#ifndef DAEMON_TRACE_H
#define DAEMON_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "graph/graph.h"
#include "proto/proto.h"

struct dataflow;

struct trace_span {
    const struct graph_node *node;
    enum proto_span_kind kind;
    uint32_t port; /* index of the output that sent, or the input that took */
    uint64_t sequence;
    int64_t time_ns;      /* CLOCK_MONOTONIC */
    uint32_t cause_input; /* SEND: index + 1 of the input whose message was being handled; 0: none */
    uint64_t cause_sequence;
};

/* Lets all nodes note, or no longer (`on`), and hands out what they have noted since the last call, node by node, each
 * in order. Returns how many notes were overwritten before they were read. What a node writes is checked: its ports
 * exist, and no node can make this take longer than PROTO_SPANS notes. */
uint64_t trace_read(struct dataflow *dataflow, bool on, void (*span)(void *context, const struct trace_span *span),
                    void *context);

/* The name of what an output sends or an input takes: "node/output", "dora/timer/…". */
void trace_topic(const struct graph_node *node, enum proto_span_kind kind, uint32_t port, struct buf *out);

#endif
