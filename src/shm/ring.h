/* The ring: messages from one publisher to one subscriber, bounded, oldest first, without locks or system calls.
 *
 *        head                    tail
 *     ────┬───────────────────────┬─────▶ positions, counted from 0 for ever
 *         │  queued, each stamped │
 *         └─ the subscriber takes └─ the publisher writes
 *
 * A slot holds the message of position p when its stamp is p + 1; the publisher writes the stamp last, so the
 * subscriber learns of a message by the very cache line that carries it. `head` is moved by compare-and-swap only,
 * because two may move it: the subscriber when it takes the oldest message, the publisher when it drops it to make
 * room. Whoever moves `head` past a message owns it. The publisher writes a slot only after `head` has passed its old
 * content, so a subscriber whose swap succeeds knows that what it copied before was whole.
 *
 * Neither side believes the other: the publisher keeps `tail` privately and checks that `head` only moves forward and
 * not past it; the subscriber masks positions and checks what the message says of its own length.
 *
 * Memory: struct ring_shared, then `capacity` slots. Threads: one publisher thread at a time, one subscriber thread.
 */
#ifndef SHM_RING_H
#define SHM_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/message.h"

enum { RING_CAPACITY_MOST = 1 << 20 };

struct ring_slot {
    _Alignas(128) _Atomic uint64_t words[MESSAGE_WORDS];
};

/* Three pairs of cache lines, by who writes them: neighbours are fetched in pairs. */
struct ring_shared {
    _Alignas(128) _Atomic uint64_t head;    /* both, the subscriber mostly */
    _Alignas(128) _Atomic uint64_t tail;    /* the publisher, for those who only watch */
    _Alignas(128) _Atomic uint32_t waiting; /* 1: the publisher waits for room, on this word */
    _Alignas(128) struct ring_slot slots[];
};

/* Slots for a queue of `limit` messages: a power of two, so that positions wrap by masking. */
uint32_t ring_capacity(uint64_t limit);
size_t ring_size(uint32_t capacity); /* bytes of shared memory */

/* The blocks a queued message holds, known to the publisher alone; ARENA_NONE where there is none. */
struct ring_blocks {
    uint32_t data, meta;
};

/* The publisher's end. */
struct ring_tx {
    struct ring_shared *shared;
    uint64_t tail, head; /* head: as last seen */
    uint64_t mask;
    struct ring_blocks *blocks; /* by slot; NULL until a message with blocks was sent */
};

int ring_tx_open(struct ring_tx *ring, struct ring_shared *shared, uint32_t capacity);
void ring_tx_close(struct ring_tx *ring);

/* Messages queued, by what was last seen of the subscriber; ring_refresh looks again. -EBADMSG: the subscriber has
 * written nonsense. */
static inline uint64_t ring_queued(const struct ring_tx *ring)
{
    return ring->tail - ring->head;
}
int ring_refresh(struct ring_tx *ring);

/* Appends. The caller has seen to it that fewer messages are queued than the ring has slots. -ENOMEM. */
int ring_push(struct ring_tx *ring, const struct message *message, struct ring_blocks blocks);

/* Drops the oldest message, if the subscriber doesn't take it first. 1: dropped, `*blocks` are the publisher's again;
 * 0: nothing was queued; -EBADMSG. */
int ring_drop(struct ring_tx *ring, struct ring_blocks *blocks);

/* The subscriber's end. */
struct ring_rx {
    struct ring_shared *shared;
    uint64_t head; /* where to look next */
    uint64_t mask;
};

void ring_rx_open(struct ring_rx *ring, struct ring_shared *shared, uint32_t capacity);

/* Whether there may be a message; reads one cache line. */
static inline bool ring_ready(const struct ring_rx *ring)
{
    /* acquire: pairs with the publisher's release of the stamp. A later stamp: the publisher dropped past us. */
    return (int64_t)(atomic_load_explicit(&ring->shared->slots[ring->head & ring->mask].words[0],
                                          memory_order_acquire) -
                     ring->head) > 0;
}

/* The sequence number of the oldest message, to merge rings by; only when ring_ready. 0, -EAGAIN or -EBADMSG as
 * ring_take. */
int ring_peek(struct ring_rx *ring, uint64_t *sequence);

/* Takes the oldest message. 1: `*message` has it; 0: there is none; -EAGAIN: the publisher dropped it first, look
 * again; -EBADMSG: what was there is no message, and it is gone. */
int ring_take(struct ring_rx *ring, struct message *message);

/* Whether a publisher waits for room, and waking it. After ring_take, whose swap is a full fence. */
static inline bool ring_awaited(const struct ring_rx *ring)
{
    /* seq_cst: the other half of ring_announce's Dekker. */
    return atomic_load(&ring->shared->waiting);
}
void ring_wake(const struct ring_rx *ring);

/* The publisher announces that it will wait for room; it looks once more, and then sleeps until the subscriber wakes
 * it, or `deadline` (CLOCK_MONOTONIC); it may wake for nothing. Several threads may wait. */
void ring_announce(const struct ring_tx *ring);
void ring_sleep(const struct ring_tx *ring, int64_t deadline);

/* Messages queued, as anyone who can read the ring sees it: at most its capacity for honest ends. */
uint64_t ring_watch(const struct ring_shared *shared);

#endif
