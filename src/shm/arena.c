#include "shm/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/cleanup.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

enum { SMALLEST_SHIFT = 6, PAGE = 4096, GROW_ROUND = 64 << 10 };

/* Addresses to reserve: far more than memory, so that growth never moves anything. ThreadSanitizer has less room. */
#if defined __SANITIZE_THREAD__
static const uint64_t RESERVE_MOST = 8ull << 30;
#else
static const uint64_t RESERVE_MOST = sizeof(void *) == 8 ? 256ull << 30 : 512ull << 20;
#endif
static const uint64_t RESERVE_LEAST = 16ull << 20;

/* Four size classes a doubling, from 64 bytes: at most a fifth of a block is unused. */
static unsigned class_of(uint64_t size)
{
    if (size <= 1 << SMALLEST_SHIFT)
        return 0;
    unsigned shift = 63 - (unsigned)__builtin_clzll(size - 1); /* 2^shift < size <= 2^(shift+1) */
    unsigned quarter = (unsigned)((size - 1) >> (shift - 2)) & 3;
    return (shift - SMALLEST_SHIFT) * 4 + quarter + 1;
}

static uint64_t class_size(unsigned class)
{
    if (class == 0)
        return 1 << SMALLEST_SHIFT;
    unsigned shift = (class - 1) / 4 + SMALLEST_SHIFT, quarter = (class - 1) % 4;
    return (1ull << shift) + (uint64_t)(quarter + 1) * (1ull << (shift - 2));
}

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

void arena_init(struct arena *arena)
{
    *arena = (struct arena){.fd = -1};
    for (size_t i = 0; i < ARENA_CLASSES; i++)
        arena->free[i] = ARENA_NONE;
}

/* Maps as much of the file as there are addresses for, beyond its end too. */
static void *reserve(int fd, int protection, uint64_t *reserved)
{
    for (uint64_t size = RESERVE_MOST; size >= RESERVE_LEAST; size /= 2) {
        void *map = mmap(NULL, size, protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
        if (map != MAP_FAILED) {
            /* Without it a core dump would walk through all of the addresses, of every arena. */
            (void)madvise(map, size, MADV_DONTDUMP);
            *reserved = size;
            return map;
        }
    }
    return NULL;
}

int arena_open(struct arena *arena, struct error *error)
{
    arena_init(arena);
    autoclose int fd = memfd_create("dora-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return error_sys(error, -errno, "make an arena");
    uint64_t reserved;
    void *base = reserve(fd, PROT_READ | PROT_WRITE, &reserved);
    if (!base)
        return error_sys(error, -errno, "reserve addresses for an arena");
    /* After our own writable map: from here on the kernel refuses every other. */
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL) < 0) {
        int rc = error_sys(error, -errno, "seal an arena (Linux 5.1 or newer is needed)");
        munmap(base, reserved);
        return rc;
    }
    arena->base = base;
    arena->reserved = reserved;
    arena->fd = take_fd(&fd);
    return 0;
}

void arena_close(struct arena *arena)
{
    if (arena->base)
        munmap(arena->base, arena->reserved);
    if (arena->fd >= 0)
        close(arena->fd);
    free(arena->blocks);
    arena_init(arena);
}

static int grow(struct arena *arena, uint64_t need, struct error *error)
{
    uint64_t ahead = arena->size / 4 < 4u << 20 ? arena->size / 4 : 4u << 20;
    uint64_t size = round_up(need > arena->size + ahead ? need : arena->size + ahead, GROW_ROUND);
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0)
        limit.rlim_cur = RLIM_INFINITY;
    if (size > arena->reserved || size > limit.rlim_cur)
        size = need;
    if (size > arena->reserved)
        return error_set(error, -ENOSPC, "the arena has no addresses left beyond %llu bytes",
                         (unsigned long long)arena->reserved);
    /* Over the limit the kernel would send SIGXFSZ, which a library must not provoke. */
    if (size > limit.rlim_cur)
        return error_set(error, -EFBIG, "the arena can't grow to %llu bytes: the process's file size limit is %llu",
                         (unsigned long long)size, (unsigned long long)limit.rlim_cur);
    int rc;
    do
        rc = fallocate(arena->fd, 0, (off_t)arena->size, (off_t)(size - arena->size));
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return error_sys(error, errno == ENOMEM ? -ENOSPC : -errno, "no memory for %llu more bytes in the arena",
                         (unsigned long long)(size - arena->size));
    /* One call maps the new pages, instead of a fault for each; where the kernel can't (before 5.14), faults will do.
     */
    (void)madvise(arena->base + arena->size, size - arena->size, MADV_POPULATE_WRITE);
    arena->size = size;
    return 0;
}

static int add_block(struct arena *arena, uint64_t offset, unsigned class, uint32_t *block)
{
    if (arena->block_count == arena->block_cap) {
        uint32_t cap = arena->block_cap ? 2 * arena->block_cap : 16;
        struct arena_block *blocks = realloc(arena->blocks, cap * sizeof *blocks);
        if (!blocks)
            return -ENOMEM;
        arena->blocks = blocks;
        arena->block_cap = cap;
    }
    *block = arena->block_count++;
    arena->blocks[*block] = (struct arena_block){.offset = offset, .refs = 1, .class = (uint8_t) class};
    return 0;
}

int arena_alloc(struct arena *arena, size_t size, uint32_t *block, struct error *error)
{
    if (size > arena->reserved)
        return error_set(error, -ENOSPC, "%zu bytes are more than an arena can hold (%llu)", size,
                         (unsigned long long)arena->reserved);
    unsigned class = class_of(size);
    /* A free block up to twice as large is better than new memory. */
    for (unsigned c = class; c < class + 4 && c < ARENA_CLASSES; c++) {
        uint32_t found = arena->free[c];
        if (found == ARENA_NONE)
            continue;
        arena->free[c] = arena->blocks[found].next_free;
        arena->blocks[found].refs = 1;
        *block = found;
        return 0;
    }
    uint64_t offset = round_up(arena->used, size >= PAGE ? PAGE : ARENA_ALIGN);
    uint64_t end = offset + class_size(class);
    if (end > arena->size) {
        int rc = grow(arena, end, error);
        if (rc < 0)
            return rc;
    }
    if (add_block(arena, offset, class, block) < 0)
        return error_set(error, -ENOMEM, "no memory for the arena's block list");
    arena->used = end;
    return 0;
}

void arena_ref(struct arena *arena, uint32_t block)
{
    arena->blocks[block].refs++;
}

void arena_unref(struct arena *arena, uint32_t block)
{
    struct arena_block *b = &arena->blocks[block];
    if (--b->refs)
        return;
    b->next_free = arena->free[b->class];
    arena->free[b->class] = block;
}

int arena_view_open(struct arena_view *view, int fd, struct error *error)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || !(seals & F_SEAL_SHRINK))
        return error_set(error, -EINVAL, "this is no sealed arena");
    /* Huge pages have seals too, but a read of one that isn't there yet can end in SIGBUS. */
    struct statfs system;
    if (fstatfs(fd, &system) < 0)
        return error_sys(error, -errno, "look at an arena");
    if (system.f_type != TMPFS_MAGIC)
        return error_set(error, -EINVAL, "this is no arena: it isn't made of ordinary memory");
    uint64_t mapped;
    void *base = reserve(fd, PROT_READ, &mapped);
    if (!base)
        return error_sys(error, -errno, "map an arena");
    view->fd = fd;
    view->base = base;
    view->mapped = mapped;
    view->size = 0;
    return 0;
}

void arena_view_close(struct arena_view *view)
{
    if (view->fd < 0)
        return;
    munmap((void *)view->base, view->mapped);
    close(view->fd);
    view->fd = -1;
    view->base = NULL;
}

const void *arena_view_at(struct arena_view *view, uint64_t offset, uint64_t size)
{
    uint64_t end;
    if (__builtin_add_overflow(offset, size, &end) || end > view->mapped)
        return NULL;
    /* relaxed: a size once seen stays true, because the file can't shrink. */
    if (end > atomic_load_explicit(&view->size, memory_order_relaxed)) {
        struct stat status;
        if (fstat(view->fd, &status) < 0 || end > (uint64_t)status.st_size)
            return NULL;
        atomic_store_explicit(&view->size, (uint64_t)status.st_size, memory_order_relaxed);
    }
    return view->base + offset;
}

int arena_view_keep(struct arena_view *view, uint64_t offset, uint64_t size)
{
    if (size == 0)
        return 0;
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t start = offset / page * page, end = round_up(offset + size, page);
    void *copy = mmap(NULL, end - start, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return -errno;
    /* Where the file ends within the last page, the rest of that page reads as zeros. */
    memcpy(copy, view->base + start, end - start);
    /* One call puts the copy in place: a reader sees the old page or the new one, and they are alike. */
    if (mprotect(copy, end - start, PROT_READ) < 0 ||
        mremap(copy, end - start, end - start, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)(view->base + start)) ==
            MAP_FAILED) {
        int rc = -errno;
        munmap(copy, end - start);
        return rc;
    }
    return 0;
}
