#include "shm/link_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "shm/segment.h"

uint32_t link_return_capacity(const struct link_edge *edges, size_t count)
{
    uint64_t most = 64;
    for (size_t i = 0; i < count; i++)
        most += 2 * (uint64_t)edges[i].limit;
    return ring_capacity(most < LINK_RETURN_MOST ? most : LINK_RETURN_MOST);
}

size_t link_counter_offset(uint32_t return_capacity)
{
    return sizeof(struct link_shared) + return_capacity * sizeof(uint32_t);
}

size_t link_delay_offset(const struct link_edge *edges, size_t count)
{
    uint32_t returned = link_return_capacity(edges, count);
    size_t offset = link_counter_offset(returned) + count * sizeof(struct link_edge_counters);
    return (offset + 127) / 128 * 128;
}

size_t link_ring_offset(const struct link_edge *edges, size_t count, size_t edge)
{
    size_t offset = link_delay_offset(edges, count) + count * sizeof(struct link_edge_delays);
    for (size_t i = 0; i < edge; i++)
        offset += 2 * ring_size(ring_capacity(edges[i].limit));
    return offset;
}

size_t link_size(const struct link_edge *edges, size_t count)
{
    if (count == 0 || count > LINK_EDGES_MOST)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (edges[i].limit == 0 || edges[i].limit > RING_CAPACITY_MOST || edges[i].policy > LINK_BACKPRESSURE)
            return 0;
    return link_ring_offset(edges, count, count);
}

int link_create(const struct link_edge *edges, size_t count, struct error *error)
{
    size_t size = link_size(edges, count);
    if (size == 0)
        return error_set(error, -EINVAL, "these are not the edges of a link");
    return segment_create("dora-link", size, error);
}

int link_map(int fd, const struct link_edge *edges, size_t count, int protection, struct link_shared **shared,
             size_t *size, struct error *error)
{
    *size = link_size(edges, count);
    if (*size == 0)
        return error_set(error, -EINVAL, "these are not the edges of a link");
    void *map;
    int rc = segment_map(fd, *size, protection, &map, error);
    if (rc == 0)
        *shared = map;
    return rc;
}

int link_view_open(struct link_view *view, int fd, const struct link_edge *edges, size_t count, struct error *error)
{
    *view = (struct link_view){0};
    struct link_shared *shared = NULL;
    autofree uint32_t *offsets = malloc(2 * count * sizeof *offsets);
    if (!offsets)
        return error_set(error, -ENOMEM, "no memory for a link's counters");
    int rc = link_map(fd, edges, count, PROT_READ, &shared, &view->size, error);
    if (rc < 0)
        return rc;
    view->shared = shared;
    view->count = count;
    view->counters = link_counter_offset(link_return_capacity(edges, count));
    view->delays = link_delay_offset(edges, count);
    for (size_t i = 0; i < count; i++) {
        offsets[2 * i] = (uint32_t)(link_ring_offset(edges, count, i) / 128);
        offsets[2 * i + 1] = offsets[2 * i] + (uint32_t)(ring_size(ring_capacity(edges[i].limit)) / 128);
    }
    view->offsets = take_ptr(offsets);
    return 0;
}

void link_view_close(struct link_view *view)
{
    if (view->shared)
        munmap((void *)view->shared, view->size);
    free(view->offsets);
    *view = (struct link_view){0};
}

struct link_counters link_view_read(const struct link_view *view, size_t edge)
{
    const char *base = (const char *)view->shared;
    const struct link_edge_counters *counters = (const void *)(base + view->counters);
    counters += edge;
    struct link_counters read = {
        /* relaxed: counters, each for itself. */
        .sent = atomic_load_explicit(&counters->sent, memory_order_relaxed),
        .dropped = atomic_load_explicit(&counters->dropped, memory_order_relaxed),
        .bytes = atomic_load_explicit(&counters->bytes, memory_order_relaxed),
    };
    for (int i = 0; i < 2; i++)
        read.queued += ring_watch((const void *)(base + view->offsets[2 * edge + (size_t)i] * 128ull));
    return read;
}

void link_view_delays(const struct link_view *view, size_t edge, uint64_t counts[LINK_DELAYS])
{
    const struct link_edge_delays *delays = (const void *)((const char *)view->shared + view->delays);
    for (size_t i = 0; i < LINK_DELAYS; i++)
        /* relaxed: counters, each for itself. */
        counts[i] += atomic_load_explicit(&delays[edge].counts[i], memory_order_relaxed);
}

int64_t link_delay_ns(size_t bucket)
{
    return bucket % 2 ? (int64_t)3 << bucket / 2 << 5 : (int64_t)2 << bucket / 2 << 5;
}

size_t link_delay_bucket(int64_t ns)
{
    if (ns < link_delay_ns(0))
        return 0;
    unsigned shift = 63 - (unsigned)__builtin_clzll((unsigned long long)ns); /* 2^shift <= ns */
    size_t bucket = 2 * (size_t)(shift - 6) + (ns >> (shift - 1) & 1) + 1;
    return bucket < LINK_DELAYS ? bucket : LINK_DELAYS - 1;
}
