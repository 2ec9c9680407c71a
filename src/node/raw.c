#include "node/node_raw.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/atomic.h"
#include "node/event.h"
#include "node/meta.h"
#include "node/node.h"
#include "node/params.h"

int node_raw_open(dora_node **node, const char *config, const dora_node_options *options, dora_error *error)
{
    return node_open(node, config, options, error);
}

int node_raw_greet(dora_node **node, const char *config, const dora_node_options *options, dora_error *error)
{
    return node_greet(node, config, options, error);
}

int node_raw_join(dora_node **node, dora_error *error)
{
    return node_join(node, error);
}

void node_raw_read(const dora_event *event, struct node_raw *raw)
{
    struct message_block block;
    *raw = (struct node_raw){
        .data = event->data,
        .size = event->size,
        .sequence = event->message.words[1],
        .timestamp = event->message.words[2],
        .format = message_format(&event->message),
    };
    message_meta(&event->message, &raw->meta, &raw->meta_len, &block);
    if (!raw->meta)
        raw->meta = link_hold_data(&event->meta_block);
}

void node_raw_release(dora_event *event)
{
    event_unref(event);
}

/* Checks meta, and finds out what it means to a queue. */
static int understand(const struct node_raw *raw, struct publish_head *head)
{
    struct meta meta;
    const char *format;
    size_t len;
    dora_params *params = NULL;
    int rc = meta_split(raw->meta, raw->meta_len, &meta);
    if (rc == 0 && (raw->format == PUBLISH_NESTED) != (meta.type_len > 0))
        rc = -EBADMSG;
    if (rc == 0 && meta.type_len)
        rc = meta_format(&meta, &format, &len);
    if (rc == 0 && meta.params_len)
        rc = params_decode(meta.params, meta.params_len, &params);
    *head = (struct publish_head){
        .sequence = raw->sequence,
        .timestamp = raw->timestamp,
        .is_protected = params && params_protects(params),
        .flush = params && params_flushes(params),
    };
    dora_params_free(params);
    return rc;
}

static bool has_room(struct output *output)
{
    for (size_t i = 0; i < output->route_count; i++)
        if (!link_tx_has_room(&output->routes[i].link->tx, output->routes[i].edge))
            return false;
    return true;
}

static int send_locked(dora_node *node, struct output *output, const struct node_raw *raw, struct publish_data *data,
                       const struct publish_head *head)
{
    struct publish_meta meta;
    uint8_t *room, small[MESSAGE_INLINE];
    int rc = 0;
    if (raw->loan)
        sample_lend(raw->loan, data);
    else if (raw->data || raw->size == 0)
        rc = publish_data_place(node, data, raw->meta_len > 0);
    else if (message_fits(raw->size, raw->meta_len ? 8 * MESSAGE_BLOCK : 0))
        raw->fill(raw->context, small), data->bytes = small;
    else if ((rc = publish_alloc(node, raw->size, &data->block)) == 0)
        raw->fill(raw->context, arena_data(&node->arena, data->block));
    if (rc == 0)
        rc = publish_meta_room(node, data, raw->meta_len, &meta, &room);
    if (rc < 0)
        return rc;
    if (raw->meta_len)
        memcpy(room, raw->meta, raw->meta_len);
    return publish_message(node, output, data, &meta, head);
}

int node_raw_send(dora_node *node, const char *id, const struct node_raw *raw, bool wait)
{
    struct publish_data data = {.bytes = raw->data, .size = raw->size, .block = ARENA_NONE, .format = raw->format};
    struct publish_head head;
    int rc = understand(raw, &head);
    if (rc < 0)
        return node_fail(node, rc, "output `%s`: parameters or type of a message passed on are malformed", id);
    struct output *output = publish_begin(node, id, strlen(id), &rc);
    if (!output)
        return rc;
    output->sequence = raw->sequence + 1;
    if (!wait && !has_room(output))
        rc = -EAGAIN;
    for (size_t i = 0; i < output->route_count && rc == 0; i++)
        link_tx_missed(&output->routes[i].link->tx, output->routes[i].edge, raw->missed);
    if (rc == 0 && output->route_count)
        rc = send_locked(node, output, raw, &data, &head);
    publish_end(node, data.keep ? ARENA_NONE : data.block);
    return rc;
}

int node_raw_look(dora_node *node, dora_event **event)
{
    return dora_next(node, event, NODE_LOOK);
}

void node_raw_interrupt(dora_node *node)
{
    /* release: see next.c. */
    atomic_store_explicit(&node->interrupted, true, memory_order_release);
    fence_full();
    doorbell_ring(&node->bell);
}

void node_raw_cancel(dora_node *node)
{
    lock_take(&node->lock);
    node->stopping = true;
    lock_release(&node->lock);
}

int node_raw_fail(dora_node *node, const char *text)
{
    return proto_send(node->socket, &(struct proto_packet){.type = PROTO_FAILED, .text = {text}, .text_count = 1},
                      MSG_DONTWAIT);
}

int node_raw_stop_all(dora_node *node)
{
    return proto_send(node->socket, &(struct proto_packet){.type = PROTO_STOP_ALL}, MSG_DONTWAIT);
}

bool node_raw_cut_off(dora_node *node)
{
    lock_take(&node->lock);
    bool is_cut_off = node->socket_closed;
    lock_release(&node->lock);
    return is_cut_off;
}
