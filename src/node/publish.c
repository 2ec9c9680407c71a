/* Sending: a message is packed once and put into the queue of every subscriber. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/cleanup.h"
#include "base/suggest.h"
#include "node/node.h"
#include "node/params.h"
#include "node/trace.h"
#include "shm/message.h"

/* How long a sender that waits for room sleeps before it looks at what the daemon says. */
static const int64_t ROOM_NAP = 20 * CLOCK_MILLI;

struct output *publish_find(dora_node *node, const char *id, size_t len)
{
    for (size_t i = 0; i < node->output_count; i++)
        if (node->outputs[i].id_len == len && memcmp(node->outputs[i].id, id, len) == 0)
            return &node->outputs[i];
    return NULL;
}

enum { EVERY_EDGE = UINT32_MAX };

/* Removes the routes over an edge of `link`, and keeps the count of what they dropped. */
static void drop_routes(dora_node *node, const struct tx_link *link, uint32_t edge)
{
    for (size_t i = 0; i < node->output_count; i++) {
        struct output *output = &node->outputs[i];
        size_t kept = 0;
        for (size_t j = 0; j < output->route_count; j++) {
            struct route route = output->routes[j];
            if (route.link == link && (edge == EVERY_EDGE || route.edge == edge))
                output->dropped += link->tx.edges[route.edge].dropped;
            else
                output->routes[kept++] = route;
        }
        output->route_count = kept;
    }
}

static void close_link(dora_node *node, struct tx_link **at)
{
    struct tx_link *link = *at;
    drop_routes(node, link, EVERY_EDGE);
    link->down = true;
    if (link->waiters)
        return;
    *at = link->next;
    link_tx_close(&link->tx, &node->arena);
    doorbell_close(&link->bell);
    free(link);
}

static struct tx_link **find_link(dora_node *node, uint32_t id)
{
    struct tx_link **at = &node->tx_links;
    while (*at && (*at)->id != id)
        at = &(*at)->next;
    return at;
}

bool publish_drop_link(dora_node *node, uint32_t id)
{
    struct tx_link **at = find_link(node, id);
    if (!*at)
        return false;
    close_link(node, at);
    return true;
}

bool publish_drop_edge(dora_node *node, uint32_t id, uint32_t edge)
{
    struct tx_link *link = *find_link(node, id);
    if (link)
        drop_routes(node, link, edge);
    return link;
}

static int add_route(struct output *output, struct route route)
{
    struct route *routes = reallocarray(output->routes, output->route_count + 1, sizeof *routes);
    if (!routes)
        return -ENOMEM;
    output->routes = routes;
    routes[output->route_count++] = route;
    return 0;
}

int publish_add_link(dora_node *node, const struct proto_packet *packet)
{
    const struct proto_link *body = packet->body;
    for (uint32_t i = 0; i < body->edge_count; i++)
        if (body->edges[i].output >= node->output_count)
            return node_fail_locked(node, -EPROTO, "the daemon names output %u, there are %zu", body->edges[i].output,
                                    node->output_count);
    struct tx_link *link = calloc(1, sizeof *link);
    if (!link)
        return node_fail_locked(node, -ENOMEM, "no memory for a link");
    link->id = body->link;
    link->self = body->self;
    link->bell = (struct doorbell)DOORBELL_INIT;
    int rc = link_tx_open(&link->tx, packet->fds[0], body->edges, body->edge_count, &node->error);
    if (rc == 0)
        rc = doorbell_open(&link->bell, packet->fds[1], packet->fds[2], &node->error);
    if (rc == 0)
        ((struct proto_packet *)packet)->fds[2] = -1;
    struct tx_link **end = &node->tx_links;
    while (*end)
        end = &(*end)->next;
    *end = link;
    for (uint32_t i = 0; i < body->edge_count && rc == 0; i++)
        rc = add_route(&node->outputs[body->edges[i].output], (struct route){link, i});
    if (rc < 0)
        close_link(node, end);
    return rc;
}

void publish_close(dora_node *node)
{
    while (node->tx_links)
        close_link(node, &node->tx_links);
    for (size_t i = 0; i < node->output_count; i++) {
        free(node->outputs[i].id);
        free(node->outputs[i].routes);
    }
    free(node->outputs);
    node->outputs = NULL;
    node->output_count = 0;
}

int publish_alloc(dora_node *node, size_t size, uint32_t *block)
{
    struct tx_link **at = &node->tx_links;
    while (*at) {
        struct tx_link *link = *at;
        if (link_tx_reclaim(&link->tx, &node->arena) < 0)
            close_link(node, at);
        if (*at == link)
            at = &link->next;
    }
    return arena_alloc(&node->arena, size, block, &node->error);
}

/* Calendar time, but later than whatever this node has sent or seen: a hybrid logical clock. A stamp more than a second
 * ahead is another clock's error, and is not followed. */
static uint64_t next_stamp(dora_node *node)
{
    uint64_t now = stamp_now(&node->stamp);
    /* relaxed: any value seen is a good one. */
    uint64_t seen = atomic_load_explicit(&node->clock_seen, memory_order_relaxed);
    if (seen >= now && seen - now < 1ull << 32)
        now = seen + 1;
    if (now <= node->clock)
        now = node->clock + 1;
    node->clock = now;
    return now;
}

uint64_t dora_timestamp(dora_node *node)
{
    lock_take(&node->lock);
    uint64_t stamp = next_stamp(node);
    lock_release(&node->lock);
    return stamp;
}

static void ring_bells(const struct output *output)
{
    /* Between what was published and a look at the bells; pairs with doorbell_arm. */
    fence_full();
    for (size_t i = 0; i < output->route_count; i++)
        doorbell_ring(&output->routes[i].link->bell);
}

/* Waits until a full queue may have room, with the lock released. What the daemon says meanwhile is heard: the
 * subscriber may be gone, or the dataflow stop. */
static int wait_for_room(dora_node *node, struct output *output, struct route route)
{
    if (route.link->self)
        return node_fail_locked(node, -EAGAIN, "output `%s`: the queue of this node's own input is full", output->id);
    ring_bells(output);
    output->busy = true;
    output->sender = pthread_self();
    route.link->waiters++;
    lock_release(&node->lock);
    node_bump(node);
    wait_enter(node);
    link_tx_wait(&route.link->tx, route.edge, clock_after(clock_now(), ROOM_NAP));
    int rc = wait_leave(node);
    lock_take(&node->lock);
    if (--route.link->waiters == 0 && route.link->down)
        publish_drop_link(node, route.link->id);
    control_pump(node);
    if (node->stopping || node->socket_closed)
        return node_fail_locked(node, -ECANCELED, "output `%s`: the dataflow stops", output->id);
    return rc < 0 ? node_fail_locked(node, rc, "output `%s`: the wait for room was ended", output->id) : 0;
}

/* Waits, with the lock, until another thread's send on the output may be over. */
static int wait_for_turn(dora_node *node, const struct output *output)
{
    if (pthread_equal(output->sender, pthread_self()))
        return node_fail_locked(node, -EDEADLK, "output `%s`: this thread waits to send on it already", output->id);
    lock_release(&node->lock);
    wait_enter(node);
    lock_take(&node->lock);
    if (output->busy)
        lock_wait(&node->lock, &node->idle, ROOM_NAP);
    lock_release(&node->lock);
    int rc = wait_leave(node);
    lock_take(&node->lock);
    return rc < 0 ? node_fail_locked(node, rc, "output `%s`: the wait for another send was ended", output->id) : 0;
}

/* Puts the message in every subscriber's queue, in order of links. A wait may change the routes, so they are found by
 * the last link done. */
static int fan_out(dora_node *node, struct output *output, const struct link_message *message)
{
    int result = 0;
    uint64_t done_link = 0, done_edge = 0;
    for (size_t i = 0; i < output->route_count;) {
        struct route route = output->routes[i];
        if (route.link->id < done_link || (route.link->id == done_link && route.edge < done_edge)) {
            i++;
            continue;
        }
        int rc = link_tx_send(&route.link->tx, route.edge, message, &node->arena);
        if (rc == -EAGAIN) {
            rc = wait_for_room(node, output, route);
            if (rc < 0)
                return rc;
            i = 0;
            continue;
        }
        done_link = route.link->id;
        done_edge = route.edge + 1;
        i++;
        if (rc == -EBADMSG) {
            /* That subscriber writes nonsense into its own links: it gets nothing more. */
            publish_drop_link(node, route.link->id);
            i = 0;
        } else if (rc < 0) {
            result = node_fail_locked(node, rc, "output `%s`: no memory to queue a message", output->id);
        }
    }
    return result;
}

static int write_meta(dora_node *node, const struct publish_data *data, const dora_params *params,
                      struct publish_meta *meta)
{
    size_t params_len = params_encoded_size(params);
    size_t len = params_len + data->type_len ? sizeof(uint32_t) + params_len + data->type_len : 0;
    uint8_t *out;
    if (len > UINT32_MAX)
        return node_fail_locked(node, -EMSGSIZE, "parameters of %zu bytes are too long", params_len);
    int rc = publish_meta_room(node, data, len, meta, &out);
    if (rc < 0 || len == 0)
        return rc;
    memcpy(out, &(uint32_t){(uint32_t)params_len}, sizeof(uint32_t));
    params_encode(params, out + sizeof(uint32_t));
    if (data->type_len)
        memcpy(out + sizeof(uint32_t) + params_len, data->type, data->type_len);
    return 0;
}

static struct message_block block_of(const dora_node *node, uint32_t block, size_t size)
{
    return (struct message_block){node->arena.blocks[block].offset, size, block};
}

int publish_data_place(dora_node *node, struct publish_data *data, bool has_meta)
{
    /* What lies beside a block of meta must leave room for the three words that name it. */
    if (data->block != ARENA_NONE || message_fits(data->size, has_meta ? 8 * MESSAGE_BLOCK : 0))
        return 0;
    int rc = publish_alloc(node, data->size, &data->block);
    if (rc == 0)
        memcpy(arena_data(&node->arena, data->block), data->bytes, data->size);
    return rc;
}

int publish_meta_room(dora_node *node, const struct publish_data *data, size_t len, struct publish_meta *meta,
                      uint8_t **room)
{
    *room = meta->small;
    meta->block = ARENA_NONE;
    meta->len = len;
    if (data->block != ARENA_NONE ? message_fits_meta(len) : message_fits(data->size, len))
        return 0;
    int rc = publish_alloc(node, len, &meta->block);
    if (rc == 0)
        *room = arena_data(&node->arena, meta->block);
    return rc;
}

int publish_message(dora_node *node, struct output *output, const struct publish_data *data,
                    const struct publish_meta *meta, const struct publish_head *head)
{
    struct message_block data_block, meta_block;
    struct message_part data_part = {.bytes = data->bytes, .len = data->size};
    struct message_part meta_part = {.bytes = meta->small, .len = meta->len};
    if (data->block != ARENA_NONE) {
        data_block = block_of(node, data->block, data->size);
        data_part.block = &data_block;
    }
    if (meta->block != ARENA_NONE) {
        meta_block = block_of(node, meta->block, meta->len);
        meta_part.block = &meta_block;
    }
    struct message message;
    message_pack(&message, head->sequence, head->timestamp, data->format, 0, data_part, meta_part);
    struct link_message queued = {
        .message = &message,
        .blocks = {data->block, meta->block},
        .is_protected = head->is_protected,
        .flush = head->flush,
    };
    int rc = fan_out(node, output, &queued);
    if (output->busy) {
        output->busy = false;
        lock_tell(&node->idle);
    }
    if (meta->block != ARENA_NONE)
        arena_unref(&node->arena, meta->block);
    ring_bells(output);
    return rc;
}

static int send_locked(dora_node *node, struct output *output, struct publish_data *data, const dora_params *params)
{
    if (output->route_count == 0) {
        output->sequence++;
        return 0;
    }
    struct publish_meta meta;
    int rc = publish_data_place(node, data, params || data->type_len);
    if (rc == 0)
        rc = write_meta(node, data, params, &meta);
    if (rc < 0)
        return rc;
    trace_send(node, output, output->sequence);
    struct publish_head head = {
        .sequence = output->sequence++,
        .timestamp = next_stamp(node),
        .is_protected = params && params_protects(params),
        .flush = params && params_flushes(params),
    };
    return publish_message(node, output, data, &meta, &head);
}

static const char *output_id(const void *context, size_t index)
{
    const dora_node *node = context;
    return index < node->output_count ? node->outputs[index].id : NULL;
}

int publish_no_output(dora_node *node, const char *id, size_t id_len)
{
    char name[256], rest[512];
    snprintf(name, sizeof name, "%.*s", (int)id_len, id);
    suggest_rest(rest, sizeof rest, name, output_id, node);
    return node_fail_locked(node, -ENOENT, "this node has no output `%s` in its dataflow%s", name, rest);
}

struct output *publish_begin(dora_node *node, const char *id, size_t id_len, int *rc)
{
    *rc = node_check(node);
    if (*rc < 0)
        return NULL;
    node_bump(node);
    lock_take(&node->lock);
    if (control_count(node) != node->control_read)
        control_pump(node);
    struct output *output = publish_find(node, id, id_len);
    while (output && output->busy && *rc == 0)
        *rc = wait_for_turn(node, output);
    if (*rc < 0)
        ;
    else if (!output)
        *rc = publish_no_output(node, id, id_len);
    else if (output->closed)
        *rc = node_fail_locked(node, -EPIPE, "output `%s` has been closed", output->id);
    if (*rc == 0)
        return output;
    lock_release(&node->lock);
    return NULL;
}

void publish_end(dora_node *node, uint32_t block)
{
    if (block != ARENA_NONE)
        arena_unref(&node->arena, block);
    lock_release(&node->lock);
}

int publish(dora_node *node, const char *id, size_t id_len, struct publish_data data, const dora_params *params)
{
    int rc;
    struct output *output = publish_begin(node, id, id_len, &rc);
    if (output)
        rc = send_locked(node, output, &data, params);
    else if (rc == -ECHILD)
        return rc;
    else
        lock_take(&node->lock);
    publish_end(node, data.keep ? ARENA_NONE : data.block);
    return rc;
}
