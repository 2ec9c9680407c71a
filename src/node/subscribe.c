/* Receiving: inputs, where their messages come from, and whose turn it is. The receiver's thread only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "node/event.h"
#include "node/meta.h"
#include "node/node.h"
#include "node/params.h"
#include "node/trace.h"

static void unuse_link(dora_node *node, struct rx_link *link)
{
    if (--link->users)
        return;
    struct rx_link **at = &node->rx_links;
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    /* Samples that could not be copied out of the publisher's memory stay there, and it must not use it again. */
    if (link_rx_close(link->rx, link->down) < 0)
        node->holds_on = true;
    free(link);
}

/* Removes a source from its input's list. */
static void drop_source(dora_node *node, struct input *input, struct source **at)
{
    struct source *source = *at;
    *at = source->next;
    input->dropped += link_rx_dropped(source->link->rx, source->edge);
    unuse_link(node, source->link);
    free(source);
}

static void append_source(struct input *input, struct source *source)
{
    struct source **end = &input->sources;
    while (*end)
        end = &(*end)->next;
    source->next = NULL;
    *end = source;
}

static int add_source(struct input *input, struct rx_link *link, uint32_t edge)
{
    struct source *source = malloc(sizeof *source);
    if (!source)
        return -ENOMEM;
    *source = (struct source){.link = link, .edge = edge};
    link->users++;
    append_source(input, source);
    return 0;
}

int subscribe_add_link(dora_node *node, struct proto_packet *packet)
{
    const struct proto_link *body = packet->body;
    for (uint32_t i = 0; i < body->edge_count; i++)
        if (body->edges[i].input >= node->input_count)
            return node_fail(node, -EPROTO, "the daemon names input %u, there are %zu", body->edges[i].input,
                             node->input_count);
    struct error error = ERROR_INIT;
    autofree struct rx_link *link = calloc(1, sizeof *link);
    if (!link)
        return node_fail(node, -ENOMEM, "no memory for a link");
    link->id = body->link;
    int rc = link_rx_open(&link->rx, packet->fds[0], packet->fds[1], body->edges, body->edge_count, &error);
    if (rc < 0)
        return node_fail(node, rc, "can't listen to node `%s`: %s", packet->text[0], error.message);
    packet->fds[1] = -1;
    link->users = 1; /* ours, until all sources are there */
    link->next = node->rx_links;
    node->rx_links = link;
    for (uint32_t i = 0; i < body->edge_count && rc == 0; i++)
        rc = add_source(&node->inputs[body->edges[i].input], link, i);
    unuse_link(node, take_ptr(link));
    return rc < 0 ? node_fail(node, rc, "no memory for a link") : 0;
}

void subscribe_drop_link(dora_node *node, uint32_t id)
{
    for (struct rx_link *link = node->rx_links; link; link = link->next)
        if (link->id == id)
            link->down = true;
}

void subscribe_drop_edge(dora_node *node, uint32_t id, uint32_t edge)
{
    for (size_t i = 0; i < node->input_count; i++)
        for (struct source *source = node->inputs[i].sources; source; source = source->next)
            if (source->link->id == id && source->edge == edge)
                source->down = true;
}

void subscribe_close(dora_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        while (node->inputs[i].sources)
            drop_source(node, &node->inputs[i], &node->inputs[i].sources);
        free(node->inputs[i].id);
    }
    free(node->inputs);
    node->inputs = NULL;
    node->input_count = 0;
}

bool subscribe_ready(const dora_node *node)
{
    for (size_t i = 0; i < node->input_count; i++)
        for (const struct source *s = node->inputs[i].sources; s; s = s->next)
            if (link_rx_ready(s->link->rx, s->edge))
                return true;
    return false;
}

int64_t subscribe_deadline(const dora_node *node)
{
    int64_t deadline = CLOCK_NEVER;
    if (!node->has_timers && !node->has_timeouts)
        return deadline;
    for (size_t i = 0; i < node->input_count; i++) {
        const struct input *input = &node->inputs[i];
        if (input->kind == PROTO_PORT_TIMER && input->due < deadline)
            deadline = input->due;
        if (input->timeout_ns && !input->broken && input->deadline < deadline)
            deadline = input->deadline;
    }
    return deadline;
}

/* ---- Making events ---- */

/* Copies the format of a nested array from its description: the publisher could change it later. */
static int read_format(dora_event *event, const struct meta *meta)
{
    const char *format;
    size_t len;
    if (meta_format(meta, &format, &len) < 0)
        return -EBADMSG;
    char *copy = event->format;
    if (len >= sizeof event->format && !(copy = event->text = malloc(len + 1)))
        return -ENOMEM;
    memcpy(copy, format, len);
    copy[len] = '\0';
    return 0;
}

static int read_meta(dora_event *event)
{
    const void *bytes;
    size_t len;
    struct message_block block;
    message_meta(&event->message, &bytes, &len, &block);
    if (!bytes)
        bytes = link_hold_data(&event->meta_block);
    struct meta meta;
    if (meta_split(bytes, len, &meta) < 0)
        return -EBADMSG;
    event->type = meta.type;
    event->type_len = meta.type_len;
    int rc = meta.type_len ? read_format(event, &meta) : 0;
    return rc == 0 && meta.params_len ? params_decode(meta.params, meta.params_len, &event->params) : rc;
}

/* Fills an event from its message. */
static int read_message(dora_node *node, dora_event *event)
{
    const void *bytes;
    struct message_block block;
    message_data(&event->message, &bytes, &event->size, &block);
    event->data = bytes ? bytes : link_hold_data(&event->data_block);
    if (message_format(&event->message) != PUBLISH_NESTED)
        event->format[0] = message_format(&event->message);
    uint64_t stamp = event->message.words[2];
    /* relaxed: the largest wins in the end; only this thread writes it. */
    if (stamp > atomic_load_explicit(&node->clock_seen, memory_order_relaxed))
        atomic_store_explicit(&node->clock_seen, stamp, memory_order_relaxed);
    return message_flags(&event->message) & MESSAGE_META_BLOCK || event->message.words[3] >> 16 & 0xffff
               ? read_meta(event)
               : 0;
}

static int emit(dora_node *node, dora_event **out, dora_event_kind kind, const struct input *input)
{
    dora_event *event = event_new(node, kind, input->id);
    if (!event)
        return node_fail(node, -ENOMEM, "no memory for an event");
    *out = event;
    return 1;
}

/* One message in so many has its delay counted, so that it costs the others nothing. */
enum { DELAY_EVERY = 8 };

static void count_delay(dora_node *node, const struct source *source, const dora_event *event)
{
    /* In units of 2^-32 s; what seems to come from the future was sent by another clock. */
    int64_t delay = (int64_t)(stamp_now(&node->taken_stamp) - event->message.words[2]);
    int64_t longest = (int64_t)1 << 44;
    delay = delay < 0 ? 0 : delay < longest ? delay : longest;
    link_rx_delay(source->link->rx, source->edge, (int64_t)((unsigned __int128)delay * 1000000000u >> 32));
}

/* Takes a source's oldest message. 1: `*out` has it; 0: there is none; -EBADMSG: the publisher writes nonsense. */
static int take_from(dora_node *node, const struct input *input, const struct source *source, dora_event **out)
{
    dora_event *event = event_new(node, DORA_EVENT_INPUT, input->id);
    if (!event)
        return node_fail(node, -ENOMEM, "no memory for an event");
    int rc = link_rx_take(source->link->rx, source->edge, &event->message, &event->data_block, &event->meta_block);
    if (rc == 1)
        rc = read_message(node, event) < 0 ? -EBADMSG : 1;
    if (rc == 1) {
        *out = event;
        if (input->received % DELAY_EVERY == 0)
            count_delay(node, source, event);
    } else {
        event_unref(event);
    }
    return rc;
}

/* Drops a source of a node that goes on. Where that ends a link whose publisher lives, the daemon is told: the
 * publisher may have its memory back. */
static void retire_source(dora_node *node, struct input *input, struct source **at)
{
    const struct rx_link *link = (*at)->link;
    struct proto_index body = {link->id};
    bool ends = link->users == 1 && !link->down;
    drop_source(node, input, at);
    if (!ends || node->holds_on)
        return;
    lock_take(&node->lock);
    if (!node->socket_closed)
        proto_send(node->socket,
                   &(struct proto_packet){.type = PROTO_LINK_CLOSED, .body = &body, .body_len = sizeof body}, 0);
    lock_release(&node->lock);
}

/* Takes the next message of an input. 1: `*out` has it; 0: there is none. A publisher that writes nonsense loses its
 * link, and this node learns it by an Error event. */
static int take(dora_node *node, struct input *input, dora_event **out)
{
    for (struct source **at = &input->sources; *at;) {
        struct source *source = *at;
        /* Read before the queue is looked at, so that nothing comes after what this look finds. */
        bool down = source->down || source->link->down;
        int rc = link_rx_ready(source->link->rx, source->edge) ? take_from(node, input, source, out) : 0;
        if (rc == 1 && dora_event_sequence(*out) < input->from) {
            event_unref(*out);
            continue;
        }
        if (rc == 1) {
            input->from = 0;
            if (source->next && !down) {
                *at = source->next;
                append_source(input, source);
            }
            return 1;
        }
        if (rc == -EBADMSG)
            event_notice(node, DORA_EVENT_ERROR, input->id, "its publisher wrote what is no message; it is cut off",
                         NULL);
        else if (rc < 0)
            return rc;
        if (down || rc == -EBADMSG)
            retire_source(node, input, at);
        else
            at = &source->next;
    }
    return 0;
}

/* ---- One kind of input each ---- */

static int next_tick(dora_node *node, struct input *input, dora_event **out, int64_t now)
{
    if (now < input->due || node->stop_delivered)
        return 0;
    uint64_t tick = (uint64_t)((now - node->epoch_ns) / input->interval_ns);
    uint64_t expected = (uint64_t)((input->due - node->epoch_ns) / input->interval_ns);
    int rc = emit(node, out, DORA_EVENT_INPUT, input);
    if (rc < 0)
        return rc;
    input->skipped += tick - expected;
    input->due = node->epoch_ns + (int64_t)(tick + 1) * input->interval_ns;
    dora_event *event = *out;
    event->message.words[1] = tick;
    int64_t offset = (int64_t)tick * input->interval_ns;
    event->message.words[2] = clock_ntp64_from_ns(clock_ntp64_to_ns(node->epoch_ntp64) + offset);
    event->format[0] = 'n';
    return 1;
}

static int next_message(dora_node *node, struct input *input, dora_event **out)
{
    if (node->stop_delivered && input->left == 0)
        return 0;
    int rc = take(node, input, out);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        input->left -= node->stop_delivered;
        if (input->timeout_ns)
            input->deadline = clock_after(clock_now(), input->timeout_ns);
        if (input->broken) {
            input->broken = false;
            event_notice(node, DORA_EVENT_INPUT_RECOVERED, input->id, "", NULL);
        }
        return 1;
    }
    if (node->stop_delivered) {
        input->left = 0;
        return 0;
    }
    if (input->closed && !input->close_reported) {
        input->close_reported = true;
        return emit(node, out, DORA_EVENT_INPUT_CLOSED, input);
    }
    if (input->timeout_ns && !input->broken && !input->closed && input->deadline != CLOCK_NEVER &&
        clock_now() >= input->deadline) {
        input->broken = true;
        return emit(node, out, DORA_EVENT_INPUT_CLOSED, input);
    }
    return 0;
}

int subscribe_next(dora_node *node, dora_event **out)
{
    int64_t now = node->has_timers ? clock_now() : 0;
    for (struct input **at = &node->served; *at; at = &(*at)->served_after) {
        struct input *input = *at;
        int rc = input->kind == PROTO_PORT_TIMER ? next_tick(node, input, out, now) : next_message(node, input, out);
        if (rc == 0)
            continue;
        if (rc == 1 && (*out)->kind == DORA_EVENT_INPUT) {
            input->received++;
            input->next = dora_event_sequence(*out) + 1;
            trace_take(node, input, dora_event_sequence(*out));
            if (input->served_after) {
                *at = input->served_after;
                while (*at)
                    at = &(*at)->served_after;
                *at = input;
                input->served_after = NULL;
            }
        }
        return rc;
    }
    return 0;
}

void subscribe_stop(dora_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        struct input *input = &node->inputs[i];
        input->left = 0;
        for (const struct source *s = input->sources; s; s = s->next)
            input->left += link_rx_queued(s->link->rx, s->edge);
    }
}

bool subscribe_ended(const dora_node *node)
{
    for (size_t i = 0; i < node->input_count; i++) {
        const struct input *input = &node->inputs[i];
        if (node->stop_delivered ? input->left > 0 : input->kind == PROTO_PORT_LINK && !input->close_reported)
            return false;
    }
    return true;
}
