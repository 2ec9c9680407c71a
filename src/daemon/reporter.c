#include "daemon/reporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "daemon/dataflow.h"
#include "daemon/log_json.h"
#include "graph/model.h"
#include "proto/text.h"

struct reporter {
    struct arena arena;
    uint64_t sequence, clock;
};

/* ---- Who listens ---- */

static int open_reporter(struct dataflow *dataflow)
{
    struct graph *graph = graph_new();
    struct graph_node *node = graph ? graph_push(graph, graph->nodes, &graph->node_count) : NULL;
    struct graph_output *output = node ? graph_push(graph, node->outputs, &node->output_count) : NULL;
    struct reporter *reporter = calloc(1, sizeof *reporter);
    if (!output || !reporter) {
        graph_free(graph);
        free(reporter);
        return -ENOMEM;
    }
    arena_init(&reporter->arena);
    node->id = "dora/logs"; /* no node's id has a slash */
    node->kind = GRAPH_NODE_DYNAMIC;
    output->id = "logs";
    int rc = arena_open(&reporter->arena, NULL);
    struct participant *participant = rc < 0 ? NULL : population_add(dataflow, node, graph, NULL);
    if (!participant) {
        if (rc < 0)
            graph_free(graph);
        reporter_free(reporter);
        return rc < 0 ? rc : -ENOMEM;
    }
    participant->is_watcher = true;
    participant->reporter = reporter;
    participant->state = PARTICIPANT_RUNNING;
    dataflow->reporter = participant;
    return 0;
}

static int lay(struct participant *subscriber, uint32_t input, const struct participant *source, bool is_raw)
{
    struct dataflow *dataflow = subscriber->dataflow;
    if (subscriber->state == PARTICIPANT_REMOTE || (source && source->state == PARTICIPANT_REMOTE))
        return 0; /* that is the affair of the daemon over there */
    int rc = dataflow->reporter ? 0 : open_reporter(dataflow);
    if (rc < 0)
        return rc;
    struct link_edge edge = wiring_edge(0, subscriber->node, input);
    edge.policy = LINK_DROP_OLDEST;
    rc = wiring_add(dataflow->reporter, subscriber, edge);
    if (rc < 0)
        return rc;
    struct wire *wire = NULL; /* the one that has got the edge, as its last */
    for (uint32_t i = 0; i < subscriber->in_count; i++)
        if (subscriber->in[i]->publisher == dataflow->reporter && !subscriber->in[i]->link)
            wire = subscriber->in[i];
    struct edge_state *state = &wire->states[wire->edge_count - 1];
    state->source = source;
    state->is_raw = is_raw;
    return 0;
}

int reporter_connect_logs(struct participant *subscriber, uint32_t input)
{
    return lay(subscriber, input, NULL, false);
}

static bool is_named(const char *id, const struct participant *publisher, uint32_t output)
{
    return id && strcmp(id, publisher->node->outputs[output].id) == 0;
}

int reporter_connect_output(struct participant *publisher, uint32_t output, struct participant *subscriber,
                            uint32_t input)
{
    int rc = 0;
    if (is_named(publisher->node->send_stdout_as, publisher, output))
        rc = lay(subscriber, input, publisher, true);
    if (rc == 0 && is_named(publisher->node->send_logs_as, publisher, output))
        rc = lay(subscriber, input, publisher, false);
    return rc;
}

bool reporter_makes(const struct participant *publisher, uint32_t output)
{
    return publisher->logs && (is_named(publisher->node->send_stdout_as, publisher, output) ||
                               is_named(publisher->node->send_logs_as, publisher, output));
}

void reporter_disconnect(struct participant *publisher, const struct participant *subscriber, uint32_t input)
{
    struct participant *reporter = publisher->dataflow->reporter;
    for (uint32_t i = reporter ? reporter->out_count : 0; i-- > 0;) {
        struct wire *wire = reporter->out[i];
        for (uint32_t k = wire->edge_count; k-- > 0;)
            if (wire->states[k].source == publisher && !wire->states[k].is_down &&
                (!subscriber || (wire->subscriber == subscriber && wire->edges[k].input == input))) {
                bool is_last = wire->edge_count == 1;
                wiring_disconnect(wire, k);
                if (is_last)
                    break; /* the wire may be gone */
            }
    }
}

/* ---- Links ---- */

void reporter_link_up(struct wire *wire, int segment)
{
    wire->tx = calloc(1, sizeof *wire->tx);
    /* Without memory for it nothing comes over the link. */
    if (wire->tx && link_tx_open(wire->tx, segment, wire->edges, wire->edge_count, NULL) < 0)
        free(take_ptr(wire->tx));
}

void reporter_link_down(struct wire *wire)
{
    if (!wire->tx)
        return;
    link_tx_close(wire->tx, &wire->publisher->reporter->arena);
    free(take_ptr(wire->tx));
}

int reporter_arena(const struct reporter *reporter)
{
    return reporter->arena.fd;
}

void reporter_free(struct reporter *reporter)
{
    if (!reporter)
        return;
    arena_close(&reporter->arena);
    free(reporter);
}

/* ---- Sending ---- */

/* A text in the arena, to be sent over any number of edges; NULL block: there was no memory, and it is lost. */
struct parcel {
    uint32_t block; /* ARENA_NONE: not made yet */
    struct message message;
    bool has_failed;
};

static void reclaim(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->out_count; i++)
        if (participant->out[i]->tx)
            link_tx_reclaim(participant->out[i]->tx, &participant->reporter->arena);
}

static void pack(struct participant *participant, struct parcel *parcel, const char *text, size_t len)
{
    struct reporter *reporter = participant->reporter;
    uint8_t meta[TEXT_META_MOST];
    size_t size = text_payload_size(len);
    reclaim(participant);
    if (arena_alloc(&reporter->arena, size, &parcel->block, NULL) < 0) {
        parcel->has_failed = true;
        return;
    }
    text_payload_write(arena_data(&reporter->arena, parcel->block), text, len);
    uint64_t now = clock_ntp64();
    reporter->clock = now > reporter->clock ? now : reporter->clock + 1;
    struct message_block block = {reporter->arena.blocks[parcel->block].offset, size, parcel->block};
    size_t meta_len = text_meta_write(meta, len);
    message_pack(&parcel->message, reporter->sequence++, reporter->clock, TEXT_FORMAT, 0,
                 (struct message_part){.block = &block}, (struct message_part){.bytes = meta, .len = meta_len});
}

static void put(struct wire *wire, uint32_t edge, const struct parcel *parcel)
{
    struct link_message message = {.message = &parcel->message, .blocks = {parcel->block, ARENA_NONE}};
    link_tx_send(wire->tx, edge, &message, &wire->publisher->reporter->arena);
    /* Between what was published and a look at the bell; pairs with doorbell_arm. */
    fence_full();
    if (wire->subscriber->peer)
        doorbell_ring(&wire->subscriber->peer->bell);
}

/* Sends the text to every edge that wants it; `line` is NULL for raw text. */
static void publish(struct participant *from, const struct log_line *line, const char *text, size_t len)
{
    struct participant *participant = from->dataflow->reporter;
    struct parcel parcel = {.block = ARENA_NONE};
    autobuf struct buf json = {0};
    for (uint32_t i = 0; participant && i < participant->out_count; i++) {
        struct wire *wire = participant->out[i];
        for (uint32_t k = 0; wire->tx && k < wire->edge_count && !parcel.has_failed; k++) {
            const struct edge_state *state = &wire->states[k];
            const struct graph_input *input = &wire->subscriber->node->inputs[wire->edges[k].input];
            bool wants = state->is_raw == !line && !state->is_down;
            if (state->source)
                wants = wants && host_of((struct participant *)state->source) == from &&
                        (!line || line->level != GRAPH_LOG_STDOUT);
            else /* dora/logs, and not one's own */
                wants = wants && host_of(wire->subscriber) != from && line->level <= input->log_level &&
                        (!input->log_node || strcmp(input->log_node, from->node->id) == 0);
            if (!wants)
                continue;
            if (line && !json.data) {
                log_json_add(&json, line, from->dataflow->id);
                text = json.data;
                len = json.len;
                parcel.has_failed = json.failed;
            }
            if (parcel.block == ARENA_NONE && !parcel.has_failed)
                pack(participant, &parcel, text, len);
            if (!parcel.has_failed)
                put(wire, k, &parcel);
        }
    }
    if (parcel.block != ARENA_NONE)
        arena_unref(&participant->reporter->arena, parcel.block);
}

void reporter_raw(struct participant *from, const char *raw, size_t len)
{
    publish(from, NULL, raw, len);
}

void reporter_line(struct participant *from, const struct log_line *line)
{
    publish(from, line, NULL, 0);
}
