/* The links that are up at the moment. */
#include "daemon/dataflow.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/move.h"
#include "daemon/reporter.h"

static int send_link(const struct wire *wire, enum proto_type type, int segment)
{
    enum { EDGES_OFFSET = offsetof(struct proto_link, edges) };
    unsigned char room[EDGES_OFFSET + LINK_EDGES_MOST * sizeof(struct link_edge)]
        __attribute__((aligned(__alignof__(struct proto_link))));
    struct proto_link *body = (struct proto_link *)room;
    *body = (struct proto_link){
        .link = wire->link, .edge_count = wire->edge_count, .self = wire->publisher == wire->subscriber};
    memcpy(body->edges, wire->edges, wire->edge_count * sizeof *wire->edges);
    struct proto_packet packet = {
        .type = type,
        .body = body,
        .body_len = EDGES_OFFSET + wire->edge_count * sizeof *wire->edges,
        .text_count = 1,
    };
    if (type == PROTO_LINK_OUT) {
        const struct peer *subscriber = wire->subscriber->peer;
        packet.text[0] = wire->subscriber->node->id;
        memcpy(packet.fds, (int[]){segment, subscriber->bell_memory, subscriber->bell_event}, 3 * sizeof(int));
        packet.fd_count = 3;
        return participant_send(wire->publisher, &packet);
    }
    const struct participant *publisher = wire->publisher;
    packet.text[0] = publisher->node->id;
    packet.fds[0] = segment;
    packet.fds[1] = publisher->reporter ? reporter_arena(publisher->reporter) : publisher->peer->arena;
    packet.fd_count = 2;
    return participant_send(wire->subscriber, &packet);
}

void wire_up(struct wire *wire)
{
    struct participant *publisher = wire->publisher;
    if (wire->link || !participant_is_here(publisher) || !participant_is_here(wire->subscriber) ||
        move_holds_wire(wire))
        return;
    struct error error = ERROR_INIT;
    autoclose int segment = link_create(wire->edges, wire->edge_count, &error);
    if (segment < 0 && (wire->subscriber->is_watcher || (publisher->is_watcher && !publisher->reporter))) {
        participant_break(publisher->is_watcher ? publisher : wire->subscriber, error.message);
        return;
    }
    if (segment < 0) {
        dataflow_fail(publisher->dataflow, "no link from node `%s` to node `%s`: %s", publisher->node->id,
                      wire->subscriber->node->id, error.message);
        return;
    }
    wire->link = ++publisher->dataflow->daemon->last_link;
    /* Others that count the same messages may have counted already. */
    if (publisher->state == PARTICIPANT_RUNNING)
        counters_sample(publisher);
    for (uint32_t i = 0; i < wire->edge_count; i++)
        wire->states[i].before = publisher->sent[wire->edges[i].output];
    /* The subscriber first: it is ready for what the publisher sends as soon as it knows the link. */
    int rc = send_link(wire, PROTO_LINK_IN, segment);
    if (rc == 0 && publisher->reporter)
        reporter_link_up(wire, segment);
    else if (rc == 0)
        send_link(wire, PROTO_LINK_OUT, segment);
    wire->segment = take_fd(&segment);
}

void wire_down(struct wire *wire)
{
    if (wire->link)
        counters_keep(wire);
    reporter_link_down(wire);
    wire->link = 0;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < wire->edge_count; i++)
        if (!wire->states[i].is_down) {
            wire->edges[kept] = wire->edges[i];
            wire->states[kept++] = wire->states[i];
        }
    wire->edge_count = kept;
}

void wiring_up(struct participant *participant)
{
    for (uint32_t i = 0; i < participant->in_count; i++)
        if (participant->in[i]->publisher->state == PARTICIPANT_RUNNING)
            wire_up(participant->in[i]);
    for (uint32_t i = 0; i < participant->out_count; i++) {
        struct participant *subscriber = participant->out[i]->subscriber;
        if (subscriber->state == PARTICIPANT_RUNNING || subscriber == participant || move_is_arriving(subscriber))
            wire_up(participant->out[i]);
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
    for (uint32_t i = participant->in_count; i-- > 0;) {
        struct wire *wire = participant->in[i];
        if (wire->link && wire->publisher != participant)
            tell_down(wire->publisher, wire->link);
        wire_down(wire);
        if (wire->edge_count == 0)
            wiring_free(wire);
    }
}

void wiring_down_out(struct participant *participant)
{
    for (uint32_t i = participant->out_count; i-- > 0;) {
        struct wire *wire = participant->out[i];
        if (wire->link && wire->subscriber != participant)
            tell_down(wire->subscriber, wire->link);
        wire_down(wire);
        if (wire->edge_count == 0)
            wiring_free(wire);
    }
}

void wire_edge_down(struct wire *wire, uint32_t edge)
{
    struct proto_edge body = {wire->link, edge};
    struct proto_packet packet = {.type = PROTO_EDGE_DOWN, .body = &body, .body_len = sizeof body};
    participant_send(wire->publisher, &packet);
    if (wire->subscriber != wire->publisher)
        participant_send(wire->subscriber, &packet);
    wire->subscriber->packets_left++; /* it may answer that the link is closed */
}

void wiring_closed(struct participant *subscriber, uint32_t link)
{
    for (uint32_t i = 0; i < subscriber->in_count; i++) {
        struct wire *wire = subscriber->in[i];
        if (!wire->link || wire->link != link)
            continue;
        tell_down(wire->publisher, link);
        wire_down(wire);
        if (wire->edge_count == 0)
            wiring_free(wire);
        return;
    }
}
