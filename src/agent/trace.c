/* What traced nodes have noted, for the coordinator (docs/control.md, Traces). */
#include "agent/parts.h"
#include "daemon/trace.h"

static json_t *topic_of(const struct graph_node *node, enum proto_span_kind kind, uint32_t port)
{
    autobuf struct buf name = {0};
    trace_topic(node, kind, port, &name);
    return name.failed ? NULL : json_stringn(name.data, name.len);
}

static void add_span(void *context, const struct trace_span *span)
{
    bool is_send = span->kind == PROTO_SPAN_SEND;
    const char *port = is_send ? span->node->outputs[span->port].id : span->node->inputs[span->port].id;
    json_t *cause = json_null();
    if (span->cause_input > 0)
        cause = json_pack("{s:o, s:I}", "topic", topic_of(span->node, PROTO_SPAN_TAKE, span->cause_input - 1),
                          "sequence", (json_int_t)span->cause_sequence);
    json_array_append_new(context,
                          json_pack("{s:s, s:s, s:o, s:s, s:I, s:I, s:o}", "node", span->node->id, "kind",
                                    is_send ? "send" : "take", "topic", topic_of(span->node, span->kind, span->port),
                                    "port", port, "sequence", (json_int_t)span->sequence, "time",
                                    (json_int_t)span->time_ns, "cause", cause));
}

static void ignore_span(void *context, const struct trace_span *span)
{
    (void)context;
    (void)span;
}

void agent_trace_end(struct run *run)
{
    if (run->dataflow && run->is_tracing)
        trace_read(run->dataflow, false, ignore_span, NULL);
    run->is_tracing = false;
}

void agent_trace(struct run *run, struct control_request *request, json_t *params)
{
    json_t *spans = json_array();
    run->is_tracing = json_is_true(json_object_get(params, "on"));
    uint64_t lost = trace_read(run->dataflow, run->is_tracing, add_span, spans);
    control_answer(request, json_pack("{s:o, s:I}", "spans", spans, "lost", (json_int_t)lost));
}
