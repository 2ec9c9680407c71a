/* Spans by what they are asked for: which message was sent when, taken when, and sent because of which. */
#ifndef CLI_TRACE_STORE_H
#define CLI_TRACE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names (of nodes, topics, inputs) are numbers here. */
struct trace_span {
    uint32_t node, topic, port;
    bool has_cause;
    uint32_t cause_topic;
    uint64_t sequence, cause_sequence;
    int64_t time;
};

struct trace_spans {
    struct trace_span *items;
    size_t count, capacity;
};

struct trace_store {
    json_t *numbers; /* name → number */
    const char **names;
    size_t name_count, name_capacity;
    struct trace_spans takes;   /* by node, topic, sequence, time */
    struct trace_spans sends;   /* by topic, sequence, time */
    struct trace_spans effects; /* sends with a cause, by node, cause */
};

int trace_store_init(struct trace_store *store);
void trace_store_free(struct trace_store *store);
int trace_store_add(struct trace_store *store, const json_t *span);
int trace_store_sort(struct trace_store *store); /* before the rest */

/* The last sending of this message until `time`, NULL if unknown. */
const struct trace_span *trace_store_send(const struct trace_store *store, uint32_t topic, uint64_t sequence,
                                          int64_t time);
/* The last time, until `time`, that this node took this message. */
const struct trace_span *trace_store_take(const struct trace_store *store, uint32_t node, uint32_t topic,
                                          uint64_t sequence, int64_t time);
/* Did the node send something because of this take? */
bool trace_store_has_effect(const struct trace_store *store, const struct trace_span *take);

#endif
