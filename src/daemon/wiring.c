/* Which node feeds which, and the links that are up at the moment. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct connection {
    uint32_t publisher, subscriber;
    struct link_edge edge;
};

static int compare_connections(const void *left, const void *right)
{
    const struct connection *a = left, *b = right;
    if (a->publisher != b->publisher)
        return a->publisher < b->publisher ? -1 : 1;
    if (a->subscriber != b->subscriber)
        return a->subscriber < b->subscriber ? -1 : 1;
    return a->edge.input < b->edge.input ? -1 : a->edge.input > b->edge.input;
}

static int compare_incoming(const void *left, const void *right)
{
    const struct wire *a = *(struct wire *const *)left, *b = *(struct wire *const *)right;
    if (a->subscriber != b->subscriber)
        return a->subscriber < b->subscriber ? -1 : 1;
    return a < b ? -1 : a > b;
}

static int compare_output(const void *id, const void *output)
{
    return strcmp(id, ((const struct graph_output *)output)->id);
}

static uint32_t queue_limit(const struct graph_input *input)
{
    uint64_t limit = input->queue_size ? input->queue_size : 1;
    return limit > RING_CAPACITY_MOST ? RING_CAPACITY_MOST : (uint32_t)limit;
}

static int collect(struct dataflow *dataflow, struct connection *connections, struct error *error)
{
    for (uint32_t i = 0; i < dataflow->count; i++) {
        const struct graph_node *node = dataflow->participants[i].node;
        for (uint32_t k = 0; k < node->input_count; k++) {
            const struct graph_input *input = &node->inputs[k];
            if (input->kind != GRAPH_INPUT_NODE)
                continue;
            const struct graph_node *source =
                input->source_node < dataflow->count ? &dataflow->graph->nodes[input->source_node] : NULL;
            const struct graph_output *output =
                source && source->output_count ? bsearch(input->source_output, source->outputs, source->output_count,
                                                         sizeof *source->outputs, compare_output)
                                               : NULL;
            if (!output)
                return error_set(error, -EINVAL, "input `%s` of node `%s`: there is no output `%s/%s`", input->id,
                                 node->id, input->source, input->source_output);
            *connections++ = (struct connection){
                (uint32_t)input->source_node, i,
                .edge = {(uint32_t)(output - source->outputs), k, queue_limit(input),
                         input->queue_policy == GRAPH_BACKPRESSURE ? LINK_BACKPRESSURE : LINK_DROP_OLDEST}};
        }
    }
    return 0;
}

static void lay(struct dataflow *dataflow, const struct connection *connections, uint32_t count)
{
    struct wire *wire = NULL;
    for (uint32_t i = 0; i < count; i++) {
        struct participant *publisher = &dataflow->participants[connections[i].publisher];
        struct participant *subscriber = &dataflow->participants[connections[i].subscriber];
        dataflow->edges[i] = connections[i].edge;
        if (!wire || wire->publisher != publisher || wire->subscriber != subscriber ||
            wire->edge_count == LINK_EDGES_MOST) {
            wire = &dataflow->wires[dataflow->wire_count++];
            *wire = (struct wire){publisher, subscriber, 0, 0, &dataflow->edges[i]};
            if (!publisher->out)
                publisher->out = wire;
            publisher->out_count++;
        }
        wire->edge_count++;
    }
    for (uint32_t i = 0; i < dataflow->wire_count; i++)
        dataflow->incoming[i] = &dataflow->wires[i];
    qsort(dataflow->incoming, dataflow->wire_count, sizeof(struct wire *), compare_incoming);
    for (uint32_t i = 0; i < dataflow->wire_count; i++) {
        struct participant *subscriber = dataflow->incoming[i]->subscriber;
        if (!subscriber->in)
            subscriber->in = &dataflow->incoming[i];
        subscriber->in_count++;
    }
}

int wiring_lay(struct dataflow *dataflow, struct error *error)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < dataflow->count; i++)
        count += dataflow->participants[i].data_inputs;
    if (count == 0)
        return 0;
    autofree struct connection *connections = calloc(count, sizeof *connections);
    dataflow->edges = calloc(count, sizeof *dataflow->edges);
    dataflow->wires = calloc(count, sizeof *dataflow->wires);
    dataflow->incoming = calloc(count, sizeof(struct wire *));
    if (!connections || !dataflow->edges || !dataflow->wires || !dataflow->incoming)
        return error_set(error, -ENOMEM, "no memory for the dataflow's links");
    int rc = collect(dataflow, connections, error);
    if (rc < 0)
        return rc;
    qsort(connections, count, sizeof *connections, compare_connections);
    lay(dataflow, connections, count);
    return 0;
}

static int send_link(const struct wire *wire, enum proto_type type, int segment)
{
    struct {
        struct proto_link link;
        struct link_edge edges[LINK_EDGES_MOST];
    } body = {{wire->link, wire->edge_count, wire->publisher == wire->subscriber, 0}, {{0}}};
    memcpy(body.edges, wire->edges, wire->edge_count * sizeof *wire->edges);
    struct proto_packet packet = {
        .type = type,
        .body = &body,
        .body_len = sizeof body.link + wire->edge_count * sizeof *wire->edges,
        .text_count = 1,
    };
    if (type == PROTO_LINK_OUT) {
        const struct peer *subscriber = wire->subscriber->peer;
        packet.text[0] = wire->subscriber->node->id;
        memcpy(packet.fds, (int[]){segment, subscriber->bell_memory, subscriber->bell_event}, 3 * sizeof(int));
        packet.fd_count = 3;
        return participant_send(wire->publisher, &packet);
    }
    packet.text[0] = wire->publisher->node->id;
    memcpy(packet.fds, (int[]){segment, wire->publisher->peer->arena}, 2 * sizeof(int));
    packet.fd_count = 2;
    return participant_send(wire->subscriber, &packet);
}

void wire_up(struct wire *wire)
{
    if (wire->link || !participant_is_here(wire->publisher) || !participant_is_here(wire->subscriber))
        return;
    struct error error = ERROR_INIT;
    autoclose int segment = link_create(wire->edges, wire->edge_count, &error);
    if (segment < 0) {
        dataflow_fail(wire->publisher->dataflow, "the link from node `%s` to node `%s` can't be made: %s",
                      wire->publisher->node->id, wire->subscriber->node->id, error.message);
        return;
    }
    wire->link = ++wire->publisher->dataflow->daemon->last_link;
    /* The subscriber first: it is ready for what the publisher sends as soon as it knows the link. */
    if (send_link(wire, PROTO_LINK_IN, segment) == 0)
        send_link(wire, PROTO_LINK_OUT, segment);
}

void wiring_up(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->in_count; i++)
        if (participant->in[i]->publisher->state == PARTICIPANT_RUNNING)
            wire_up(participant->in[i]);
    for (uint32_t i = 0; i < participant->out_count; i++) {
        struct participant *subscriber = participant->out[i].subscriber;
        if (subscriber->state == PARTICIPANT_RUNNING || subscriber == participant)
            wire_up(&participant->out[i]);
    }
}

static void tell_down(struct participant *participant, uint32_t link)
{
    struct proto_index body = {link};
    participant_send(participant,
                     &(struct proto_packet){.type = PROTO_LINK_DOWN, .body = &body, .body_len = sizeof body});
}

void wiring_down_in(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->in_count; i++) {
        struct wire *wire = participant->in[i];
        if (wire->link && wire->publisher != participant)
            tell_down(wire->publisher, wire->link);
        wire->link = 0;
    }
}

void wiring_down_out(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->out_count; i++) {
        struct wire *wire = &participant->out[i];
        if (wire->link && wire->subscriber != participant)
            tell_down(wire->subscriber, wire->link);
        wire->link = 0;
    }
}

static void tell_closed(struct participant *participant, uint32_t input)
{
    struct proto_index body = {input};
    participant_send(participant,
                     &(struct proto_packet){.type = PROTO_INPUT_CLOSED, .body = &body, .body_len = sizeof body});
}

/* Nothing comes any more: it should finish, and not be started again. */
static void tell_all_closed(struct participant *participant)
{
    bool is_kept_alive = participant->other_inputs > 0 && !participant->dataflow->finish_with_inputs;
    if (participant->data_inputs == 0 || participant->open_inputs > 0 || is_kept_alive)
        return;
    participant->restarts.is_disabled = true;
    participant_send(participant, &(struct proto_packet){.type = PROTO_ALL_INPUTS_CLOSED});
    if (participant->state == PARTICIPANT_WAITING)
        alarm_set(participant->alarm, 0);
}

static void close_input(struct participant *participant, uint32_t input)
{
    if (participant->closed[input])
        return;
    participant->closed[input] = true;
    participant->open_inputs--;
    tell_closed(participant, input);
    tell_all_closed(participant);
}

void wiring_close_output(struct participant *participant, uint32_t output)
{
    for (uint32_t i = 0; i < participant->out_count; i++)
        for (uint32_t k = 0; k < participant->out[i].edge_count; k++)
            if (participant->out[i].edges[k].output == output)
                close_input(participant->out[i].subscriber, participant->out[i].edges[k].input);
}

void wiring_close_outputs(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->out_count; i++)
        for (uint32_t k = 0; k < participant->out[i].edge_count; k++)
            close_input(participant->out[i].subscriber, participant->out[i].edges[k].input);
}

void wiring_report_closed(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->node->input_count; i++)
        if (participant->closed[i])
            tell_closed(participant, i);
    tell_all_closed(participant);
}

void wiring_tell_subscribers(struct participant *participant, const struct proto_packet *packet)
{
    for (uint32_t i = 0; i < participant->out_count; i++) {
        struct participant *subscriber = participant->out[i].subscriber;
        bool is_told = i > 0 && participant->out[i - 1].subscriber == subscriber;
        if (!is_told && subscriber != participant)
            participant_send(subscriber, packet);
    }
}
