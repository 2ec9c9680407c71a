#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "shm/link_layout.h"

/* How often a publisher may win the race for the oldest message before it is taken for one that only wants to keep us:
 * far more than an honest one can. */
enum { RACES_MOST = 1000, OVERFLOW_MOST = 1 << 20 };

static void unref(struct link_rx *link)
{
    if (!ref_drop(&link->refs))
        return;
    arena_view_close(&link->view);
    munmap(link->shared, link->size);
    free(link->edges);
    free(link->overflow);
    free(link);
}

int link_rx_open(struct link_rx **out, int fd, int arena_fd, const struct link_edge *edges, size_t count,
                 struct error *error)
{
    autofree struct link_rx *link = calloc(1, sizeof *link);
    autofree struct link_rx_edge *rx_edges = calloc(count ? count : 1, sizeof *rx_edges);
    if (!link || !rx_edges)
        return error_set(error, -ENOMEM, "no memory for a link");
    int rc = process_mark(&link->process);
    if (rc < 0)
        return error_sys(error, rc, "memory for a link");
    rc = link_map(fd, edges, count, PROT_READ | PROT_WRITE, &link->shared, &link->size, error);
    if (rc < 0)
        return rc;
    rc = arena_view_open(&link->view, arena_fd, error);
    if (rc < 0) {
        munmap(link->shared, link->size);
        return rc;
    }
    link->refs = 1;
    link->edge_count = (uint32_t)count;
    link->return_capacity = link_return_capacity(edges, count);
    link->holds.next = link->holds.prev = &link->holds;
    for (size_t i = 0; i < count; i++) {
        char *ordinary = (char *)link->shared + link_ring_offset(edges, count, i);
        uint32_t capacity = ring_capacity(edges[i].limit);
        rx_edges[i].edge = edges[i];
        rx_edges[i].delays = (struct link_edge_delays *)((char *)link->shared + link_delay_offset(edges, count)) + i;
        rx_edges[i].counters = (const void *)((char *)link->shared + link_counter_offset(link->return_capacity) +
                                              i * sizeof(struct link_edge_counters));
        ring_rx_open(&rx_edges[i].ordinary, (void *)ordinary, capacity);
        ring_rx_open(&rx_edges[i].protect, (void *)(ordinary + ring_size(capacity)), capacity);
    }
    link->edges = take_ptr(rx_edges);
    *out = take_ptr(link);
    return 0;
}

int link_rx_close(struct link_rx *link, bool publisher_gone)
{
    int result = 0;
    lock_take(&link->lock);
    link->detached = true;
    for (struct link_hold *hold = link->holds.next; hold != &link->holds && !publisher_gone; hold = hold->next) {
        int rc = arena_view_keep(&link->view, hold->block.offset, hold->block.size);
        result = rc < 0 ? rc : result;
    }
    lock_release(&link->lock);
    unref(link);
    return result;
}

/* Puts a block number in the return ring; false when it is full. Under the lock. */
static bool give_back(struct link_rx *link, uint32_t block)
{
    /* acquire: the publisher has read the slots before `head`. */
    uint32_t head = atomic_load_explicit(&link->shared->head, memory_order_acquire);
    if (link->returned - head >= link->return_capacity)
        return false;
    uint32_t slot = link->returned++ & (link->return_capacity - 1);
    /* relaxed: published by the tail. */
    atomic_store_explicit(&link->shared->returned[slot], block, memory_order_relaxed);
    /* release: our reads of the block are done. */
    atomic_store_explicit(&link->shared->tail, link->returned, memory_order_release);
    return true;
}

/* Gives back what found no room earlier. Under the lock. */
static void empty_overflow(struct link_rx *link)
{
    while (link->overflow_count && give_back(link, link->overflow[link->overflow_count - 1]))
        link->overflow_count--;
}

/* As give_back, but keeps what finds no room for the next time. When there is no memory for that either, or the
 * publisher doesn't take anything back, the block stays lent until the link ends. */
static void return_block(struct link_rx *link, uint32_t block)
{
    empty_overflow(link);
    if (link->overflow_count == 0 && give_back(link, block))
        return;
    if (link->overflow_count == OVERFLOW_MOST)
        return;
    if (link->overflow_count == link->overflow_cap) {
        uint32_t cap = link->overflow_cap ? 2 * link->overflow_cap : 64;
        uint32_t *overflow = realloc(link->overflow, cap * sizeof *overflow);
        if (!overflow)
            return;
        link->overflow = overflow;
        link->overflow_cap = cap;
    }
    link->overflow[link->overflow_count++] = block;
}

static void hold(struct link_rx *link, const struct message_block *block, struct link_hold *hold)
{
    ref_take(&link->refs);
    hold->link = link;
    hold->block = *block;
    lock_take(&link->lock);
    empty_overflow(link);
    hold->next = &link->holds;
    hold->prev = link->holds.prev;
    hold->prev->next = link->holds.prev = hold;
    lock_release(&link->lock);
}

void link_hold_release(struct link_hold *hold)
{
    struct link_rx *link = hold->link;
    if (!link)
        return;
    hold->link = NULL;
    if (!process_same(&link->process))
        return;
    lock_take(&link->lock);
    hold->next->prev = hold->prev;
    hold->prev->next = hold->next;
    if (!link->detached)
        return_block(link, hold->block.block);
    lock_release(&link->lock);
    unref(link);
}

const void *link_hold_data(const struct link_hold *hold)
{
    return hold->link->view.base + hold->block.offset;
}

bool link_rx_ready(const struct link_rx *link, uint32_t index)
{
    const struct link_rx_edge *edge = &link->edges[index];
    return ring_ready(&edge->ordinary) || ring_ready(&edge->protect);
}

uint64_t link_rx_queued(const struct link_rx *link, uint32_t index)
{
    const struct link_rx_edge *edge = &link->edges[index];
    uint64_t queued = ring_watch(edge->ordinary.shared) + ring_watch(edge->protect.shared);
    /* What the publisher says; no more than the queue can hold. */
    return queued < edge->edge.limit ? queued : edge->edge.limit;
}

void link_rx_delay(struct link_rx *link, uint32_t index, int64_t ns)
{
    _Atomic uint32_t *count = &link->edges[index].delays->counts[link_delay_bucket(ns)];
    /* relaxed: a counter with one writer. */
    atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
}

uint64_t link_rx_dropped(const struct link_rx *link, uint32_t index)
{
    /* relaxed: a counter. */
    return atomic_load_explicit(&link->edges[index].counters->dropped, memory_order_relaxed);
}

/* Takes the older of the first messages of the edge's two rings; returns as ring_take. What was sent first is seen
 * first: whoever sees a message after the acquire of its stamp also sees those that its publisher wrote before to the
 * other ring. And what was seen to be younger in the other ring stays so, because drops only make it younger. */
static int take_oldest(struct link_rx_edge *edge, struct message *message)
{
    bool ordinary = ring_ready(&edge->ordinary), protect = ring_ready(&edge->protect);
    if (!protect)
        return ordinary ? ring_take(&edge->ordinary, message) : 0;
    if (!ordinary && !ring_ready(&edge->ordinary))
        return ring_take(&edge->protect, message);
    uint64_t sequence, protect_sequence;
    int rc = ring_peek(&edge->ordinary, &sequence);
    if (rc == 0)
        rc = ring_peek(&edge->protect, &protect_sequence);
    if (rc < 0)
        return rc;
    return ring_take(sequence < protect_sequence ? &edge->ordinary : &edge->protect, message);
}

/* Whether this can be a block of the publisher's: aligned as its readers rely on, and there. */
static bool is_block(struct link_rx *link, const struct message_block *block)
{
    return block->offset % ARENA_ALIGN == 0 && arena_view_at(&link->view, block->offset, block->size);
}

int link_rx_take(struct link_rx *link, uint32_t index, struct message *message, struct link_hold *data,
                 struct link_hold *meta)
{
    struct link_rx_edge *edge = &link->edges[index];
    data->link = meta->link = NULL;
    int rc = -EAGAIN;
    for (int i = 0; i < RACES_MOST && rc == -EAGAIN; i++)
        rc = take_oldest(edge, message);
    if (rc == 0 || rc == -EAGAIN)
        return 0;
    /* To wake a publisher for each message costs more than the message: it waits until an eighth of a queue is free. */
    if (ring_awaited(&edge->ordinary) && link_rx_queued(link, index) <= edge->edge.limit - edge->edge.limit / 8)
        ring_wake(&edge->ordinary);
    if (rc < 0)
        return rc;
    const void *bytes;
    size_t len;
    struct message_block block;
    message_data(message, &bytes, &len, &block);
    if (!bytes) {
        if (!is_block(link, &block))
            return -EBADMSG;
        hold(link, &block, data);
    }
    message_meta(message, &bytes, &len, &block);
    if (!bytes) {
        if (!is_block(link, &block)) {
            link_hold_release(data);
            return -EBADMSG;
        }
        hold(link, &block, meta);
    }
    return 1;
}
