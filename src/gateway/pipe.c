#include "gateway/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "gateway/hello.h"
#include "gateway/stream_rx.h"
#include "gateway/stream_tx.h"

enum { CHUNK = 64 << 10 };

/* How long an end is told to the other side, which may be no more. */
static const int64_t END_PATIENCE = 3 * CLOCK_SECOND;

/* Bytes on their way out, kept until acknowledged; counted as edge_send.c's. */
struct piece {
    _Atomic uint32_t refs;
    size_t len;
    char bytes[];
};

/* Bytes that came in, for the socket. */
struct arrival {
    struct arrival *next;
    struct stream_head head;
    size_t len;
    char bytes[];
};

struct pipe {
    struct pipe_options options;
    char *machine;
    int fd, event_fd;
    struct net_publisher *publisher, *ack_publisher;
    struct net_subscriber *subscriber, *ack_subscriber;
    pthread_t thread;

    pthread_mutex_t lock; /* over what follows */
    struct stream_tx tx;
    struct stream_rx rx;
    struct arrival *queue, **queue_end;
    uint64_t queue_count, queue_bytes;
    bool is_closed;

    /* The thread's own. */
    bool in_ended, out_ended; /* END has come and was handed on; END was sent */
    int64_t ended_at;         /* when the first of the two was */
    bool has_hello;
    struct buf line;    /* what came of the first line */
    struct buf writing; /* being written to the socket, from `written` on */
    size_t written;
    struct stream_head writing_head; /* of the last message in it */
    size_t writing_size;
    bool is_writing;
};

static void unref(void *owner)
{
    struct piece *piece = owner;
    if (piece && ref_drop(&piece->refs))
        free(piece);
}

static void knock(struct pipe *pipe)
{
    /* Fails only where it is full of knocks. */
    (void)!write(pipe->event_fd, &(uint64_t){1}, sizeof(uint64_t));
}

/* ---- On the engine's threads ---- */

static void arrived(void *context, const struct net_sample *sample)
{
    struct pipe *pipe = context;
    struct stream_head head;
    struct arrival *arrival = NULL;
    if (stream_head_read(sample->attachment.data, sample->attachment.len, &head) < 0 || head.kind == STREAM_ACK ||
        sample->attachment.len != STREAM_HEAD || sample->len > STREAM_BYTES ||
        !(arrival = malloc(sizeof *arrival + sample->len)))
        return;
    arrival->next = NULL;
    arrival->head = head;
    arrival->len = sample->len;
    net_copy(sample, arrival->bytes);
    pthread_mutex_lock(&pipe->lock);
    bool has_room = pipe->queue_count < STREAM_MESSAGES && pipe->queue_bytes < STREAM_BYTES;
    if ((head.kind == STREAM_PROBE || has_room) && stream_rx_take(&pipe->rx, &head)) {
        pipe->queue_count++;
        pipe->queue_bytes += arrival->len;
        *pipe->queue_end = take_ptr(arrival);
        pipe->queue_end = &(*pipe->queue_end)->next;
    }
    pthread_mutex_unlock(&pipe->lock);
    free(arrival);
    knock(pipe);
}

static void release(void *context, void *owner)
{
    (void)context;
    unref(owner);
}

static void acknowledged(void *context, const struct net_sample *sample)
{
    struct pipe *pipe = context;
    struct stream_head head;
    if (stream_head_read(sample->attachment.data, sample->attachment.len, &head) < 0 || head.kind != STREAM_ACK)
        return;
    pthread_mutex_lock(&pipe->lock);
    stream_tx_ack(&pipe->tx, &head, clock_now(), release, NULL);
    pthread_mutex_unlock(&pipe->lock);
    knock(pipe);
}

static void matching(void *context, bool is_matched)
{
    struct pipe *pipe = context;
    pthread_mutex_lock(&pipe->lock);
    stream_tx_matched(&pipe->tx, is_matched, clock_now());
    pthread_mutex_unlock(&pipe->lock);
    knock(pipe);
}

/* ---- The thread: to the wire ---- */

/* Under the lock, which it lets go of to send. Returns until when there is nothing to do. */
static int64_t put_all(struct pipe *pipe)
{
    struct stream_head head;
    struct stream_item item;
    int64_t until, ack_until;
    uint8_t bytes[STREAM_HEAD_MOST];
    while (stream_tx_next(&pipe->tx, clock_now(), &head, &item, &until) == 1) {
        struct piece *piece = head.kind == STREAM_PROBE ? NULL : item.owner;
        if (piece)
            ref_take(&piece->refs);
        pthread_mutex_unlock(&pipe->lock);
        size_t len = stream_head_write(&head, bytes);
        (void)net_put(pipe->publisher, piece ? piece->bytes : NULL, piece ? piece->len : 0, bytes, len,
                      piece ? unref : NULL, piece);
        pthread_mutex_lock(&pipe->lock);
    }
    while (stream_rx_ack(&pipe->rx, clock_now(), &head, &ack_until) == 1) {
        pthread_mutex_unlock(&pipe->lock);
        size_t len = stream_head_write(&head, bytes);
        (void)net_put(pipe->ack_publisher, NULL, 0, bytes, len, NULL, NULL);
        pthread_mutex_lock(&pipe->lock);
    }
    return ack_until < until ? ack_until : until;
}

static void end_out(struct pipe *pipe)
{
    if (pipe->out_ended)
        return;
    pthread_mutex_lock(&pipe->lock);
    stream_tx_add(&pipe->tx, (struct stream_item){.kind = STREAM_END}, clock_now());
    pthread_mutex_unlock(&pipe->lock);
    pipe->out_ended = true;
    if (!pipe->in_ended)
        pipe->ended_at = clock_now();
}

static void read_socket(struct pipe *pipe)
{
    struct piece *piece = malloc(sizeof *piece + CHUNK);
    if (!piece)
        return;
    ssize_t got = recv(pipe->fd, piece->bytes, CHUNK, MSG_DONTWAIT);
    if (got <= 0) {
        bool is_over = got == 0 || (errno != EAGAIN && errno != EINTR);
        free(piece);
        if (is_over)
            end_out(pipe);
        return;
    }
    struct piece *fitting = realloc(piece, sizeof *piece + (size_t)got);
    piece = fitting ? fitting : piece;
    piece->refs = 1;
    piece->len = (size_t)got;
    struct stream_item item = {.kind = STREAM_DATA, .size = piece->len, .owner = piece};
    pthread_mutex_lock(&pipe->lock);
    int rc = stream_tx_add(&pipe->tx, item, clock_now());
    pthread_mutex_unlock(&pipe->lock);
    if (rc < 0) {
        /* Bytes are missing: nothing that follows makes sense. */
        free(piece);
        end_out(pipe);
    }
}

/* ---- The thread: to the socket ---- */

/* Under the lock: what is being written has been, or never will be. */
static void handed(struct pipe *pipe)
{
    stream_rx_handed(&pipe->rx, &pipe->writing_head, pipe->writing_size, clock_now());
    pipe->is_writing = false;
}

/* What came, with the machine's name in its first line. -EBADMSG: that is no hello. */
static int prepare(struct pipe *pipe, const struct arrival *arrival)
{
    if (pipe->has_hello || !pipe->machine) {
        buf_add(&pipe->writing, arrival->bytes, arrival->len);
        return pipe->writing.failed ? -ENOMEM : 0;
    }
    buf_add(&pipe->line, arrival->bytes, arrival->len);
    const char *end = pipe->line.len ? memchr(pipe->line.data, '\n', pipe->line.len) : NULL;
    if (pipe->line.failed || (!end && pipe->line.len > HELLO_MOST))
        return -EBADMSG;
    if (!end)
        return 0;
    size_t line_len = (size_t)(end - pipe->line.data), len;
    autofree char *hello = line_len > HELLO_MOST ? NULL : hello_from(pipe->line.data, line_len, pipe->machine, &len);
    if (!hello)
        return -EBADMSG;
    buf_add(&pipe->writing, hello, len);
    buf_add(&pipe->writing, end + 1, pipe->line.len - line_len - 1);
    buf_free(&pipe->line);
    pipe->has_hello = true;
    return pipe->writing.failed ? -ENOMEM : 0;
}

/* Takes the next message of the queue. false: there is none. */
static bool take(struct pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    struct arrival *arrival = pipe->queue;
    if (arrival) {
        pipe->queue = arrival->next;
        if (!pipe->queue)
            pipe->queue_end = &pipe->queue;
        pipe->queue_count--;
        pipe->queue_bytes -= arrival->len;
    }
    pthread_mutex_unlock(&pipe->lock);
    if (!arrival)
        return false;
    buf_clear(&pipe->writing);
    pipe->written = 0;
    pipe->writing_head = arrival->head;
    pipe->writing_size = arrival->len;
    pipe->is_writing = true;
    if (arrival->head.kind != STREAM_DATA) {
        pipe->in_ended = true;
        shutdown(pipe->fd, SHUT_RDWR);
        if (!pipe->out_ended)
            pipe->ended_at = clock_now();
    } else if (!pipe->in_ended && prepare(pipe, arrival) < 0) {
        end_out(pipe);
        shutdown(pipe->fd, SHUT_RDWR);
    }
    free(arrival);
    return true;
}

/* Writes what the socket has room for. */
static void write_socket(struct pipe *pipe)
{
    while (pipe->is_writing || take(pipe)) {
        while (pipe->written < pipe->writing.len && !pipe->out_ended) {
            ssize_t wrote = send(pipe->fd, pipe->writing.data + pipe->written, pipe->writing.len - pipe->written,
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
            if (wrote >= 0)
                pipe->written += (size_t)wrote;
            else if (errno == EAGAIN)
                return;
            else if (errno != EINTR)
                end_out(pipe);
        }
        /* Where nobody reads any more, it is dropped. */
        pthread_mutex_lock(&pipe->lock);
        handed(pipe);
        pthread_mutex_unlock(&pipe->lock);
    }
}

/* Whether it goes on. */
static bool wait_for_work(struct pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    int64_t until = put_all(pipe), now = clock_now();
    bool is_told = stream_tx_kept(&pipe->tx) == 0, has_room = stream_tx_has_room(&pipe->tx);
    bool is_over = pipe->is_closed || (pipe->in_ended && pipe->out_ended && is_told);
    if (pipe->in_ended || pipe->out_ended) {
        int64_t deadline = pipe->ended_at + END_PATIENCE;
        is_over |= now >= deadline;
        until = deadline < until ? deadline : until;
    }
    pthread_mutex_unlock(&pipe->lock);
    if (is_over)
        return false;
    struct pollfd fds[] = {{.fd = pipe->event_fd, .events = POLLIN},
                           {.fd = pipe->out_ended ? -1 : pipe->fd,
                            .events = (short)((has_room ? POLLIN : 0) | (pipe->is_writing ? POLLOUT : 0))}};
    /* One with no room to read would tell of its end again and again. */
    if (!fds[1].events)
        fds[1].fd = -1;
    int64_t left = until == CLOCK_NEVER ? -1 : until > now ? (until - now + CLOCK_MILLI - 1) / CLOCK_MILLI : 0;
    if (poll(fds, 2, left > 60000 ? 60000 : (int)left) <= 0)
        return true;
    if (fds[0].revents)
        (void)!read(pipe->event_fd, &(uint64_t){0}, sizeof(uint64_t));
    if (fds[1].revents && has_room)
        read_socket(pipe);
    return true;
}

static void *run(void *context)
{
    struct pipe *pipe = context;
    do
        write_socket(pipe);
    while (wait_for_work(pipe));
    shutdown(pipe->fd, SHUT_RDWR);
    pipe->options.left(pipe->options.context);
    return NULL;
}

/* ---- The owner's ---- */

static int open_streams(struct pipe *pipe, const struct pipe_options *options, struct error *error)
{
    char out_ack[1024], in_ack[1024];
    struct net *net = options->net;
    struct net_publisher_options data = {.urgent = true, .matching = matching, .context = pipe};
    struct net_publisher_options ack = {.drop = true, .urgent = true};
    snprintf(out_ack, sizeof out_ack, "%s/ack", options->out);
    snprintf(in_ack, sizeof in_ack, "%s/ack", options->in);
    int rc = net_publisher_open(&pipe->ack_publisher, net, in_ack, &ack, error);
    if (rc == 0)
        rc = net_subscriber_open(&pipe->ack_subscriber, net, out_ack, acknowledged, pipe, error);
    if (rc == 0)
        rc = net_publisher_open(&pipe->publisher, net, options->out, &data, error);
    if (rc == 0)
        rc = net_subscriber_open(&pipe->subscriber, net, options->in, arrived, pipe, error);
    return rc;
}

static void free_pipe(struct pipe *pipe)
{
    struct stream_item item;
    net_subscriber_close(pipe->subscriber);
    net_publisher_close(pipe->publisher);
    net_subscriber_close(pipe->ack_subscriber);
    net_publisher_close(pipe->ack_publisher);
    while (stream_tx_drain(&pipe->tx, &item))
        unref(item.owner);
    while (pipe->queue) {
        struct arrival *arrival = pipe->queue;
        pipe->queue = arrival->next;
        free(arrival);
    }
    pthread_mutex_destroy(&pipe->lock);
    cleanup_close(&pipe->fd);
    cleanup_close(&pipe->event_fd);
    buf_free(&pipe->line);
    buf_free(&pipe->writing);
    free(pipe->machine);
    free(pipe);
}

int pipe_open(struct pipe **out, int fd, const struct pipe_options *options, struct error *error)
{
    struct pipe *pipe = calloc(1, sizeof *pipe);
    if (!pipe) {
        close(fd);
        return error_set(error, -ENOMEM, "no memory for a tunnel");
    }
    pipe->options = *options;
    pipe->fd = fd;
    pipe->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pipe->queue_end = &pipe->queue;
    pthread_mutex_init(&pipe->lock, NULL);
    stream_tx_open(&pipe->tx, stream_epoch());
    stream_rx_open(&pipe->rx);
    int rc = pipe->event_fd < 0 ? error_sys(error, -errno, "make a tunnel") : 0;
    if (rc == 0 && options->machine && !(pipe->machine = strdup(options->machine)))
        rc = error_set(error, -ENOMEM, "no memory for a tunnel");
    if (rc == 0)
        rc = open_streams(pipe, options, error);
    if (rc == 0 && (rc = -pthread_create(&pipe->thread, NULL, run, pipe)) < 0)
        error_sys(error, rc, "start a tunnel's thread");
    if (rc < 0) {
        free_pipe(pipe);
        return rc;
    }
    *out = pipe;
    return 0;
}

void pipe_end(struct pipe *pipe)
{
    pthread_mutex_lock(&pipe->lock);
    pipe->is_closed = true;
    pthread_mutex_unlock(&pipe->lock);
    knock(pipe);
}

void pipe_free(struct pipe *pipe)
{
    if (!pipe)
        return;
    pthread_join(pipe->thread, NULL);
    free_pipe(pipe);
}
