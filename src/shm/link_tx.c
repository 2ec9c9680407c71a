#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "shm/link_layout.h"

int link_tx_open(struct link_tx *link, int fd, const struct link_edge *edges, size_t count, struct error *error)
{
    *link = (struct link_tx){0};
    int rc = link_map(fd, edges, count, PROT_READ | PROT_WRITE, &link->shared, &link->size, error);
    if (rc < 0)
        return rc;
    link->edges = calloc(count, sizeof *link->edges);
    if (!link->edges) {
        munmap(link->shared, link->size);
        link->shared = NULL;
        return error_set(error, -ENOMEM, "no memory for a link");
    }
    link->edge_count = (uint32_t)count;
    link->return_capacity = link_return_capacity(edges, count);
    char *base = (char *)link->shared;
    for (size_t i = 0; i < count; i++) {
        struct link_tx_edge *edge = &link->edges[i];
        uint32_t capacity = ring_capacity(edges[i].limit);
        void *ordinary = base + link_ring_offset(edges, count, i);
        edge->edge = edges[i];
        edge->counters = (struct link_edge_counters *)(base + link_counter_offset(link->return_capacity)) + i;
        ring_tx_open(&edge->ordinary, ordinary, capacity);
        ring_tx_open(&edge->protect, (void *)((char *)ordinary + ring_size(capacity)), capacity);
    }
    return 0;
}

/* Takes back one loan of a block. A subscriber may name blocks it doesn't have: that is no error worth more than this.
 */
static void take_back(struct link_tx *link, uint32_t block, struct arena *arena)
{
    if (block >= link->lent_count || link->lent[block] == 0)
        return;
    link->lent[block]--;
    arena_unref(arena, block);
}

static int lend(struct link_tx *link, uint32_t block, struct arena *arena)
{
    if (block == ARENA_NONE)
        return 0;
    if (block >= link->lent_count) {
        uint32_t count = link->lent_count ? link->lent_count : 16;
        while (count <= block)
            count *= 2;
        uint32_t *lent = realloc(link->lent, count * sizeof *lent);
        if (!lent)
            return -ENOMEM;
        memset(lent + link->lent_count, 0, (count - link->lent_count) * sizeof *lent);
        link->lent = lent;
        link->lent_count = count;
    }
    link->lent[block]++;
    arena_ref(arena, block);
    return 0;
}

void link_tx_close(struct link_tx *link, struct arena *arena)
{
    if (!link->shared)
        return;
    for (uint32_t block = 0; block < link->lent_count; block++)
        while (link->lent[block])
            take_back(link, block, arena);
    for (uint32_t i = 0; i < link->edge_count; i++) {
        ring_tx_close(&link->edges[i].ordinary);
        ring_tx_close(&link->edges[i].protect);
    }
    free(link->edges);
    free(link->lent);
    munmap(link->shared, link->size);
    *link = (struct link_tx){0};
}

/* Drops the oldest message of one ring, if there is one. */
static int drop(struct link_tx *link, struct link_tx_edge *edge, struct ring_tx *ring, struct arena *arena)
{
    struct ring_blocks blocks;
    int rc = ring_drop(ring, &blocks);
    if (rc <= 0)
        return rc;
    take_back(link, blocks.data, arena);
    take_back(link, blocks.meta, arena);
    /* relaxed: a counter for whoever watches. */
    atomic_store_explicit(&edge->counters->dropped, ++edge->dropped, memory_order_relaxed);
    return 1;
}

static uint64_t queued(const struct link_tx_edge *edge)
{
    return ring_queued(&edge->ordinary) + ring_queued(&edge->protect);
}

static int refresh(struct link_tx_edge *edge)
{
    int ordinary = ring_refresh(&edge->ordinary), protect = ring_refresh(&edge->protect);
    return ordinary < 0 ? ordinary : protect;
}

/* Makes room for one message. 1: there is room; 0: this message is the one to drop. */
static int make_room(struct link_tx *link, struct link_tx_edge *edge, bool is_protected, struct arena *arena)
{
    int rc = refresh(edge);
    if (rc == 0 && queued(edge) >= edge->edge.limit && edge->edge.policy == LINK_BACKPRESSURE)
        return -EAGAIN;
    while (rc >= 0 && queued(edge) >= edge->edge.limit) {
        if (ring_queued(&edge->ordinary) > 0)
            rc = drop(link, edge, &edge->ordinary, arena);
        else if (is_protected)
            rc = drop(link, edge, &edge->protect, arena);
        else
            return 0;
    }
    return rc < 0 ? rc : 1;
}

int link_tx_send(struct link_tx *link, uint32_t index, const struct link_message *m, struct arena *arena)
{
    struct link_tx_edge *edge = &link->edges[index];
    int rc = 1;
    while (m->flush && rc > 0)
        rc = drop(link, edge, &edge->ordinary, arena);
    if (rc >= 0)
        rc = queued(edge) < edge->edge.limit ? 1 : make_room(link, edge, m->is_protected, arena);
    if (rc < 0)
        return rc;
    bool keep = rc;
    if (keep) {
        rc = lend(link, m->blocks.data, arena);
        if (rc < 0)
            return rc;
        rc = lend(link, m->blocks.meta, arena);
        uint32_t lent_meta = rc == 0 ? m->blocks.meta : ARENA_NONE;
        if (rc == 0)
            rc = ring_push(m->is_protected ? &edge->protect : &edge->ordinary, m->message, m->blocks);
        if (rc < 0) {
            take_back(link, m->blocks.data, arena);
            take_back(link, lent_meta, arena);
            return rc;
        }
        edge->bytes += message_data_size(m->message);
    } else {
        edge->dropped++;
    }
    /* relaxed: counters for whoever watches. */
    atomic_store_explicit(&edge->counters->sent, ++edge->sent, memory_order_relaxed);
    atomic_store_explicit(&edge->counters->bytes, edge->bytes, memory_order_relaxed);
    if (!keep)
        atomic_store_explicit(&edge->counters->dropped, edge->dropped, memory_order_relaxed);
    return 0;
}

void link_tx_missed(struct link_tx *link, uint32_t index, uint64_t count)
{
    struct link_tx_edge *edge = &link->edges[index];
    edge->sent += count;
    edge->dropped += count;
    /* relaxed: counters for whoever watches. */
    atomic_store_explicit(&edge->counters->sent, edge->sent, memory_order_relaxed);
    atomic_store_explicit(&edge->counters->dropped, edge->dropped, memory_order_relaxed);
}

bool link_tx_has_room(struct link_tx *link, uint32_t index)
{
    struct link_tx_edge *edge = &link->edges[index];
    /* An end that writes nonsense is found out by sending. */
    return edge->edge.policy != LINK_BACKPRESSURE || queued(edge) < edge->edge.limit || refresh(edge) < 0 ||
           queued(edge) < edge->edge.limit;
}

void link_tx_wait(const struct link_tx *link, uint32_t index, int64_t deadline)
{
    const struct link_tx_edge *edge = &link->edges[index];
    ring_announce(&edge->ordinary);
    if (link_tx_queued(link, index) >= edge->edge.limit)
        ring_sleep(&edge->ordinary, deadline);
}

int link_tx_reclaim(struct link_tx *link, struct arena *arena)
{
    /* acquire: the subscriber's reads of what it returned are done. */
    uint32_t tail = atomic_load_explicit(&link->shared->tail, memory_order_acquire);
    if (tail == link->returned)
        return 0;
    if (tail - link->returned > link->return_capacity)
        return -EBADMSG;
    for (; link->returned != tail; link->returned++) {
        uint32_t slot = link->returned & (link->return_capacity - 1);
        /* relaxed: ordered by the tail's acquire. */
        take_back(link, atomic_load_explicit(&link->shared->returned[slot], memory_order_relaxed), arena);
    }
    /* release: these slots have been read. */
    atomic_store_explicit(&link->shared->head, link->returned, memory_order_release);
    return 0;
}

uint64_t link_tx_queued(const struct link_tx *link, uint32_t index)
{
    const struct link_tx_edge *edge = &link->edges[index];
    return ring_watch(edge->ordinary.shared) + ring_watch(edge->protect.shared);
}
