/* The arena: the memory a publisher's payloads live in.
 *
 * A memfd, reserved once as a large sparse range of addresses and grown inside it, so that neither a pointer nor a
 * descriptor ever changes. Once its owner has mapped it, it is sealed: nobody else can map it writable, and it can't
 * shrink. Subscribers map it read-only (struct arena_view) and find a block by its offset.
 *
 * All bookkeeping is the owner's private memory: sizes, free lists, reference counts. A block is free when its count
 * falls to zero, and the block freed last is used first, because it is the one still in cache.
 *
 * Memory is taken by fallocate before a block is handed out: when there is none left that is -ENOSPC here, and never a
 * SIGBUS in a reader. Space is not given back before the arena ends (a sealed memfd can't be punched).
 *
 * Threads: one at a time for each arena and each view; arena_view_at may run in many.
 */
#ifndef SHM_ARENA_H
#define SHM_ARENA_H

#include <stddef.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"

#define ARENA_NONE UINT32_MAX /* no block */

enum { ARENA_ALIGN = 64, ARENA_CLASSES = 4 * 40 };

struct arena_block {
    uint64_t offset;
    uint32_t refs; /* 0: in its free list */
    uint32_t next_free;
    uint8_t class;
};

struct arena {
    int fd; /* -1 when closed */
    unsigned char *base;
    uint64_t reserved, size, used; /* bytes: of addresses, of memory, handed out at least once */
    struct arena_block *blocks;
    uint32_t block_count, block_cap;
    uint32_t free[ARENA_CLASSES]; /* the head of each size class's free list */
};

/* An arena that can be closed, opened nowhere. */
void arena_init(struct arena *arena);

/* Makes an arena; it takes no memory before the first block. */
int arena_open(struct arena *arena, struct error *error);
void arena_close(struct arena *arena);

/* Finds or makes a block of at least `size` bytes, 64-byte aligned, content undefined, count 1. -ENOSPC: no memory left
 * (or -EFBIG, the process's file size limit); the arena is as before. Thrice the same size finds the same block. */
int arena_alloc(struct arena *arena, size_t size, uint32_t *block, struct error *error);

void arena_ref(struct arena *arena, uint32_t block);
void arena_unref(struct arena *arena, uint32_t block);

static inline void *arena_data(const struct arena *arena, uint32_t block)
{
    return arena->base + arena->blocks[block].offset;
}

/* A subscriber's read-only view of another process's arena. */
struct arena_view {
    int fd; /* -1 when closed */
    const unsigned char *base;
    uint64_t mapped;
    _Atomic uint64_t size; /* known to be there; only grows */
};

/* Takes over `fd` when it succeeds. -EINVAL unless it is sealed so that it can't shrink. */
int arena_view_open(struct arena_view *view, int fd, struct error *error);
void arena_view_close(struct arena_view *view);

/* Where `size` bytes at `offset` can be read, or NULL when the arena doesn't have them. */
const void *arena_view_at(struct arena_view *view, uint64_t offset, uint64_t size);

/* Replaces the pages with these bytes (checked by arena_view_at) by a private copy at the same address, so that they
 * stay as they are whatever the owner does from now on. Readers may run meanwhile. -ENOMEM. */
int arena_view_keep(struct arena_view *view, uint64_t offset, uint64_t size);

#endif
