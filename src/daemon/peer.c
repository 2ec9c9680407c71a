#include "daemon/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/atomic.h"
#include "base/cleanup.h"
#include "shm/segment.h"

enum {
    READ_AT_ONCE = 32, /* packets before others get their turn */
    WAITING_MOST = 1024,
};

/* A packet that waits for room in the socket: a copy, with descriptors of its own. */
struct peer_waiting {
    struct peer_waiting *next;
    struct proto_packet packet;
    _Alignas(8) char content[];
};

static void free_waiting(struct peer_waiting *waiting)
{
    proto_close_fds(&waiting->packet);
    free(waiting);
}

static struct peer_waiting *copy_packet(const struct proto_packet *packet, int *code)
{
    size_t size = packet->body_len;
    for (size_t i = 0; i < packet->text_count; i++)
        size += strlen(packet->text[i]) + 1;
    struct peer_waiting *copy = malloc(sizeof *copy + size);
    *code = -ENOMEM;
    if (!copy)
        return NULL;
    copy->next = NULL;
    copy->packet = *packet;
    copy->packet.fd_count = 0;
    char *at = copy->content;
    if (packet->body_len)
        memcpy(at, packet->body, packet->body_len);
    copy->packet.body = at;
    at += packet->body_len;
    for (size_t i = 0; i < packet->text_count; i++) {
        copy->packet.text[i] = at;
        at = stpcpy(at, packet->text[i]) + 1;
    }
    for (size_t i = 0; i < packet->fd_count; i++) {
        int fd = fcntl(packet->fds[i], F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            *code = -errno;
            free_waiting(copy);
            return NULL;
        }
        copy->packet.fds[copy->packet.fd_count++] = fd;
    }
    return copy;
}

/* Tells the node, where it can see it without a system call, that a packet waits in its socket. */
static void knock(struct peer *peer, enum proto_type type)
{
    if (!peer->bell.word || type == PROTO_CONFIG)
        return;
    /* release: whoever sees the count finds the packet in the socket. */
    atomic_fetch_add_explicit(&peer->page->control, 1, memory_order_release);
    fence_full();
    doorbell_ring(&peer->bell);
}

static int send_now(struct peer *peer, const struct proto_packet *packet)
{
    int rc = proto_send(watch_fd(peer->socket), packet, MSG_DONTWAIT);
    if (rc == 0)
        knock(peer, packet->type);
    return rc == -EPIPE ? 0 : rc; /* reading finds out that it is gone */
}

int peer_send(struct peer *peer, const struct proto_packet *packet)
{
    if (!peer->socket)
        return 0;
    int rc = peer->waiting ? -EAGAIN : send_now(peer, packet);
    if (rc != -EAGAIN)
        return rc;
    if (peer->waiting_count >= peer->waiting_most)
        return -ENOBUFS;
    struct peer_waiting *waiting = copy_packet(packet, &rc);
    if (!waiting)
        return rc;
    *peer->waiting_end = waiting;
    peer->waiting_end = &waiting->next;
    peer->waiting_count++;
    watch_events(peer->socket, UV_READABLE | UV_WRITABLE);
    return 0;
}

static void drop_first(struct peer *peer)
{
    struct peer_waiting *first = peer->waiting;
    peer->waiting = first->next;
    if (!peer->waiting)
        peer->waiting_end = &peer->waiting;
    peer->waiting_count--;
    free_waiting(first);
}

static void send_waiting(struct peer *peer)
{
    while (peer->waiting) {
        if (send_now(peer, &peer->waiting->packet) == -EAGAIN)
            return;
        drop_first(peer);
    }
    watch_events(peer->socket, UV_READABLE);
}

static void gone(struct peer *peer, const char *why)
{
    if (peer->has_gone)
        return;
    peer->has_gone = true;
    watch_events(peer->socket, 0);
    peer->owner->gone(peer->context, peer, why);
}

static void release(struct peer *peer)
{
    if (peer->page)
        munmap(peer->page, sizeof *peer->page);
    free(peer);
}

static void read_packets(struct peer *peer, size_t most)
{
    _Alignas(8) char buffer[PROTO_PACKET_MOST];
    peer->is_reading = true;
    while (most-- && peer->socket && !peer->has_gone) {
        struct proto_packet packet;
        int rc = proto_recv(watch_fd(peer->socket), &packet, buffer, MSG_DONTWAIT);
        if (rc == -EAGAIN)
            break;
        if (rc == 1) {
            peer->owner->packet(peer->context, peer, &packet);
            proto_close_fds(&packet);
        } else {
            gone(peer, rc == -EBADMSG ? "it sent what is no message of dora's protocol"
                       : rc == -EMFILE
                           ? "dora has too many open files to receive its memory; raise the limit (ulimit -n)"
                           : NULL);
        }
    }
    peer->is_reading = false;
    if (peer->is_closed)
        release(peer);
}

static void on_ready(void *context, int events)
{
    struct peer *peer = context;
    if (events & UV_WRITABLE)
        send_waiting(peer);
    if (events & (UV_READABLE | UV_DISCONNECT))
        read_packets(peer, READ_AT_ONCE);
}

void peer_drain(struct peer *peer)
{
    if (!peer->is_reading)
        read_packets(peer, SIZE_MAX);
}

int peer_open(struct peer **out, uv_loop_t *loop, int fd, const struct peer_owner *owner, void *context,
              struct error *error)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer) {
        close(fd);
        return error_set(error, -ENOMEM, "no memory for a connection");
    }
    *peer = (struct peer){.loop = loop,
                          .owner = owner,
                          .context = context,
                          .page_fd = -1,
                          .bell_memory = -1,
                          .bell_event = -1,
                          .arena = -1,
                          .bell = DOORBELL_INIT,
                          .waiting_end = &peer->waiting,
                          .waiting_most = WAITING_MOST};
    int rc = watch_open(&peer->socket, loop, fd, UV_READABLE, on_ready, peer, error);
    if (rc < 0) {
        free(peer);
        return rc;
    }
    *out = peer;
    return 0;
}

int peer_share(struct peer *peer, int arena, struct error *error)
{
    void *page;
    peer->page_fd = segment_create("dora-page", sizeof *peer->page, error);
    if (peer->page_fd < 0)
        return peer->page_fd;
    int rc = segment_map(peer->page_fd, sizeof *peer->page, PROT_READ | PROT_WRITE, &page, error);
    if (rc < 0)
        return rc;
    peer->page = page;
    rc = doorbell_create(&peer->bell_memory, &peer->bell_event, error);
    if (rc < 0)
        return rc;
    int event = fcntl(peer->bell_event, F_DUPFD_CLOEXEC, 0);
    if (event < 0)
        return error_sys(error, -errno, "open a doorbell");
    rc = doorbell_open(&peer->bell, peer->bell_memory, event, error);
    if (rc < 0) {
        close(event);
        return rc;
    }
    peer->arena = arena;
    return 0;
}

void peer_hang_up(struct peer *peer)
{
    while (peer->waiting)
        drop_first(peer);
    watch_close(peer->socket);
    peer->socket = NULL;
}

void peer_close(struct peer *peer)
{
    if (!peer || peer->is_closed)
        return;
    peer_hang_up(peer);
    cleanup_close(&peer->page_fd);
    cleanup_close(&peer->bell_memory);
    cleanup_close(&peer->bell_event);
    cleanup_close(&peer->arena);
    doorbell_close(&peer->bell);
    peer->is_closed = true;
    if (!peer->is_reading)
        release(peer);
}
