/* What the daemon says while the node runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "node/node.h"

int control_note(dora_node *node, const struct proto_packet *packet)
{
    size_t size = (packet->body_len + 7) / 8 * 8;
    for (size_t i = 0; i < packet->text_count; i++)
        size += strlen(packet->text[i]) + 1;
    struct note *note = malloc(sizeof *note + size);
    if (!note)
        return -ENOMEM;
    note->next = NULL;
    note->packet = *packet;
    note->packet.body = note->content;
    if (packet->body_len)
        memcpy(note->content, packet->body, packet->body_len);
    char *end = note->content + (packet->body_len + 7) / 8 * 8;
    for (size_t i = 0; i < packet->text_count; i++) {
        size_t len = strlen(packet->text[i]) + 1;
        note->packet.text[i] = memcpy(end, packet->text[i], len);
        end += len;
    }
    *node->notes_end = note;
    node->notes_end = &note->next;
    return 0;
}

static void receive(dora_node *node, struct proto_packet *packet)
{
    const struct proto_index *index = packet->body;
    const struct proto_edge *edge = packet->body;
    switch (packet->type) {
    case PROTO_LINK_OUT:
        node->socket_error = publish_add_link(node, packet);
        node->socket_closed = node->socket_error < 0;
        proto_close_fds(packet);
        return;
    case PROTO_LINK_DOWN:
        if (publish_drop_link(node, index->index))
            return;
        break;
    case PROTO_EDGE_DOWN:
        if (publish_drop_edge(node, edge->link, edge->edge))
            return;
        break;
    case PROTO_STOP:
        node->stopping = true;
        break;
    case PROTO_WHERE:
        handover_say_where(node, index->index);
        return;
    default:
        break;
    }
    if (control_note(node, packet) < 0) {
        /* Without memory for what the daemon says the node can't go on in step with it. */
        node->socket_closed = true;
        node->socket_error = -ENOMEM;
        proto_close_fds(packet);
    }
}

void control_pump(dora_node *node)
{
    node->control_read = control_count(node);
    while (!node->socket_closed) {
        _Alignas(8) char buffer[PROTO_PACKET_MOST];
        struct proto_packet packet;
        int rc = proto_recv(node->socket, &packet, buffer, MSG_DONTWAIT);
        if (rc == -EAGAIN)
            return;
        if (rc != 1) {
            node->socket_closed = true;
            node->socket_error = rc;
            return;
        }
        receive(node, &packet);
    }
}

static void apply(dora_node *node, struct proto_packet *packet)
{
    const struct proto_index *index = packet->body;
    const struct proto_edge *edge = packet->body;
    switch (packet->type) {
    case PROTO_LINK_IN:
        if (subscribe_add_link(node, packet) < 0)
            event_notice(node, DORA_EVENT_ERROR, "", node->error.message, NULL);
        break;
    case PROTO_LINK_DOWN:
        subscribe_drop_link(node, index->index);
        break;
    case PROTO_EDGE_DOWN:
        subscribe_drop_edge(node, edge->link, edge->edge);
        break;
    case PROTO_INPUT_CLOSED:
        if (index->index < node->input_count)
            node->inputs[index->index].closed = true;
        break;
    case PROTO_INPUT_OPENED:
        if (index->index < node->input_count)
            node->inputs[index->index].closed = node->inputs[index->index].close_reported = false;
        break;
    case PROTO_ALL_INPUTS_CLOSED:
        node->inputs_ended = true;
        break;
    case PROTO_STOP:
        node->stop_requested = true;
        break;
    case PROTO_INPUT_AT:
    case PROTO_INPUT_FROM:
        handover_input(node, packet);
        break;
    case PROTO_MOVE:
        node->is_moving = true;
        break;
    case PROTO_STATE:
        handover_take_state(node, packet);
        break;
    case PROTO_NODE_FAILED:
        event_notice(node, DORA_EVENT_NODE_FAILED, packet->text[0], packet->text[1], NULL);
        break;
    case PROTO_NODE_RESTARTED:
        event_notice(node, DORA_EVENT_NODE_RESTARTED, packet->text[0], "", NULL);
        break;
    case PROTO_PARAM_UPDATE:
        event_notice(node, DORA_EVENT_PARAM_UPDATE, packet->text[0], "", packet->text[1]);
        break;
    case PROTO_PARAM_DELETED:
        event_notice(node, DORA_EVENT_PARAM_DELETED, packet->text[0], "", NULL);
        break;
    case PROTO_RELOAD:
        event_notice(node, DORA_EVENT_RELOAD, packet->text[0], "", NULL);
        break;
    default:
        break;
    }
}

void control_apply(dora_node *node)
{
    lock_take(&node->lock);
    control_pump(node);
    node->control_applied = node->control_read;
    struct note *notes = node->notes;
    node->notes = NULL;
    node->notes_end = &node->notes;
    bool closed = node->socket_closed;
    int error = node->socket_error;
    lock_release(&node->lock);
    while (notes) {
        struct note *note = notes;
        notes = note->next;
        apply(node, &note->packet);
        proto_close_fds(&note->packet);
        free(note);
    }
    /* Without its daemon a node has nothing left to do but finish. */
    if (closed && !node->stop_requested) {
        node->cut_off = error < 0;
        if (node->cut_off)
            event_notice(
                node, DORA_EVENT_ERROR, "",
                error == -EMFILE || error == -ENFILE
                    ? "too many open files: what the daemon sends can't be received, so this node stops; raise "
                      "the limit (ulimit -n)"
                    : "what the daemon sends can't be received, so this node stops",
                NULL);
        node->stop_requested = true;
    }
}
