#include "shm/testing.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "shm/ring.h"

static const struct ring_blocks NO_BLOCKS = {UINT32_MAX, UINT32_MAX};

struct pipe {
    uint32_t capacity;
    struct ring_shared *shared;
    struct ring_tx tx;
    struct ring_rx rx;
};

static struct pipe pipe_open(uint32_t capacity)
{
    struct pipe pipe = {.capacity = capacity};
    pipe.shared = mmap(NULL, ring_size(capacity), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(pipe.shared, MAP_FAILED);
    assert_int_equal(ring_tx_open(&pipe.tx, pipe.shared, capacity), 0);
    ring_rx_open(&pipe.rx, pipe.shared, capacity);
    return pipe;
}

static void pipe_close(struct pipe *pipe)
{
    ring_tx_close(&pipe->tx);
    ring_tx_close(&pipe->tx);
    munmap(pipe->shared, ring_size(pipe->capacity));
}

/* A message whose every word tells its sequence number; the length differs too. */
static struct message message_of(uint64_t sequence)
{
    struct message message;
    uint64_t words[MESSAGE_WORDS];
    for (size_t i = 0; i < MESSAGE_WORDS; i++)
        words[i] = sequence * MESSAGE_WORDS + i;
    size_t len = sequence % (MESSAGE_INLINE / 8 + 1) * 8;
    message_pack(&message, sequence, ~sequence, 'm', 0, (struct message_part){.bytes = words, .len = len},
                 (struct message_part){0});
    return message;
}

static bool is_message_of(const struct message *message, uint64_t sequence)
{
    struct message expected = message_of(sequence);
    return memcmp(message->words + 1, expected.words + 1, (message_length(expected.words[3]) - 1) * 8) == 0;
}

static int push(struct ring_tx *tx, uint64_t sequence)
{
    struct message message = message_of(sequence);
    return ring_push(tx, &message, NO_BLOCKS);
}

static void assert_taken(struct ring_rx *rx, uint64_t sequence)
{
    struct message message;
    assert_true(ring_ready(rx));
    uint64_t peeked;
    assert_int_equal(ring_peek(rx, &peeked), 0);
    assert_int_equal(peeked, sequence);
    assert_int_equal(ring_take(rx, &message), 1);
    assert_true(is_message_of(&message, sequence));
}

static void capacities_are_powers_of_two(void **state)
{
    (void)state;
    assert_int_equal(ring_capacity(0), 8);
    assert_int_equal(ring_capacity(1), 8);
    assert_int_equal(ring_capacity(8), 8);
    assert_int_equal(ring_capacity(9), 16);
    assert_int_equal(ring_capacity(1000), 1024);
    assert_int_equal(ring_capacity(RING_CAPACITY_MOST), RING_CAPACITY_MOST);
    assert_int_equal(ring_capacity(UINT64_MAX), RING_CAPACITY_MOST);
    assert_int_equal(ring_size(8), sizeof(struct ring_shared) + 8 * 128);
}

static void messages_come_in_order_round_and_round(void **state)
{
    (void)state;
    struct pipe pipe = pipe_open(8);
    struct message message;
    uint64_t sent = 0, taken = 0, random = 5;
    assert_false(ring_ready(&pipe.rx));
    assert_int_equal(ring_take(&pipe.rx, &message), 0);
    for (int round = 0; round < 1000; round++) {
        for (uint64_t n = test_random(&random) % 9; n && sent - taken < 8; n--)
            assert_int_equal(push(&pipe.tx, sent++), 0);
        assert_int_equal(ring_watch(pipe.shared), sent - taken);
        for (uint64_t n = test_random(&random) % 9; n && taken < sent; n--)
            assert_taken(&pipe.rx, taken++);
        assert_int_equal(ring_ready(&pipe.rx), taken < sent);
        assert_int_equal(ring_refresh(&pipe.tx), 0);
        assert_int_equal(ring_queued(&pipe.tx), sent - taken);
    }
    pipe_close(&pipe);
}

static void the_oldest_is_dropped_with_its_blocks(void **state)
{
    (void)state;
    struct pipe pipe = pipe_open(8);
    struct ring_blocks blocks;
    assert_int_equal(ring_drop(&pipe.tx, &blocks), 0);
    assert_int_equal(push(&pipe.tx, 0), 0);
    for (uint32_t i = 1; i < 8; i++) {
        struct message message = message_of(i);
        assert_int_equal(ring_push(&pipe.tx, &message, (struct ring_blocks){i, 100 + i}), 0);
    }
    assert_int_equal(ring_drop(&pipe.tx, &blocks), 1);
    assert_int_equal(blocks.data, UINT32_MAX); /* sent before there were any blocks */
    assert_int_equal(blocks.meta, UINT32_MAX);
    assert_int_equal(ring_drop(&pipe.tx, &blocks), 1);
    assert_int_equal(blocks.data, 1);
    assert_int_equal(blocks.meta, 101);
    struct message message;
    assert_int_equal(ring_take(&pipe.rx, &message), -EAGAIN); /* it learns of the drops */
    assert_taken(&pipe.rx, 2);
    assert_int_equal(ring_drop(&pipe.tx, &blocks), 1);
    assert_int_equal(blocks.data, 3);
    assert_int_equal(push(&pipe.tx, 8), 0);
    assert_int_equal(ring_drop(&pipe.tx, &blocks), 1);
    uint64_t sequence;
    assert_int_equal(ring_peek(&pipe.rx, &sequence), -EAGAIN);
    for (uint64_t i = 5; i < 9; i++)
        assert_taken(&pipe.rx, i);
    assert_int_equal(ring_drop(&pipe.tx, &blocks), 0);
    assert_int_equal(ring_queued(&pipe.tx), 0);
    pipe_close(&pipe);
}

static void a_slot_used_again_is_no_message_of_before(void **state)
{
    (void)state;
    struct pipe pipe = pipe_open(8);
    struct ring_blocks blocks;
    for (uint64_t i = 0; i < 100; i++) {
        if (i >= 8)
            assert_int_equal(ring_drop(&pipe.tx, &blocks), 1);
        assert_int_equal(push(&pipe.tx, i), 0);
    }
    struct message message;
    assert_int_equal(ring_take(&pipe.rx, &message), -EAGAIN);
    for (uint64_t i = 92; i < 100; i++)
        assert_taken(&pipe.rx, i);
    assert_false(ring_ready(&pipe.rx));
    pipe_close(&pipe);
}

static void a_publisher_believes_no_head_it_cannot_have(void **state)
{
    (void)state;
    const uint64_t lies[] = {0, 4, 11, 1000, UINT64_MAX, 1ull << 63};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct pipe pipe = pipe_open(8);
        struct ring_blocks blocks;
        for (uint64_t sequence = 0; sequence < 10; sequence++) {
            assert_int_equal(push(&pipe.tx, sequence), 0);
            if (sequence < 5)
                assert_taken(&pipe.rx, sequence);
        }
        assert_int_equal(ring_refresh(&pipe.tx), 0);
        pipe.shared->head = lies[i];
        assert_int_equal(ring_refresh(&pipe.tx), -EBADMSG);
        assert_int_equal(ring_drop(&pipe.tx, &blocks), -EBADMSG);
        assert_int_equal(ring_queued(&pipe.tx), 5);
        /* What it could have taken is believed. */
        pipe.shared->head = 8;
        assert_int_equal(ring_drop(&pipe.tx, &blocks), 1);
        assert_int_equal(ring_queued(&pipe.tx), 1);
        pipe_close(&pipe);
    }
}

static void a_subscriber_gets_past_any_nonsense(void **state)
{
    (void)state;
    const uint64_t lies[] = {97ull << 32, 0xffffull << 16, UINT64_MAX & ~(3ull << 8),
                             73ull << 32 | (uint64_t)MESSAGE_META_BLOCK << 8};
    struct pipe pipe = pipe_open(8);
    struct message message;
    for (uint64_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        assert_int_equal(push(&pipe.tx, 2 * i), 0);
        assert_int_equal(push(&pipe.tx, 2 * i + 1), 0);
        pipe.shared->slots[2 * i & 7].words[3] = lies[i];
        assert_int_equal(ring_take(&pipe.rx, &message), -EBADMSG);
        assert_taken(&pipe.rx, 2 * i + 1);
    }
    /* The head backwards: reported once, and it goes on from there. */
    assert_int_equal(push(&pipe.tx, 8), 0);
    pipe.shared->head = 3;
    assert_int_equal(ring_take(&pipe.rx, &message), -EBADMSG);
    int more = 0;
    while (ring_ready(&pipe.rx) && more++ < 100)
        (void)ring_take(&pipe.rx, &message);
    assert_true(more < 100);
    /* Forwards: a drop, as far as the subscriber can know. Stamps that promise messages where there are none. */
    for (int i = 0; i < 8; i++)
        pipe.shared->slots[i].words[0] = INT64_MAX;
    pipe.shared->head = 1000000;
    assert_int_equal(ring_take(&pipe.rx, &message), -EAGAIN);
    for (int i = 0; i < 100; i++)
        assert_true(ring_take(&pipe.rx, &message) != 0);
    pipe_close(&pipe);
}

static void what_is_watched_is_never_negative(void **state)
{
    (void)state;
    struct pipe pipe = pipe_open(8);
    pipe.shared->head = 5;
    assert_int_equal(ring_watch(pipe.shared), 0);
    pipe.shared->tail = 7;
    assert_int_equal(ring_watch(pipe.shared), 2);
    pipe_close(&pipe);
}

/* ---- Publisher and subscriber at once ---- */

struct race {
    struct pipe pipe;
    uint64_t count;
    _Atomic uint64_t taken, last; /* filled by the subscriber; shared where it is a process */
};

/* Takes until message count - 1, which is never dropped: strictly rising, every one whole. */
static void *subscribe(void *argument)
{
    struct race *race = argument;
    struct message message;
    uint64_t next = 0, taken = 0;
    while (next < race->count) {
        int rc = ring_take(&race->pipe.rx, &message);
        check(rc == 1 || rc == 0 || rc == -EAGAIN);
        if (rc != 1) {
            sched_yield();
            continue;
        }
        check(message.words[1] >= next);
        check(is_message_of(&message, message.words[1]));
        next = message.words[1] + 1;
        taken++;
        ring_wake(&race->pipe.rx);
    }
    atomic_store(&race->taken, taken);
    return NULL;
}

/* Sends all, dropping the oldest where the ring is full. Returns how many it dropped. */
static uint64_t publish_with_drops(struct race *race)
{
    struct ring_tx *tx = &race->pipe.tx;
    uint64_t dropped = 0, random = 9;
    for (uint64_t i = 0; i < race->count; i++) {
        while (ring_queued(tx) >= race->pipe.capacity) {
            struct ring_blocks blocks;
            int rc = ring_drop(tx, &blocks);
            check(rc >= 0);
            check(rc == 0 || blocks.data == (tx->head - 1) % 1000);
            dropped += (uint64_t)rc;
        }
        struct message message = message_of(i);
        check(ring_push(tx, &message, (struct ring_blocks){(uint32_t)(i % 1000), UINT32_MAX}) == 0);
        if (test_random(&random) % 64 == 0)
            sched_yield();
    }
    return dropped;
}

static void each_message_is_taken_or_dropped_once(void **state)
{
    (void)state;
    struct race race = {.pipe = pipe_open(8), .count = 100000 * TEST_EFFORT};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, subscribe, &race), 0);
    uint64_t dropped = publish_with_drops(&race);
    pthread_join(thread, NULL);
    assert_int_equal(race.taken + dropped, race.count);
    assert_int_equal(race.pipe.shared->head, race.count);
    pipe_close(&race.pipe);
}

static void subscribe_process(void *argument)
{
    subscribe(argument);
}

static void the_same_between_processes(void **state)
{
    (void)state;
    struct race *race = mmap(NULL, sizeof *race, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(race, MAP_FAILED);
    race->pipe = pipe_open(16);
    race->count = 100000 * TEST_EFFORT;
    pid_t child = test_fork(subscribe_process, race);
    uint64_t dropped = publish_with_drops(race);
    test_join(child);
    assert_int_equal(race->taken + dropped, race->count);
    pipe_close(&race->pipe);
    munmap(race, sizeof *race);
}

/* The publisher sleeps when the ring is full. It gives up only on a wake-up that never comes. */
static void no_waiting_publisher_is_forgotten(void **state)
{
    (void)state;
    struct race race = {.pipe = pipe_open(8), .count = 50000 * TEST_EFFORT};
    struct ring_tx *tx = &race.pipe.tx;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, subscribe, &race), 0);
    for (uint64_t i = 0; i < race.count; i++) {
        while (ring_queued(tx) >= 8) {
            ring_announce(tx);
            if (ring_watch(tx->shared) >= 8) {
                int64_t start = clock_now();
                ring_sleep(tx, start + TEST_PATIENCE);
                assert_true(clock_now() - start < TEST_PATIENCE);
            }
            assert_int_equal(ring_refresh(tx), 0);
        }
        assert_int_equal(push(tx, i), 0);
    }
    pthread_join(thread, NULL);
    assert_int_equal(race.taken, race.count);
    pipe_close(&race.pipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capacities_are_powers_of_two),
        cmocka_unit_test(messages_come_in_order_round_and_round),
        cmocka_unit_test(the_oldest_is_dropped_with_its_blocks),
        cmocka_unit_test(a_slot_used_again_is_no_message_of_before),
        cmocka_unit_test(a_publisher_believes_no_head_it_cannot_have),
        cmocka_unit_test(a_subscriber_gets_past_any_nonsense),
        cmocka_unit_test(what_is_watched_is_never_negative),
        cmocka_unit_test(each_message_is_taken_or_dropped_once),
        cmocka_unit_test(the_same_between_processes),
        cmocka_unit_test(no_waiting_publisher_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
