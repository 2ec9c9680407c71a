/* A node that goes on as another process, on another machine: what the old one hands over, and the new one takes. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "node/event.h"
#include "node/node.h"
#include "shm/segment.h"

/* ---- What a publisher is asked, and both processes are told ---- */

static void say_at(const dora_node *node, enum proto_type type, uint32_t index, uint64_t sequence)
{
    struct proto_at at = {.index = index, .sequence = sequence};
    if (!node->socket_closed)
        proto_send(node->socket, &(struct proto_packet){.type = type, .body = &at, .body_len = sizeof at}, 0);
}

void handover_say_where(dora_node *node, uint32_t output)
{
    if (output < node->output_count)
        say_at(node, PROTO_OUTPUT_AT, output, node->outputs[output].sequence);
}

void handover_output(dora_node *node, const struct proto_at *at)
{
    if (at->index < node->output_count)
        node->outputs[at->index].sequence = at->sequence;
}

void handover_input(dora_node *node, const struct proto_packet *packet)
{
    const struct proto_at *at = packet->body;
    if (at->index >= node->input_count)
        return;
    struct input *input = &node->inputs[at->index];
    if (packet->type == PROTO_INPUT_AT)
        input->until = at->sequence;
    else
        input->from = input->next = at->sequence;
}

/* ---- The old one ---- */

int dora_on_move(dora_node *node, int (*save)(void *context, void **data, size_t *size), void *context)
{
    int rc = node_check(node);
    if (rc < 0)
        return rc;
    node->save = save;
    node->save_context = context;
    return 0;
}

/* What has not come yet of an input that nothing feeds will not come. */
static bool is_handled(const struct input *input)
{
    return input->kind == PROTO_PORT_TIMER || input->next >= input->until || !input->sources || input->close_reported;
}

bool handover_is_due(const dora_node *node)
{
    if (!node->is_between || node->deferred || node->stop_delivered)
        return false;
    for (size_t i = 0; i < node->input_count; i++)
        if (!is_handled(&node->inputs[i]))
            return false;
    return true;
}

static void refuse(dora_node *node, const char *why)
{
    struct proto_packet packet = {.type = PROTO_NO_MOVE, .text = {why}, .text_count = 1};
    lock_take(&node->lock);
    if (!node->socket_closed)
        proto_send(node->socket, &packet, 0);
    lock_release(&node->lock);
}

/* NULL: done; else why not. */
static const char *hand_over(dora_node *node, const void *data, size_t size, struct error *error)
{
    void *map;
    if (size == 0)
        return NULL;
    if (size > PROTO_STATE_MOST)
        return "its state is larger than 8 MiB";
    autoclose int segment = segment_create("dora-state", size, error);
    if (segment < 0 || segment_map(segment, size, PROT_READ | PROT_WRITE, &map, error) < 0)
        return error->message;
    memcpy(map, data, size);
    munmap(map, size);
    lock_take(&node->lock);
    struct proto_packet packet = {.type = PROTO_STATE, .fds = {segment}, .fd_count = 1};
    int rc = node->socket_closed ? -EPIPE : proto_send(node->socket, &packet, 0);
    lock_release(&node->lock);
    return rc < 0 ? "its state can't be handed to the daemon" : NULL;
}

int handover_leave(dora_node *node, dora_event **out)
{
    struct error error = ERROR_INIT;
    autofree void *data = NULL;
    size_t size = 0;
    node->is_moving = false;
    const char *fault = node->save && node->save(node->save_context, &data, &size) < 0
                            ? "its state can't be had: it says so itself"
                            : NULL;
    dora_event *event = fault ? NULL : event_new(node, DORA_EVENT_STOP, "MOVED");
    if (!event && !fault)
        fault = "it has no memory left";
    if (!fault)
        fault = hand_over(node, data, size, &error);
    if (fault) {
        dora_event_free(event);
        refuse(node, fault);
        return 0;
    }
    lock_take(&node->lock);
    for (uint32_t i = 0; i < node->input_count; i++)
        if (node->inputs[i].kind == PROTO_PORT_LINK)
            say_at(node, PROTO_INPUT_AT, i, node->inputs[i].next);
    if (!node->socket_closed)
        proto_send(node->socket, &(struct proto_packet){.type = PROTO_MOVED}, 0);
    lock_release(&node->lock);
    event->stop_cause = DORA_STOP_MOVED;
    for (size_t i = 0; i < node->input_count; i++)
        node->inputs[i].left = 0;
    node->stop_delivered = node->has_moved = true;
    *out = event;
    return 1;
}

void handover_say_last(dora_node *node)
{
    for (uint32_t i = 0; i < node->output_count && node->has_moved; i++)
        say_at(node, PROTO_OUTPUT_AT, i, node->outputs[i].sequence);
}

/* ---- The new one ---- */

void handover_take_state(dora_node *node, const struct proto_packet *packet)
{
    struct error error = ERROR_INIT;
    long long size = segment_size(packet->fds[0], &error);
    void *map;
    if (size > 0 && !node->moved_state && segment_map(packet->fds[0], (size_t)size, PROT_READ, &map, &error) == 0) {
        node->moved_state = map;
        node->moved_state_size = (size_t)size;
    } else {
        event_notice(node, DORA_EVENT_ERROR, "", "the state of this node's process before can't be had", NULL);
    }
}

const void *dora_moved_state(const dora_node *node, size_t *size)
{
    if (size)
        *size = node->moved_state_size;
    return node->moved_state;
}

void handover_close(dora_node *node)
{
    if (node->moved_state)
        munmap((void *)node->moved_state, node->moved_state_size);
    node->moved_state = NULL;
}
