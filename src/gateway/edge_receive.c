#include "gateway/edge_receive.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gateway/assembly.h"
#include "gateway/stream_rx.h"
#include "node/node_raw.h"

enum {
    LARGE = 64 << 10, /* bytes from which on the copy takes longer than the way through the queue */
    SMALL = 8 << 10,  /* bytes below which a copy is cheaper than to keep the engine's buffers */
    TEXT_MOST = 4096, /* of a failure */
};

/* How often the thread looks at what the daemon says. */
static const int64_t LOOK = 500 * CLOCK_MILLI;

struct waiting {
    struct waiting *next;
    struct stream_head head;
    const struct net_sample *sample; /* kept by the engine, or `copy` */
    struct net_sample copy;
    struct net_bytes piece;
    char bytes[]; /* of `copy`: payload, attachment */
};

enum phase {
    JOINING,
    TAKING_PART, /* `node` may be used */
    GONE,        /* the dataflow has ended here: what comes is acknowledged, and dropped */
    ABSENT,      /* it hasn't, but this edge can't or shall not take part: what comes is left to another one */
};

struct edge_receive {
    struct edge_options options;
    char *stream, *config, *output;
    struct net_publisher *acks;
    struct net_subscriber *subscriber;
    pthread_t thread;

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    enum phase phase;
    dora_node *node;
    bool is_closed;
    bool is_paused; /* until the news is heard */
    bool has_ended; /* its stream has: another epoch is another edge's */
    struct stream_rx rx;
    struct waiting *queue, **queue_end;
    uint64_t queue_count, queue_bytes; /* the one in hand included */
    struct edge_counts counts;

    struct assembly assembly; /* the thread's own, but for what comes whole while nothing waits for the thread */
};

/* ---- Acknowledging ---- */

/* What is due by `now`. Under the lock, which it lets go of to send. Whether another one will be due. */
static bool acknowledge(struct edge_receive *edge, int64_t now)
{
    struct stream_head ack;
    int64_t until = CLOCK_NEVER;
    while (stream_rx_ack(&edge->rx, now, &ack, &until)) {
        uint8_t bytes[STREAM_HEAD_MOST];
        size_t len = stream_head_write(&ack, bytes);
        pthread_mutex_unlock(&edge->lock);
        /* One that is lost is followed by another, or asked for. */
        (void)net_put(edge->acks, NULL, 0, bytes, len, NULL, NULL);
        pthread_mutex_lock(&edge->lock);
    }
    return until != CLOCK_NEVER;
}

/* Under the lock: this one is in the rings, or will never be. */
static void handed_on(struct edge_receive *edge, const struct stream_head *head, size_t size)
{
    bool was_idle = edge->rx.ack_at == CLOCK_NEVER;
    int64_t now = clock_now();
    stream_rx_handed(&edge->rx, head, size, now);
    if (acknowledge(edge, now) && was_idle)
        edge->options.soon(edge->options.context);
}

void edge_receive_tick(struct edge_receive *edge)
{
    pthread_mutex_lock(&edge->lock);
    acknowledge(edge, CLOCK_NEVER - 1);
    pthread_mutex_unlock(&edge->lock);
}

/* ---- Handing on ---- */

/* Under the lock. */
static void count(struct edge_receive *edge, int rc, enum stream_kind kind, size_t size)
{
    if (rc == 0) {
        edge->counts.messages += kind == STREAM_DATA;
        edge->counts.bytes += size;
    } else if (rc == -EBADMSG) {
        edge->counts.rejected++;
    } else if (rc != -ECANCELED && rc != -EPIPE) {
        edge->counts.lost++;
    }
}

/* Whether a correct sender, whose window this is, could have sent it. */
static bool queue_has_room(const struct edge_receive *edge)
{
    return edge->queue_count < 2 || (edge->queue_count < STREAM_MESSAGES && edge->queue_bytes < STREAM_BYTES);
}

static void forget(struct waiting *waiting)
{
    if (waiting->sample != &waiting->copy)
        net_release(waiting->sample);
    free(waiting);
}

static struct waiting *make_waiting(const struct stream_head *head, const struct net_sample *sample)
{
    size_t size = sample->len + sample->attachment.len;
    bool is_small = size < SMALL;
    struct waiting *waiting = malloc(sizeof *waiting + (is_small ? size : 0));
    if (!waiting)
        return NULL;
    waiting->next = NULL;
    waiting->head = *head;
    if (!is_small) {
        waiting->sample = net_keep(sample);
        if (waiting->sample)
            return waiting;
        free(waiting);
        return NULL;
    }
    net_copy(sample, waiting->bytes);
    memcpy(waiting->bytes + sample->len, sample->attachment.data, sample->attachment.len);
    waiting->piece = (struct net_bytes){waiting->bytes, sample->len};
    waiting->copy = (struct net_sample){.pieces = &waiting->piece,
                                        .piece_count = sample->len ? 1 : 0,
                                        .len = sample->len,
                                        .attachment = {waiting->bytes + sample->len, sample->attachment.len}};
    waiting->sample = &waiting->copy;
    return waiting;
}

static size_t weight(const struct net_sample *sample)
{
    return sample->len + sample->attachment.len;
}

static void enqueue(struct edge_receive *edge, const struct stream_head *head, const struct net_sample *sample)
{
    struct waiting *waiting = make_waiting(head, sample);
    if (!waiting) {
        edge->counts.lost++;
        handed_on(edge, head, 0);
        return;
    }
    *edge->queue_end = waiting;
    edge->queue_end = &waiting->next;
    edge->queue_count++;
    edge->queue_bytes += weight(sample);
    pthread_cond_signal(&edge->changed);
}

static void arrived(void *context, const struct net_sample *sample)
{
    struct edge_receive *edge = context;
    struct stream_head head;
    bool is_good =
        stream_head_read(sample->attachment.data, sample->attachment.len, &head) == 0 && head.kind != STREAM_ACK;
    pthread_mutex_lock(&edge->lock);
    if (!is_good) {
        edge->counts.rejected++;
    } else if (edge->is_closed || edge->phase == ABSENT) {
        /* Nothing is said to it. */
    } else if (edge->has_ended && head.epoch != edge->rx.epoch && head.kind != STREAM_END) {
        /* The node runs again, and this is for the edge that is made for it. */
    } else if (head.kind != STREAM_PROBE && !queue_has_room(edge)) {
        edge->counts.rejected++;
    } else if (stream_rx_take(&edge->rx, &head)) {
        size_t size = sample->len;
        int rc = -EAGAIN;
        if (edge->phase == GONE)
            rc = -EPIPE;
        else if (edge->phase == TAKING_PART && edge->queue_count == 0 && head.kind == STREAM_DATA &&
                 !(head.flags & STREAM_TAIL) && size < LARGE)
            rc = assembly_send(&edge->assembly, edge->node, edge->output, sample, false, false);
        if (rc == -EAGAIN) {
            enqueue(edge, &head, sample);
        } else {
            count(edge, rc, head.kind, size);
            handed_on(edge, &head, size);
        }
    }
    if (edge->rx.is_asked)
        acknowledge(edge, 0);
    pthread_mutex_unlock(&edge->lock);
}

/* ---- The thread ---- */

/* Leaves the dataflow. Under the lock, which it lets go of. */
static void leave(struct edge_receive *edge, enum phase phase)
{
    dora_node *node = edge->node;
    edge->phase = phase;
    edge->node = NULL;
    pthread_mutex_unlock(&edge->lock);
    assembly_drop(&edge->assembly);
    dora_node_close(node);
    pthread_mutex_lock(&edge->lock);
}

/* What is no data, in its turn. Under the lock, which it lets go of. */
static void tell(struct edge_receive *edge, const struct waiting *waiting)
{
    edge->is_paused = waiting->head.kind != STREAM_END;
    pthread_mutex_unlock(&edge->lock);
    char text[TEXT_MOST];
    size_t len = 0;
    if (waiting->sample->len < sizeof text)
        net_copy(waiting->sample, text), len = waiting->sample->len;
    text[len] = '\0';
    if (waiting->head.kind == STREAM_END)
        dora_close_output(edge->node, edge->output);
    else
        edge->options.news(edge->options.context, waiting->head.kind == STREAM_FAILED ? text : NULL);
    pthread_mutex_lock(&edge->lock);
    while (edge->is_paused && !edge->is_closed)
        pthread_cond_wait(&edge->changed, &edge->lock);
}

/* Hands on the first of the queue. Under the lock, which it lets go of. */
static void hand_on(struct edge_receive *edge)
{
    struct waiting *waiting = edge->queue;
    bool is_part = waiting->head.kind == STREAM_PART, is_data = is_part || waiting->head.kind == STREAM_DATA;
    int rc = -EPIPE;
    if (edge->phase == TAKING_PART && is_data) {
        pthread_mutex_unlock(&edge->lock);
        rc = is_part ? assembly_part(&edge->assembly, edge->node, waiting->sample)
                     : assembly_send(&edge->assembly, edge->node, edge->output, waiting->sample,
                                     waiting->head.flags & STREAM_TAIL, true);
        pthread_mutex_lock(&edge->lock);
    } else if (edge->phase == TAKING_PART) {
        tell(edge, waiting);
    }
    edge->queue = waiting->next;
    if (!edge->queue)
        edge->queue_end = &edge->queue;
    edge->queue_count--;
    edge->queue_bytes -= weight(waiting->sample);
    if (is_data)
        count(edge, rc, waiting->head.kind, waiting->sample->len);
    if (waiting->head.kind == STREAM_END && edge->phase == TAKING_PART) {
        edge->has_ended = true;
        leave(edge, GONE);
    }
    handed_on(edge, &waiting->head, waiting->sample->len);
    forget(waiting);
}

/* Hears what the daemon says: it may have ended the dataflow. */
static void look(struct edge_receive *edge)
{
    dora_node *node = edge->node;
    dora_event *event;
    int rc;
    pthread_mutex_unlock(&edge->lock);
    while ((rc = dora_next(node, &event, 0)) == 0)
        dora_event_free(event);
    bool is_over = rc == -ENODATA && node_raw_cut_off(node);
    pthread_mutex_lock(&edge->lock);
    if (is_over)
        leave(edge, GONE);
}

static void pass_on(struct edge_receive *edge)
{
    int64_t look_at = clock_after(clock_now(), LOOK);
    pthread_mutex_lock(&edge->lock);
    while (!edge->is_closed && (edge->phase == TAKING_PART || (edge->phase == GONE && edge->queue))) {
        if (edge->phase == TAKING_PART && clock_now() >= look_at) {
            look(edge);
            look_at = clock_after(clock_now(), LOOK);
        } else if (edge->queue) {
            hand_on(edge);
        } else {
            struct timespec at = {.tv_sec = look_at / CLOCK_SECOND, .tv_nsec = look_at % CLOCK_SECOND};
            pthread_cond_timedwait(&edge->changed, &edge->lock, &at);
        }
    }
    if (edge->phase == TAKING_PART)
        leave(edge, ABSENT);
    pthread_mutex_unlock(&edge->lock);
}

static void *run(void *context)
{
    struct edge_receive *edge = context;
    dora_node *node = NULL;
    dora_error error = {0};
    int rc = node_raw_open(&node, edge->config, NULL, &error);
    pthread_mutex_lock(&edge->lock);
    edge->phase = rc == 0 ? TAKING_PART : ABSENT;
    edge->node = node;
    pthread_mutex_unlock(&edge->lock);
    edge->options.joined(edge->options.context, rc, error.message);
    pass_on(edge);
    edge->options.left(edge->options.context);
    return NULL;
}

/* ---- The owner's ---- */

static int open_stream(struct edge_receive *edge, struct error *error)
{
    char ack[1024];
    struct net_publisher_options how = {.drop = true, .urgent = true};
    if ((size_t)snprintf(ack, sizeof ack, "%s/ack", edge->stream) >= sizeof ack)
        return error_set(error, -ENAMETOOLONG, "the stream's key is too long: %s", edge->stream);
    int rc = net_publisher_open(&edge->acks, edge->options.net, ack, &how, error);
    return rc < 0 ? rc : net_subscriber_open(&edge->subscriber, edge->options.net, edge->stream, arrived, edge, error);
}

static void free_edge(struct edge_receive *edge)
{
    net_subscriber_close(edge->subscriber);
    net_publisher_close(edge->acks);
    while (edge->queue) {
        struct waiting *waiting = edge->queue;
        edge->queue = waiting->next;
        forget(waiting);
    }
    pthread_mutex_destroy(&edge->lock);
    pthread_cond_destroy(&edge->changed);
    free(edge->stream);
    free(edge->config);
    free(edge->output);
    free(edge);
}

int edge_receive_open(struct edge_receive **out, const struct edge_options *options, struct error *error)
{
    struct edge_receive *edge = calloc(1, sizeof *edge);
    if (!edge)
        return error_set(error, -ENOMEM, "no memory for an edge");
    edge->options = *options;
    edge->stream = strdup(options->stream);
    edge->config = strdup(options->config);
    edge->output = strdup(options->output);
    edge->queue_end = &edge->queue;
    stream_rx_open(&edge->rx);
    pthread_mutex_init(&edge->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&edge->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = edge->stream && edge->config && edge->output ? open_stream(edge, error)
                                                          : error_set(error, -ENOMEM, "no memory for an edge");
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

void edge_receive_resume(struct edge_receive *edge)
{
    pthread_mutex_lock(&edge->lock);
    edge->is_paused = false;
    pthread_cond_signal(&edge->changed);
    pthread_mutex_unlock(&edge->lock);
}

void edge_receive_end(struct edge_receive *edge)
{
    pthread_mutex_lock(&edge->lock);
    acknowledge(edge, CLOCK_NEVER - 1);
    edge->is_closed = true;
    if (edge->node)
        node_raw_cancel(edge->node);
    pthread_cond_signal(&edge->changed);
    pthread_mutex_unlock(&edge->lock);
}

void edge_receive_free(struct edge_receive *edge)
{
    if (!edge)
        return;
    pthread_join(edge->thread, NULL);
    free_edge(edge);
}

struct edge_counts edge_receive_counts(struct edge_receive *edge)
{
    pthread_mutex_lock(&edge->lock);
    struct edge_counts counts = edge->counts;
    counts.duplicates = edge->rx.duplicates;
    counts.gaps = edge->rx.gaps;
    counts.lost += edge->rx.lost;
    counts.unacknowledged = edge->queue_count;
    pthread_mutex_unlock(&edge->lock);
    return counts;
}
