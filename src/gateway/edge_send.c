#include "gateway/edge_send.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "gateway/stream_tx.h"
#include "node/node_raw.h"

/* How long the end of a stream waits to hear from its receiver, while somebody subscribes and else; not counting the
 * time that a slow network takes to take something. A receiver whose node is slow says so when it is asked, which is
 * every other second. */
static const int64_t DRAIN = 10 * CLOCK_SECOND, DRAIN_ALONE = 3 * CLOCK_SECOND;
static const int64_t NAP = 10 * CLOCK_MILLI; /* before it is tried again, when memory is out */

/* What is kept until it is acknowledged: a message in shared memory, or a text. Counted: one reference for the stream,
 * and one for each time that the engine has it. */
struct kept {
    _Atomic uint32_t refs;
    struct kept *next; /* in a list of those to let go of */
    dora_event *event;
    char *text; /* where there is no event */
    struct node_raw raw;
};

struct edge_send {
    struct edge_options options;
    char *stream, *config;
    struct net_publisher *publisher;
    struct net_subscriber *acks;
    pthread_t thread;

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    struct stream_tx tx;
    dora_node *node; /* NULL while there is none to interrupt */
    bool is_waiting; /* the thread, for `changed` */
    bool is_closed, is_draining;
    bool is_silent;   /* another sender goes on where this one ends */
    int64_t heard_at; /* when the receiver said something, later by what putting has taken since */
    struct edge_counts counts;

    /* The thread's own. */
    bool has_ended;       /* nothing more will be taken */
    uint64_t told;        /* how many messages the queue has dropped, as far as it was said */
    struct kept *current; /* whose pieces are not all in the stream yet, from `offset` on; NULL: none */
    size_t offset;
    struct buf attachment;
};

static void free_kept(struct kept *kept)
{
    if (kept->event)
        node_raw_release(kept->event);
    free(kept->text);
    free(kept);
}

static void unref(struct kept *kept)
{
    if (ref_drop(&kept->refs))
        free_kept(kept);
}

static void sent(void *owner)
{
    unref(owner);
}

/* Under the lock. */
static void wake(struct edge_send *edge)
{
    if (edge->is_waiting)
        pthread_cond_signal(&edge->changed);
    else if (edge->node)
        node_raw_interrupt(edge->node);
}

/* ---- What the engine says, on its threads ---- */

static void collect(void *context, void *owner)
{
    struct kept **list = context, *kept = owner;
    if (!ref_drop(&kept->refs))
        return;
    kept->next = *list;
    *list = kept;
}

static void acknowledged(void *context, const struct net_sample *sample)
{
    struct edge_send *edge = context;
    struct stream_head head;
    struct kept *done = NULL;
    int64_t now = clock_now();
    bool is_good =
        stream_head_read(sample->attachment.data, sample->attachment.len, &head) == 0 && head.kind == STREAM_ACK;
    pthread_mutex_lock(&edge->lock);
    if (is_good && stream_tx_ack(&edge->tx, &head, now, collect, &done)) {
        edge->heard_at = now;
        /* A thread that takes messages needs no waking for their being acknowledged. */
        if (edge->is_waiting || edge->tx.cursor < edge->tx.next)
            wake(edge);
    } else {
        edge->counts.rejected++;
    }
    pthread_mutex_unlock(&edge->lock);
    while (done) {
        struct kept *kept = done;
        done = kept->next;
        free_kept(kept);
    }
}

static void matching(void *context, bool is_matched)
{
    struct edge_send *edge = context;
    pthread_mutex_lock(&edge->lock);
    stream_tx_matched(&edge->tx, is_matched, clock_now());
    wake(edge);
    pthread_mutex_unlock(&edge->lock);
}

/* ---- The thread ---- */

/* The piece of a message that begins at `offset`. */
static size_t piece_size(const struct kept *kept, size_t offset)
{
    size_t left = kept->raw.size - offset;
    return left < STREAM_PIECE ? left : STREAM_PIECE;
}

static void add_message(struct buf *attachment, const struct node_raw *raw, uint8_t bytes[STREAM_MESSAGE_HEAD])
{
    struct stream_message message = {.sequence = raw->sequence,
                                     .timestamp = raw->timestamp,
                                     .missed = (uint32_t)raw->missed,
                                     .format = raw->format,
                                     .meta_len = (uint32_t)raw->meta_len};
    stream_message_write(&message, bytes);
    buf_add(attachment, bytes, STREAM_MESSAGE_HEAD);
    buf_add(attachment, raw->meta, raw->meta_len);
}

static void put(struct edge_send *edge, struct stream_head head, struct kept *kept, size_t offset)
{
    uint8_t bytes[STREAM_MESSAGE_HEAD + STREAM_HEAD_MOST];
    struct buf *attachment = &edge->attachment;
    bool is_data = head.kind == STREAM_DATA || head.kind == STREAM_PART;
    const void *data = kept && is_data ? (const char *)kept->raw.data + offset : kept ? kept->text : NULL;
    size_t size = kept && is_data ? piece_size(kept, offset) : data ? strlen(data) : 0;
    if (head.kind == STREAM_DATA && offset > 0)
        head.flags |= STREAM_TAIL;
    size_t len = stream_head_write(&head, bytes);
    buf_clear(attachment);
    if (head.kind == STREAM_DATA) {
        add_message(attachment, &kept->raw, bytes);
    } else if (head.kind == STREAM_PART) {
        stream_part_write(&(struct stream_part){kept->raw.size, offset}, bytes);
        buf_add(attachment, bytes, STREAM_PART_HEAD);
    } else {
        buf_add(attachment, bytes, len);
    }
    if (attachment->failed) {
        if (kept)
            unref(kept);
        return; /* As if it were lost on the way: it will be asked for. */
    }
    /* What can't be put is asked for, too. */
    (void)net_put(edge->publisher, size ? data : NULL, size, attachment->data, attachment->len, kept ? sent : NULL,
                  kept);
}

/* Puts on the wire what is due; called with the lock, which it lets go of meanwhile. Returns until when there is
 * nothing to do. */
static int64_t put_all(struct edge_send *edge, int64_t now)
{
    struct stream_head head;
    struct stream_item item;
    int64_t until;
    while (!edge->is_closed && stream_tx_next(&edge->tx, now, &head, &item, &until) == 1) {
        struct kept *kept = head.kind == STREAM_PROBE ? NULL : item.owner;
        if (kept)
            ref_take(&kept->refs);
        edge->counts.resent = edge->tx.resent;
        pthread_mutex_unlock(&edge->lock);
        int64_t began = edge->has_ended ? clock_now() : 0;
        put(edge, head, kept, kept ? item.offset : 0);
        pthread_mutex_lock(&edge->lock);
        if (edge->has_ended)
            edge->heard_at += clock_now() - began;
    }
    return until;
}

/* Adds the current message to the stream, as much of it as the window has room for; what is of one piece, at once.
 * Under the lock. */
static void add_pieces(struct edge_send *edge)
{
    struct kept *kept = edge->current;
    while (edge->current && (stream_tx_has_room(&edge->tx) || edge->offset == 0)) {
        size_t size = piece_size(kept, edge->offset);
        bool is_last = edge->offset + size == kept->raw.size;
        struct stream_item item = {.kind = is_last ? STREAM_DATA : STREAM_PART,
                                   .size = size + (is_last ? kept->raw.meta_len : 0),
                                   .offset = edge->offset,
                                   .owner = kept};
        ref_take(&kept->refs);
        if (stream_tx_add(&edge->tx, item, clock_now()) < 0) {
            unref(kept);
            edge->counts.lost++;
            is_last = true;
        } else if (is_last) {
            edge->counts.messages++;
            edge->counts.bytes += kept->raw.size;
        }
        edge->offset += size;
        if (is_last)
            edge->current = NULL;
    }
    if (!edge->current)
        unref(kept);
}

static struct kept *make_kept(dora_event *event, const char *text)
{
    struct kept *kept = calloc(1, sizeof *kept);
    if (!kept)
        return NULL;
    kept->refs = 1;
    kept->event = event;
    if (event)
        node_raw_read(event, &kept->raw);
    else if (text)
        kept->text = strdup(text); /* A failure without a word is one, too. */
    return kept;
}

/* What is no data. Under the lock. */
static void tell(struct edge_send *edge, enum stream_kind kind, const char *text)
{
    struct kept *kept = make_kept(NULL, text);
    if (kept && stream_tx_add(&edge->tx, (struct stream_item){.kind = kind, .owner = kept}, clock_now()) < 0)
        unref(kept);
}

static void end(struct edge_send *edge)
{
    if (!edge->has_ended && !edge->is_silent && !node_raw_cut_off(edge->node))
        tell(edge, STREAM_END, NULL);
    edge->has_ended = true;
    edge->heard_at = clock_now();
}

/* What the queue has dropped since the message before this one. */
static uint64_t find_missed(struct edge_send *edge)
{
    dora_input_stats stats;
    const char *input = dora_input_name(edge->node, 0);
    if (!input || dora_get_input_stats(edge->node, input, &stats) < 0 || stats.dropped <= edge->told)
        return 0;
    uint64_t missed = stats.dropped - edge->told;
    if (missed > STREAM_MISSED)
        missed = STREAM_MISSED;
    edge->told += missed;
    return missed;
}

/* What dora_next gave: keeps what is to be sent. Under the lock. */
static void take(struct edge_send *edge, dora_event *event)
{
    switch (dora_event_type(event)) {
    case DORA_EVENT_INPUT:
        edge->current = make_kept(event, NULL);
        edge->offset = 0;
        if (edge->current) {
            edge->current->raw.missed = find_missed(edge);
            add_pieces(edge);
            return;
        }
        edge->counts.lost++;
        break;
    case DORA_EVENT_INPUT_CLOSED:
        end(edge);
        break;
    case DORA_EVENT_NODE_FAILED:
        tell(edge, STREAM_FAILED, dora_event_text(event));
        break;
    case DORA_EVENT_NODE_RESTARTED:
        tell(edge, STREAM_RESTARTED, NULL);
        break;
    default:
        break;
    }
    node_raw_release(event);
}

static void wait_for_change(struct edge_send *edge, int64_t until)
{
    struct timespec at = {.tv_sec = until / CLOCK_SECOND, .tv_nsec = until % CLOCK_SECOND};
    edge->is_waiting = true;
    if (until == CLOCK_NEVER)
        pthread_cond_wait(&edge->changed, &edge->lock);
    else
        pthread_cond_timedwait(&edge->changed, &edge->lock, &at);
    edge->is_waiting = false;
}

/* Waits for an event or until `until`; called with the lock, which it lets go of meanwhile. */
static void wait_and_take(struct edge_send *edge, int64_t now, int64_t until)
{
    dora_event *event = NULL;
    int64_t timeout = edge->is_draining ? 0 : until == CLOCK_NEVER ? DORA_FOREVER : until > now ? until - now : 0;
    pthread_mutex_unlock(&edge->lock);
    int rc = dora_next(edge->node, &event, timeout);
    pthread_mutex_lock(&edge->lock);
    if (rc == 0)
        take(edge, event);
    else if (rc == -ENODATA || (rc == -ETIMEDOUT && edge->is_draining))
        end(edge);
    else if (rc != -EINTR && rc != -ETIMEDOUT)
        wait_for_change(edge, clock_after(clock_now(), NAP));
}

static void pass_on(struct edge_send *edge)
{
    pthread_mutex_lock(&edge->lock);
    for (;;) {
        int64_t now = clock_now();
        int64_t until = put_all(edge, now);
        if (edge->is_closed || (edge->has_ended && stream_tx_kept(&edge->tx) == 0))
            break;
        if (edge->has_ended) {
            int64_t deadline = edge->heard_at + (edge->tx.is_matched ? edge->options.patience : DRAIN_ALONE);
            if (now >= deadline)
                break;
            wait_for_change(edge, deadline < until ? deadline : until);
        } else if (!stream_tx_has_room(&edge->tx)) {
            wait_for_change(edge, until);
        } else if (edge->current) {
            add_pieces(edge);
        } else {
            wait_and_take(edge, now, until);
        }
    }
    pthread_mutex_unlock(&edge->lock);
}

static void *run(void *context)
{
    struct edge_send *edge = context;
    dora_node *node = NULL;
    dora_error error = {0};
    int rc = node_raw_open(&node, edge->config, NULL, &error);
    edge->options.joined(edge->options.context, rc, error.message);
    if (rc == 0) {
        pthread_mutex_lock(&edge->lock);
        edge->node = node;
        pthread_mutex_unlock(&edge->lock);
        pass_on(edge);
        pthread_mutex_lock(&edge->lock);
        edge->node = NULL;
        pthread_mutex_unlock(&edge->lock);
        /* The engine may still have messages; they stay readable. */
        dora_node_close(node);
    }
    edge->options.left(edge->options.context);
    return NULL;
}

/* ---- The owner's ---- */

static int open_stream(struct edge_send *edge, struct error *error)
{
    char ack[1024];
    struct net_publisher_options how = {.matching = matching, .context = edge};
    if ((size_t)snprintf(ack, sizeof ack, "%s/ack", edge->stream) >= sizeof ack)
        return error_set(error, -ENAMETOOLONG, "the stream's key is too long: %s", edge->stream);
    int rc = net_subscriber_open(&edge->acks, edge->options.net, ack, acknowledged, edge, error);
    return rc < 0 ? rc : net_publisher_open(&edge->publisher, edge->options.net, edge->stream, &how, error);
}

static void free_edge(struct edge_send *edge)
{
    struct stream_item item;
    net_publisher_close(edge->publisher);
    net_subscriber_close(edge->acks);
    while (stream_tx_drain(&edge->tx, &item))
        unref(item.owner);
    pthread_mutex_destroy(&edge->lock);
    pthread_cond_destroy(&edge->changed);
    if (edge->current)
        unref(edge->current);
    buf_free(&edge->attachment);
    free(edge->stream);
    free(edge->config);
    free(edge);
}

int edge_send_open(struct edge_send **out, const struct edge_options *options, struct error *error)
{
    struct edge_send *edge = calloc(1, sizeof *edge);
    if (!edge)
        return error_set(error, -ENOMEM, "no memory for an edge");
    edge->options = *options;
    if (edge->options.patience == 0)
        edge->options.patience = DRAIN;
    edge->stream = strdup(options->stream);
    edge->config = strdup(options->config);
    stream_tx_open(&edge->tx, stream_epoch());
    pthread_mutex_init(&edge->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&edge->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc =
        edge->stream && edge->config ? open_stream(edge, error) : error_set(error, -ENOMEM, "no memory for an edge");
    if (rc == 0) {
        rc = -pthread_create(&edge->thread, NULL, run, edge);
        if (rc < 0)
            error_sys(error, rc, "start an edge's thread");
    }
    if (rc < 0) {
        free_edge(edge);
        return rc;
    }
    *out = edge;
    return 0;
}

void edge_send_end(struct edge_send *edge, bool drain)
{
    pthread_mutex_lock(&edge->lock);
    if (drain)
        edge->is_draining = true;
    else
        edge->is_closed = true;
    wake(edge);
    pthread_mutex_unlock(&edge->lock);
}

void edge_send_hand_over(struct edge_send *edge)
{
    pthread_mutex_lock(&edge->lock);
    edge->is_draining = edge->is_silent = true;
    wake(edge);
    pthread_mutex_unlock(&edge->lock);
}

void edge_send_free(struct edge_send *edge)
{
    if (!edge)
        return;
    pthread_join(edge->thread, NULL);
    free_edge(edge);
}

struct edge_counts edge_send_counts(struct edge_send *edge)
{
    pthread_mutex_lock(&edge->lock);
    struct edge_counts counts = edge->counts;
    counts.unacknowledged = stream_tx_kept(&edge->tx);
    pthread_mutex_unlock(&edge->lock);
    return counts;
}
