/* The daemon's end of a connection to a node, and the memory the two share: the node's page, doorbell and arena.
 *
 * Sending never blocks: what the socket has no room for, because the node is stopped or busy, waits here, up to a
 * bound. A peer may be closed from within its own callbacks.
 */
#ifndef DAEMON_PEER_H
#define DAEMON_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <uv.h>

#include "base/error.h"
#include "daemon/watch.h"
#include "proto/proto.h"
#include "shm/doorbell.h"

struct peer;

struct peer_owner {
    /* A packet came; the descriptors left in it are closed afterwards. */
    void (*packet)(void *context, struct peer *peer, struct proto_packet *packet);
    /* Nothing comes any more: the node has hung up (`why` NULL), or has said what no node says. Called once. */
    void (*gone)(void *context, struct peer *peer, const char *why);
};

struct peer_waiting;

struct peer {
    uv_loop_t *loop;
    struct watch *socket; /* NULL after peer_hang_up */
    const struct peer_owner *owner;
    void *context;
    pid_t pid; /* of the process that connected */

    struct proto_page *page;                     /* NULL before peer_share, which also makes what follows */
    uint64_t spans_read;                         /* of the page's, see trace.h */
    int page_fd, bell_memory, bell_event, arena; /* to hand on; -1 where there is none */
    struct doorbell bell;

    struct peer_waiting *waiting, **waiting_end; /* packets, oldest first */
    size_t waiting_count, waiting_most;
    bool is_reading, is_closed, has_gone;

    struct peer *next; /* the owner's */
};

/* Takes over `fd`, non-blocking, in any case. */
int peer_open(struct peer **peer, uv_loop_t *loop, int fd, const struct peer_owner *owner, void *context,
              struct error *error);

/* Makes the page and the doorbell, and takes over `arena` when it succeeds. */
int peer_share(struct peer *peer, int arena, struct error *error);

/* Sends the packet, or keeps a copy to send later. 0 also when the node has hung up; -ENOBUFS: it has `waiting_most`
 * packets unread; -EMFILE, -ENOMEM, …: the daemon lacks means. */
int peer_send(struct peer *peer, const struct proto_packet *packet);

/* Reads all that is still there, when the process has ended. */
void peer_drain(struct peer *peer);

/* Ends the connection, and keeps the memory. */
void peer_hang_up(struct peer *peer);
void peer_close(struct peer *peer); /* NULL is fine */

#endif
