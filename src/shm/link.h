/* A link: what joins one publisher to one subscriber. One shared segment, which only these two processes map:
 *
 *     struct link_shared            the blocks that the subscriber gives back, a ring of block numbers
 *     for each edge (output → input) two rings of messages (ring.h): ordinary ones, and protected ones, which are
 *                                   dropped only when nothing else is left to drop
 *
 * The publisher's end decides what a full queue means and counts what it lent: how often each of its blocks lies in
 * this link's rings or is held by this subscriber. So whatever becomes of the subscriber, link_tx_close gives all of it
 * back. The subscriber's end merges an edge's two rings by sequence number, checks every message, and returns blocks
 * when they are released.
 *
 * Both ends compute the layout from the same list of edges, which a third party, trusted by both, hands them with the
 * segment. Neither end believes what the other writes.
 */
#ifndef SHM_LINK_H
#define SHM_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/process.h"
#include "shm/arena.h"
#include "shm/ring.h"

enum { LINK_EDGES_MOST = 512 };

enum link_policy {
    LINK_DROP_OLDEST,
    LINK_BACKPRESSURE, /* the publisher waits for room; nothing is dropped */
};

struct link_edge {
    uint32_t output, input; /* indices that mean something to the two ends; not used here */
    uint32_t limit;         /* messages queued at most, >= 1 */
    uint32_t policy;        /* enum link_policy */
};

struct link_shared;
struct link_edge_counters;
struct link_edge_delays;

/* Bytes of a link with these edges, or 0 when they are not a link's (none or too many, a limit of 0 or beyond
 * RING_CAPACITY_MOST, an unknown policy). */
size_t link_size(const struct link_edge *edges, size_t count);

/* Makes the segment of a link. Returns its descriptor or a negative errno. */
int link_create(const struct link_edge *edges, size_t count, struct error *error);

/* ---- What a third process may read ---- */

struct link_counters {
    uint64_t sent;    /* messages the publisher put in this edge's queue */
    uint64_t dropped; /* of those, dropped again; taken = sent - dropped - queued */
    uint64_t queued;
    uint64_t bytes; /* of data, sent */
};

/* Delays from a message's stamp to its taking are counted in buckets that grow by half and by a third in turn: bucket i
 * has those below link_delay_ns(i), 64 ns for the first; the last has all longer ones. */
enum { LINK_DELAYS = 64 };
int64_t link_delay_ns(size_t bucket);
size_t link_delay_bucket(int64_t ns);

/* A read-only look at a link's counters. */
struct link_view {
    const struct link_shared *shared;
    size_t size, count;
    size_t counters, delays; /* where the edges' begin */
    uint32_t *offsets;       /* of each edge's two rings, in units of 128 bytes */
};

int link_view_open(struct link_view *view, int fd, const struct link_edge *edges, size_t count, struct error *error);
void link_view_close(struct link_view *view);
struct link_counters link_view_read(const struct link_view *view, size_t edge);
void link_view_delays(const struct link_view *view, size_t edge, uint64_t counts[LINK_DELAYS]); /* adds to `counts` */

/* ---- The publisher's end: one thread at a time ---- */

struct link_tx_edge {
    struct ring_tx ordinary, protect;
    struct link_edge edge;
    struct link_edge_counters *counters; /* shared; this end's own count is what follows */
    uint64_t sent, dropped, bytes;
};

struct link_tx {
    struct link_shared *shared; /* NULL when closed */
    size_t size;
    struct link_tx_edge *edges;
    uint32_t edge_count;
    uint32_t returned;        /* position in the return ring */
    uint32_t return_capacity; /* a power of two */
    uint32_t *lent;           /* by block: how often this link has it */
    uint32_t lent_count;      /* blocks `lent` has room for */
};

/* `fd` stays the caller's. */
int link_tx_open(struct link_tx *link, int fd, const struct link_edge *edges, size_t count, struct error *error);

/* Takes back everything lent, and unmaps. Only when the subscriber's process is gone, or has closed its end. */
void link_tx_close(struct link_tx *link, struct arena *arena);

/* What is sent on an edge: a packed message (message.h), its blocks, and how it is queued. */
struct link_message {
    const struct message *message;
    struct ring_blocks blocks;
    bool is_protected; /* dropped last */
    bool flush;        /* drops what is queued and not protected first */
};

/* Queues the message on edge `edge` (< edge_count) and takes a reference to its blocks. 0: queued, or dropped on
 * arrival (which is counted); -EAGAIN: full, and the policy is backpressure; -ENOMEM; -EBADMSG: the subscriber has
 * written nonsense, close the link. */
int link_tx_send(struct link_tx *link, uint32_t edge, const struct link_message *message, struct arena *arena);

/* Counts so many messages as sent on the edge and dropped, which somebody else dropped on their way here. */
void link_tx_missed(struct link_tx *link, uint32_t edge, uint64_t count);

/* Whether link_tx_send would find room, or make it by dropping, rather than answer -EAGAIN. */
bool link_tx_has_room(struct link_tx *link, uint32_t edge);

/* After -EAGAIN: waits until the edge may have room again, or `deadline` (CLOCK_MONOTONIC). It touches nothing but
 * shared memory, so that the caller can let go of its lock meanwhile; the link must not be closed until it is back. */
void link_tx_wait(const struct link_tx *link, uint32_t edge, int64_t deadline);

/* Takes back the blocks that the subscriber has returned. -EBADMSG: it has written nonsense. */
int link_tx_reclaim(struct link_tx *link, struct arena *arena);

uint64_t link_tx_queued(const struct link_tx *link, uint32_t edge);

/* ---- The subscriber's end ---- */

struct link_rx_edge {
    struct ring_rx ordinary, protect;
    struct link_edge edge;
    const struct link_edge_counters *counters; /* shared, written by the publisher */
    struct link_edge_delays *delays;           /* shared, written by this end */
};

/* A block held by this process: readable until it is released, whatever becomes of the link. */
struct link_hold {
    struct link_rx *link; /* NULL: nothing held */
    struct link_hold *next, *prev;
    struct message_block block;
};

/* Counted: one reference for whoever opened it and one for each hold. */
struct link_rx {
    _Atomic uint32_t refs;
    struct link_shared *shared;
    size_t size;
    struct link_rx_edge *edges;
    uint32_t edge_count;
    struct arena_view view;
    struct lock lock; /* over what follows: holds are released by any thread */
    struct link_hold holds;
    uint32_t returned;        /* position in the return ring */
    uint32_t return_capacity; /* a power of two */
    uint32_t *overflow;       /* blocks that found the return ring full */
    uint32_t overflow_count, overflow_cap;
    bool detached;
    struct process_mark process;
};

/* Takes over `arena_fd` (the publisher's) when it succeeds; `fd` stays the caller's. */
int link_rx_open(struct link_rx **link, int fd, int arena_fd, const struct link_edge *edges, size_t count,
                 struct error *error);

/* The caller is done with the link: what is still held is copied, in place, to private memory, and everything else goes
 * back; only then may the publisher be told that this end is closed. `publisher_gone`: nobody can write the memory any
 * more, so what is held can stay where it is. -ENOMEM: closed too, but not all that is held could be copied, so the
 * publisher must not be told before this process ends. */
int link_rx_close(struct link_rx *link, bool publisher_gone);

/* Whether the edge may have a message. One thread at a time for each edge, as for link_rx_take. */
bool link_rx_ready(const struct link_rx *link, uint32_t edge);
uint64_t link_rx_queued(const struct link_rx *link, uint32_t edge);
/* Messages its publisher dropped from this edge's queue, or before they entered it. */
uint64_t link_rx_dropped(const struct link_rx *link, uint32_t edge);

/* Takes the edge's oldest message. 1: there is one; its blocks, if it has any, are in `data` and `meta` with their
 * content checked to be readable at link_hold_data. 0: none. -EBADMSG: it was no message, and is gone. */
int link_rx_take(struct link_rx *link, uint32_t edge, struct message *message, struct link_hold *data,
                 struct link_hold *meta);

/* Counts how long a message of this edge was under way. The thread that takes. */
void link_rx_delay(struct link_rx *link, uint32_t edge, int64_t ns);

/* Where a held block can be read (message_block.size bytes). */
const void *link_hold_data(const struct link_hold *hold);

/* Gives the block back to its publisher. Any thread. Safe on a hold of nothing. In a forked child it does nothing: the
 * hold is the parent's. */
void link_hold_release(struct link_hold *hold);

#endif
