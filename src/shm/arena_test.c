#include "shm/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "shm/arena.h"

enum { PAGE = 4096 };

static int set_up(void **state)
{
    struct arena *arena = malloc(sizeof *arena);
    *state = arena;
    return !arena || arena_open(arena, NULL) < 0;
}

static int tear_down(void **state)
{
    arena_close(*state);
    arena_close(*state); /* twice does no harm */
    free(*state);
    return 0;
}

static uint32_t allocate(struct arena *arena, size_t size)
{
    uint32_t block;
    assert_int_equal(arena_alloc(arena, size, &block, NULL), 0);
    return block;
}

static struct arena_view view_of(const struct arena *arena)
{
    struct arena_view view;
    assert_int_equal(arena_view_open(&view, fcntl(arena->fd, F_DUPFD_CLOEXEC, 0), NULL), 0);
    return view;
}

static void the_same_size_finds_the_same_block(void **state)
{
    struct arena *arena = *state;
    uint32_t first = allocate(arena, 1000);
    for (int i = 0; i < 3; i++) {
        arena_unref(arena, first);
        assert_int_equal(allocate(arena, 1000), first);
    }
    uint32_t second = allocate(arena, 1000);
    assert_int_not_equal(first, second);
    arena_unref(arena, first);
    arena_unref(arena, second);
    assert_int_equal(allocate(arena, 1000), second);
    assert_int_equal(allocate(arena, 1000), first);
}

static void a_block_is_free_when_nobody_refers_to_it(void **state)
{
    struct arena *arena = *state;
    uint32_t block = allocate(arena, 64);
    arena_ref(arena, block);
    arena_unref(arena, block);
    assert_int_not_equal(allocate(arena, 64), block);
    arena_unref(arena, block);
    assert_int_equal(allocate(arena, 64), block);
}

/* Every size near a power of two or a quarter of one: blocks are aligned, large enough, and don't overlap. */
static void blocks_hold_what_was_asked_for(void **state)
{
    struct arena *arena = *state;
    uint64_t end = 0;
    for (unsigned shift = 0; shift < 22; shift++)
        for (int quarter = 4; quarter < 8; quarter++)
            for (int by = -1; by <= 1; by++) {
                size_t size = ((size_t)1 << shift) * (size_t)quarter / 4 + (size_t)by;
                uint32_t block = allocate(arena, size);
                uint64_t offset = arena->blocks[block].offset;
                assert_int_equal(offset % (size >= PAGE ? PAGE : ARENA_ALIGN), 0);
                assert_true(offset >= end);
                assert_true(arena->used - offset >= size);
                assert_true(size < 64 || arena->used - offset <= size + size / 4 + 64);
                end = arena->used;
                if (size)
                    memset(arena_data(arena, block), (int)shift, size);
            }
    assert_true(arena->size >= arena->used);
}

static void a_free_block_is_better_than_new_memory_up_to_twice_the_size(void **state)
{
    struct arena *arena = *state;
    uint32_t block = allocate(arena, 8000);
    arena_unref(arena, block);
    assert_int_equal(allocate(arena, 5000), block);
    arena_unref(arena, block);
    assert_int_not_equal(allocate(arena, 2000), block);
}

static void a_flow_of_all_sizes_takes_a_bounded_amount(void **state)
{
    struct arena *arena = *state;
    uint64_t random = 1;
    uint32_t held[16] = {0};
    for (int i = 0; i < 100000; i++) {
        uint32_t *at = &held[i % 16];
        if (i >= 16)
            arena_unref(arena, *at);
        *at = allocate(arena, test_random(&random) % 100000);
    }
    assert_true(arena->block_count < 16 * 16);
    assert_true(arena->used < 16 * 400000);
}

static void only_its_owner_writes_it_and_nobody_cuts_it(void **state)
{
    struct arena *arena = *state;
    allocate(arena, 10000);
    off_t size = (off_t)arena->size;
    assert_int_equal(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, arena->fd, 0), MAP_FAILED);
    assert_int_equal(ftruncate(arena->fd, size - PAGE), -1);
    assert_int_equal(pwrite(arena->fd, "x", 1, 0), -1);
    assert_int_equal(fallocate(arena->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), -1);
    void *map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, arena->fd, 0);
    assert_int_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map, PAGE, PROT_READ | PROT_WRITE), -1);
    munmap(map, PAGE);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", arena->fd);
    autoclose int again = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0), MAP_FAILED);
}

static void a_subscriber_that_grows_the_file_does_no_harm(void **state)
{
    struct arena *arena = *state;
    allocate(arena, 100);
    assert_int_equal(ftruncate(arena->fd, 50 << 20), 0);
    uint32_t block = allocate(arena, 10 << 20);
    memset(arena_data(arena, block), 1, 10 << 20);
}

static void more_than_there_are_addresses_is_refused(void **state)
{
    struct arena *arena = *state;
    uint32_t kept = allocate(arena, 100), block = 77;
    struct arena before = *arena;
    struct error error = ERROR_INIT;
    assert_int_equal(arena_alloc(arena, SIZE_MAX, &block, &error), -ENOSPC);
    assert_true(strlen(error.message) > 0);
    assert_int_equal(arena_alloc(arena, arena->reserved + 1, &block, NULL), -ENOSPC);
    assert_int_equal(arena_alloc(arena, arena->reserved, &block, NULL), -ENOSPC);
    assert_int_equal(block, 77);
    assert_memory_equal(&before, arena, sizeof before);
    arena_unref(arena, kept);
    assert_int_equal(allocate(arena, 100), kept);
}

static void fill_to_the_limit(void *argument)
{
    struct arena *arena = argument;
    enum { LIMIT = 1 << 20, BLOCK = 1 << 16 };
    check(setrlimit(RLIMIT_FSIZE, &(struct rlimit){LIMIT, LIMIT}) == 0);
    uint32_t block, count = 0;
    int rc;
    while ((rc = arena_alloc(arena, BLOCK, &block, NULL)) == 0) {
        memset(arena_data(arena, block), 1, BLOCK);
        count++;
    }
    check(rc == -EFBIG);
    check(count == LIMIT / BLOCK);
    check(arena->block_count == count);
    struct arena before = *arena;
    check(arena_alloc(arena, BLOCK, &block, NULL) == -EFBIG);
    check(memcmp(&before, arena, sizeof before) == 0);
    arena_unref(arena, 3);
    check(arena_alloc(arena, BLOCK, &block, NULL) == 0 && block == 3);
}

static void a_full_arena_is_an_error_and_stays_usable(void **state)
{
    test_join(test_fork(fill_to_the_limit, *state));
}

static void a_view_reads_only_what_is_there(void **state)
{
    struct arena *arena = *state;
    uint32_t block = allocate(arena, 100);
    strcpy(arena_data(arena, block), "hello");
    struct arena_view view = view_of(arena);
    uint64_t offset = arena->blocks[block].offset, end = arena->size;
    assert_string_equal(arena_view_at(&view, offset, 100), "hello");
    assert_non_null(arena_view_at(&view, 0, end));
    assert_null(arena_view_at(&view, 0, end + 1));
    assert_non_null(arena_view_at(&view, end, 0));
    assert_null(arena_view_at(&view, end + 1, 0));
    assert_null(arena_view_at(&view, UINT64_MAX, 2));
    assert_null(arena_view_at(&view, 2, UINT64_MAX));
    assert_null(arena_view_at(&view, UINT64_MAX, 0));
    assert_null(arena_view_at(&view, view.mapped, 1));
    assert_null(arena_view_at(&view, view.mapped - 1, 1));
    /* It sees what grows later. */
    uint32_t large = allocate(arena, 8 << 20);
    assert_true(arena->size > end);
    assert_ptr_equal(arena_view_at(&view, arena->blocks[large].offset, 8 << 20),
                     view.base + arena->blocks[large].offset);
    arena_view_close(&view);
    arena_view_close(&view);
}

static void a_view_wants_ordinary_sealed_memory(void **state)
{
    (void)state;
    struct arena_view view;
    autoclose int open_end = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(arena_view_open(&view, open_end, NULL), -EINVAL);
    assert_int_equal(fcntl(open_end, F_ADD_SEALS, F_SEAL_GROW), 0);
    assert_int_equal(arena_view_open(&view, open_end, NULL), -EINVAL);
    autoclose int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(arena_view_open(&view, null, NULL), -EINVAL);
    assert_int_equal(arena_view_open(&view, -1, NULL), -EINVAL);
    autoclose int huge = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
    if (huge >= 0) {
        assert_int_equal(fcntl(huge, F_ADD_SEALS, F_SEAL_SHRINK), 0);
        assert_int_equal(arena_view_open(&view, huge, NULL), -EINVAL);
    }
}

static void a_view_outlives_its_arena(void **state)
{
    struct arena *arena = *state;
    uint32_t block = allocate(arena, 100);
    strcpy(arena_data(arena, block), "still here");
    struct arena_view view = view_of(arena);
    uint64_t offset = arena->blocks[block].offset;
    arena_close(arena);
    assert_string_equal(arena_view_at(&view, offset, 100), "still here");
    arena_view_close(&view);
}

static void what_a_view_keeps_its_owner_cannot_change(void **state)
{
    struct arena *arena = *state;
    uint32_t block[8];
    for (int i = 0; i < 8; i++) {
        block[i] = allocate(arena, 1000); /* four share a page, and one lies across its end */
        memset(arena_data(arena, block[i]), 'a' + i, 1000);
    }
    uint32_t large = allocate(arena, 100000);
    memset(arena_data(arena, large), 'L', 100000);
    struct arena_view view = view_of(arena);
    const char *seen[8];
    for (int i = 0; i < 8; i++)
        seen[i] = arena_view_at(&view, arena->blocks[block[i]].offset, 1000);
    const char *seen_large = arena_view_at(&view, arena->blocks[large].offset, 100000);
    for (int i = 1; i < 8; i += 2)
        assert_int_equal(arena_view_keep(&view, arena->blocks[block[i]].offset, 1000), 0);
    assert_int_equal(arena_view_keep(&view, arena->blocks[large].offset, 100000), 0);
    assert_int_equal(arena_view_keep(&view, arena->blocks[block[0]].offset, 0), 0);
    for (int i = 0; i < 8; i++)
        memset(arena_data(arena, block[i]), 'x', 1000);
    memset(arena_data(arena, large), 'x', 100000);
    for (int i = 1; i < 8; i += 2)
        for (int j = 0; j < 1000; j++)
            assert_int_equal(seen[i][j], 'a' + i);
    for (int j = 0; j < 100000; j++)
        assert_int_equal(seen_large[j], 'L');
    /* The rest of the arena is as it was: shared. */
    uint32_t later = allocate(arena, 10 << 20);
    strcpy(arena_data(arena, later), "later");
    assert_string_equal(arena_view_at(&view, arena->blocks[later].offset, 6), "later");
    arena_view_close(&view);
}

static void keeping_reaches_the_end_of_a_file_that_ends_anywhere(void **state)
{
    (void)state;
    autoclose int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    struct arena_view view;
    assert_int_equal(arena_view_open(&view, fd, NULL), 0);
    take_fd(&fd);
    const char *seen = arena_view_at(&view, 3, 7);
    assert_non_null(seen);
    assert_null(arena_view_at(&view, 3, 8));
    assert_int_equal(arena_view_keep(&view, 3, 7), 0);
    assert_int_equal(pwrite(view.fd, "xxxxxxxxxx", 10, 0), 10);
    assert_memory_equal(seen, "3456789", 7);
    arena_view_close(&view);
}

struct reading {
    const volatile unsigned char *bytes;
    size_t size;
    _Atomic bool stop;
    _Atomic uint64_t rounds;
};

static void *read_again_and_again(void *argument)
{
    struct reading *reading = argument;
    while (!atomic_load(&reading->stop)) {
        for (size_t i = 0; i < reading->size; i += 61)
            check(reading->bytes[i] == 'k');
        atomic_fetch_add(&reading->rounds, 1);
    }
    return NULL;
}

static void readers_run_while_a_view_keeps(void **state)
{
    struct arena *arena = *state;
    enum { SIZE = 300000 };
    uint32_t block = allocate(arena, SIZE);
    uint64_t offset = arena->blocks[block].offset;
    memset(arena_data(arena, block), 'k', SIZE);
    for (int i = 0; i < 20 * TEST_EFFORT; i++) {
        struct arena_view view = view_of(arena);
        struct reading reading = {.bytes = arena_view_at(&view, offset, SIZE), .size = SIZE};
        pthread_t reader;
        assert_int_equal(pthread_create(&reader, NULL, read_again_and_again, &reading), 0);
        uint64_t rounds = 0;
        for (int keep = 0; keep < 3; keep++) {
            while (atomic_load(&reading.rounds) < rounds)
                ;
            assert_int_equal(arena_view_keep(&view, offset, SIZE), 0);
            rounds = atomic_load(&reading.rounds) + 1;
        }
        atomic_store(&reading.stop, true);
        pthread_join(reader, NULL);
        arena_view_close(&view);
    }
}

#define in_an_arena(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_an_arena(the_same_size_finds_the_same_block),
        in_an_arena(a_block_is_free_when_nobody_refers_to_it),
        in_an_arena(blocks_hold_what_was_asked_for),
        in_an_arena(a_free_block_is_better_than_new_memory_up_to_twice_the_size),
        in_an_arena(a_flow_of_all_sizes_takes_a_bounded_amount),
        in_an_arena(only_its_owner_writes_it_and_nobody_cuts_it),
        in_an_arena(a_subscriber_that_grows_the_file_does_no_harm),
        in_an_arena(more_than_there_are_addresses_is_refused),
        in_an_arena(a_full_arena_is_an_error_and_stays_usable),
        in_an_arena(a_view_reads_only_what_is_there),
        in_an_arena(a_view_wants_ordinary_sealed_memory),
        in_an_arena(a_view_outlives_its_arena),
        in_an_arena(what_a_view_keeps_its_owner_cannot_change),
        in_an_arena(keeping_reaches_the_end_of_a_file_that_ends_anywhere),
        in_an_arena(readers_run_while_a_view_keeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
