/* How a link's segment is laid out; for the two ends only. */
#ifndef SHM_LINK_LAYOUT_H
#define SHM_LINK_LAYOUT_H

#include "shm/link.h"

enum { LINK_RETURN_MOST = 1 << 16 };

/* The head of a link's segment. Behind it: the return ring's slots, then for each edge a struct link_edge_counters,
 * then for each a struct link_edge_delays, then each edge's ordinary and protected ring, at multiples of 128 bytes. */
struct link_shared {
    _Alignas(128) _Atomic uint32_t tail; /* the subscriber: blocks returned */
    _Alignas(128) _Atomic uint32_t head; /* the publisher: blocks taken back */
    _Alignas(128) _Atomic uint32_t returned[];
};

/* Written by the publisher, for whoever watches. */
struct link_edge_counters {
    _Alignas(64) _Atomic uint64_t sent;
    _Atomic uint64_t dropped, bytes;
};

/* Written by the subscriber, for whoever watches: how many messages took how long, see link_delay_ns. */
struct link_edge_delays {
    _Alignas(128) _Atomic uint32_t counts[LINK_DELAYS];
};

/* Slots of the return ring: what can be queued, twice (data and meta), and some that are held. */
uint32_t link_return_capacity(const struct link_edge *edges, size_t count);
size_t link_counter_offset(uint32_t return_capacity);
size_t link_delay_offset(const struct link_edge *edges, size_t count);
/* Where the two rings of edge `edge` begin; for edge == count, the end. */
size_t link_ring_offset(const struct link_edge *edges, size_t count, size_t edge);

int link_map(int fd, const struct link_edge *edges, size_t count, int protection, struct link_shared **shared,
             size_t *size, struct error *error);

#endif
