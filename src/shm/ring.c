#include "shm/ring.h"

#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "base/futex.h"

enum { CAPACITY_LEAST = 8, PREFETCH_AHEAD = 4 };

uint32_t ring_capacity(uint64_t limit)
{
    if (limit > RING_CAPACITY_MOST)
        limit = RING_CAPACITY_MOST;
    uint32_t capacity = CAPACITY_LEAST;
    while (capacity < limit)
        capacity *= 2;
    return capacity;
}

size_t ring_size(uint32_t capacity)
{
    return sizeof(struct ring_shared) + capacity * sizeof(struct ring_slot);
}

int ring_tx_open(struct ring_tx *ring, struct ring_shared *shared, uint32_t capacity)
{
    *ring = (struct ring_tx){.shared = shared, .mask = capacity - 1};
    return 0;
}

void ring_tx_close(struct ring_tx *ring)
{
    free(ring->blocks);
    ring->blocks = NULL;
}

int ring_refresh(struct ring_tx *ring)
{
    /* acquire: the subscriber's copies of what lies before `head` are done, its slots may be written. */
    uint64_t head = atomic_load_explicit(&ring->shared->head, memory_order_acquire);
    if (head - ring->head > ring->tail - ring->head)
        return -EBADMSG;
    ring->head = head;
    return 0;
}

static int track_blocks(struct ring_tx *ring)
{
    ring->blocks = malloc((ring->mask + 1) * sizeof *ring->blocks);
    if (!ring->blocks)
        return -ENOMEM;
    for (uint64_t i = 0; i <= ring->mask; i++)
        ring->blocks[i] = (struct ring_blocks){UINT32_MAX, UINT32_MAX};
    return 0;
}

int ring_push(struct ring_tx *ring, const struct message *message, struct ring_blocks blocks)
{
    if (ring->blocks || (blocks.data & blocks.meta) != UINT32_MAX) {
        if (!ring->blocks && track_blocks(ring) < 0)
            return -ENOMEM;
        ring->blocks[ring->tail & ring->mask] = blocks;
    }
    struct ring_slot *slot = &ring->shared->slots[ring->tail & ring->mask];
    size_t length = message_length(message->words[3]);
    /* relaxed: the stamp's release publishes them. */
    for (size_t i = 1; i < length; i++)
        atomic_store_explicit(&slot->words[i], message->words[i], memory_order_relaxed);
    ring->tail++;
    atomic_store_explicit(&slot->words[0], ring->tail, memory_order_release);
    /* relaxed: a counter. */
    atomic_store_explicit(&ring->shared->tail, ring->tail, memory_order_relaxed);
    /* The subscriber has these lines from the last round; ask for them back before they are needed. */
    __builtin_prefetch(&ring->shared->slots[(ring->tail + PREFETCH_AHEAD) & ring->mask], 1);
    return 0;
}

int ring_drop(struct ring_tx *ring, struct ring_blocks *blocks)
{
    for (;;) {
        uint64_t head = ring->head;
        if (head == ring->tail)
            return 0;
        /* acq_rel: as ring_refresh when it succeeds; what the subscriber copied meanwhile it will throw away. */
        if (atomic_compare_exchange_strong_explicit(&ring->shared->head, &head, head + 1, memory_order_acq_rel,
                                                    memory_order_acquire)) {
            *blocks = ring->blocks ? ring->blocks[head & ring->mask] : (struct ring_blocks){UINT32_MAX, UINT32_MAX};
            ring->head = head + 1;
            return 1;
        }
        if (head - ring->head > ring->tail - ring->head)
            return -EBADMSG;
        ring->head = head;
    }
}

void ring_rx_open(struct ring_rx *ring, struct ring_shared *shared, uint32_t capacity)
{
    *ring = (struct ring_rx){.shared = shared, .mask = capacity - 1};
}

/* Moves `head` from where this end believes it to be by `step`. -EAGAIN: the publisher had moved it, and this end has
 * caught up; -EBADMSG: the same, but backwards. */
static int advance(struct ring_rx *ring, uint64_t step)
{
    uint64_t head = ring->head;
    /* seq_cst: what was copied from the slot was copied before, and it is the fence before ring_wake. */
    if (atomic_compare_exchange_strong(&ring->shared->head, &head, head + step)) {
        ring->head += step;
        return 0;
    }
    bool forwards = (int64_t)(head - ring->head) > 0;
    ring->head = head;
    return forwards ? -EAGAIN : -EBADMSG;
}

int ring_peek(struct ring_rx *ring, uint64_t *sequence)
{
    /* relaxed: ring_ready's acquire orders it behind the stamp. The swap, of the head for itself, then tells whether
     * the slot still held its message: a load of `head` wouldn't, for nothing orders it with the publisher's next
     * words. */
    *sequence = atomic_load_explicit(&ring->shared->slots[ring->head & ring->mask].words[1], memory_order_relaxed);
    return advance(ring, 0);
}

int ring_take(struct ring_rx *ring, struct message *message)
{
    if (!ring_ready(ring))
        return 0;
    struct ring_slot *slot = &ring->shared->slots[ring->head & ring->mask];
    /* relaxed loads: ring_ready's acquire orders them behind the stamp, the swap's release before the new head. */
    uint64_t word3 = atomic_load_explicit(&slot->words[3], memory_order_relaxed);
    size_t length = message_length(word3);
    bool sane = length <= MESSAGE_WORDS;
    message->words[3] = word3;
    message->words[1] = atomic_load_explicit(&slot->words[1], memory_order_relaxed);
    message->words[2] = atomic_load_explicit(&slot->words[2], memory_order_relaxed);
    for (size_t i = MESSAGE_HEAD; sane && i < length; i++)
        message->words[i] = atomic_load_explicit(&slot->words[i], memory_order_relaxed);
    int rc = advance(ring, 1);
    if (rc < 0)
        return rc;
    return sane ? 1 : -EBADMSG;
}

void ring_wake(const struct ring_rx *ring)
{
    if (ring_awaited(ring) && atomic_exchange(&ring->shared->waiting, 0))
        futex_wake(&ring->shared->waiting);
}

void ring_announce(const struct ring_tx *ring)
{
    /* The fence: the announcement is seen before the publisher looks at `head` again, by whatever kind of load. */
    atomic_store_explicit(&ring->shared->waiting, 1, memory_order_relaxed);
    fence_full();
}

void ring_sleep(const struct ring_tx *ring, int64_t deadline)
{
    futex_wait(&ring->shared->waiting, 1, deadline);
}

uint64_t ring_watch(const struct ring_shared *shared)
{
    /* relaxed: counters. */
    uint64_t tail = atomic_load_explicit(&shared->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&shared->head, memory_order_relaxed);
    return (int64_t)(tail - head) > 0 ? tail - head : 0;
}
