/* A link whose other end writes nonsense. */
#include "shm/link_testing.h"

#include <pthread.h>
#include <stdbool.h>

/* ---- A subscriber's nonsense ---- */

static void give_back(struct ends *ends, uint32_t block)
{
    struct link_shared *shared = ends->tx.shared;
    shared->returned[shared->tail & (ends->tx.return_capacity - 1)] = block;
    shared->tail++;
}

static void blocks_nobody_has_are_not_taken_back(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 8, LINK_DROP_OLDEST);
    assert_int_equal(ends_send(&ends, 0, 100, 0), 0);
    assert_int_equal(ends_send(&ends, 0, 100, 0), 0);
    uint32_t own;
    assert_int_equal(arena_alloc(&ends.arena, 100, &own, NULL), 0);
    const uint32_t lies[] = {UINT32_MAX, UINT32_MAX - 1, 16, 1u << 31, own};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        give_back(&ends, lies[i]);
    assert_int_equal(link_tx_reclaim(&ends.tx, &ends.arena), 0);
    assert_int_equal(ends.arena.blocks[own].refs, 1);
    assert_int_equal(ends.arena.blocks[0].refs, 1);
    /* What it has, it can give back once, and the message in its queue is then its own affair. */
    for (int i = 0; i < 3; i++)
        give_back(&ends, 0);
    assert_int_equal(link_tx_reclaim(&ends.tx, &ends.arena), 0);
    assert_int_equal(ends.arena.blocks[0].refs, 0);
    assert_int_equal(ends.arena.blocks[1].refs, 1);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ends_send(&ends, 0, 100, 0), 0);
    arena_unref(&ends.arena, own);
    ends_close(&ends);
}

static void a_return_ring_holds_no_more_than_its_slots(void **state)
{
    (void)state;
    const uint32_t lies[] = {UINT32_MAX, 1u << 31, 129};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct ends ends;
        ends_open_one(&ends, 8, LINK_DROP_OLDEST);
        assert_int_equal(ends.tx.return_capacity, 128);
        assert_int_equal(ends_send(&ends, 0, 100, 0), 0);
        ends.tx.shared->tail = lies[i];
        assert_int_equal(link_tx_reclaim(&ends.tx, &ends.arena), -EBADMSG);
        ends.tx.shared->tail = 128;
        assert_int_equal(link_tx_reclaim(&ends.tx, &ends.arena), 0);
        ends_close(&ends);
    }
}

static struct ring_shared *ring_of(struct ends *ends, bool is_protected)
{
    struct link_tx_edge *edge = &ends->tx.edges[0];
    return (is_protected ? &edge->protect : &edge->ordinary)->shared;
}

static void a_head_it_cannot_have_ends_the_link(void **state)
{
    (void)state;
    for (int which = 0; which < 4; which++) {
        struct ends ends;
        ends_open_one(&ends, 8, which & 1 ? LINK_BACKPRESSURE : LINK_DROP_OLDEST);
        for (int i = 0; i < 8; i++)
            assert_int_equal(ends_send(&ends, 0, 100, which & 2 ? SEND_PROTECTED : 0), 0);
        ring_of(&ends, which & 2)->head = 9;
        assert_int_equal(ends_send(&ends, 0, 100, which & 2 ? SEND_PROTECTED : 0), -EBADMSG);
        if (!(which & 2))
            assert_int_equal(ends_send(&ends, 0, 100, SEND_FLUSH), -EBADMSG);
        ends_close(&ends);
    }
}

/* ---- A publisher's nonsense ---- */

static void blocks_beyond_the_arena_are_no_message(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 8, LINK_DROP_OLDEST);
    assert_int_equal(ends_send(&ends, 0, 100, 0), 0);
    assert_int_equal(take_and_release(ends.rx, 0), 1);
    const uint64_t size = ends.arena.size;
    const struct message_block lies[] = {
        {size, 1, 0},
        {0, size + 1, 0},
        {UINT64_MAX, 2, 0},
        {64, UINT64_MAX, 0},
        {UINT64_MAX, UINT64_MAX, 0},
        {ends.arena.reserved, 1, 0},
        {8, 8, 0}, /* not aligned */
    };
    const struct message_block good = {0, size, 5};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++)
        for (int which = 1; which < 4; which++) {
            struct message message;
            message_pack(&message, 2, 0, 'C', 0, (struct message_part){.block = which & 1 ? &lies[i] : &good},
                         (struct message_part){.block = which & 2 ? &lies[i] : &good});
            assert_int_equal(
                link_tx_send(&ends.tx, 0,
                             &(struct link_message){.message = &message, .blocks = {ARENA_NONE, ARENA_NONE}},
                             &ends.arena),
                0);
            struct taken taken;
            assert_int_equal(link_rx_take(ends.rx, 0, &taken.message, &taken.data, &taken.meta), -EBADMSG);
            assert_null(taken.data.link);
            assert_null(taken.meta.link);
            assert_int_equal(link_rx_take(ends.rx, 0, &taken.message, &taken.data, &taken.meta), 0);
        }
    assert_int_equal(ends.rx->refs, 1);
    ends_close(&ends);
}

static void a_publisher_that_takes_nothing_back_costs_a_bounded_amount(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 8, LINK_DROP_OLDEST);
    struct message_block block = {0, 64, 0};
    assert_int_equal(ends_send(&ends, 0, 64, 0), 0);
    for (int i = 0; i < 1200000; i++) {
        struct message message;
        message_pack(&message, 2, 0, 'C', 0, (struct message_part){.block = &block}, (struct message_part){0});
        struct link_message what = {.message = &message, .blocks = {ARENA_NONE, ARENA_NONE}};
        check(link_tx_send(&ends.tx, 0, &what, &ends.arena) == 0);
        struct taken taken;
        check(link_rx_take(ends.rx, 0, &taken.message, &taken.data, &taken.meta) == 1);
        release(&taken);
    }
    assert_true(ends.rx->overflow_cap <= 1 << 20);
    ends_close(&ends);
}

static void what_it_says_is_queued_is_no_more_than_fits(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 5, LINK_DROP_OLDEST);
    ring_of(&ends, false)->tail = INT64_MAX;
    ring_of(&ends, true)->tail = INT64_MAX;
    assert_int_equal(link_rx_queued(ends.rx, 0), 5);
    assert_int_equal(take_and_release(ends.rx, 0), 0);
    ends_close(&ends);
}

/* ---- Somebody who writes all the time ---- */

struct scribbler {
    _Atomic uint64_t *words;
    size_t count;
    _Atomic bool stop;
};

/* Everywhere, but above all where the rings' heads and the first stamps are; upwards, so that it seems to go on. */
static void *scribble(void *argument)
{
    struct scribbler *scribbler = argument;
    uint64_t random = 99;
    while (!atomic_load(&scribbler->stop)) {
        uint64_t dice = test_random(&random);
        _Atomic uint64_t *word = &scribbler->words[dice / 16 % scribbler->count];
        if (dice % 16)
            atomic_fetch_add(word, dice >> 32 & 3);
        else
            atomic_store(word, test_random(&random) >> dice % 64);
    }
    return NULL;
}

static void both_ends_come_back_whatever_is_written_meanwhile(void **state)
{
    (void)state;
    for (int round = 0; round < 4 * TEST_EFFORT; round++) {
        struct ends ends;
        ends_open_one(&ends, 8, round % 2 ? LINK_DROP_OLDEST : LINK_BACKPRESSURE);
        struct scribbler scribbler = {.words = (void *)ends.tx.shared, .count = ends.tx.size / 8};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, scribble, &scribbler), 0);
        for (int i = 0; i < 5000; i++) {
            struct message message;
            struct message_block block;
            int rc = link_tx_reclaim(&ends.tx, &ends.arena);
            assert_true(rc == 0 || rc == -EBADMSG);
            assert_int_equal(arena_alloc(&ends.arena, 64, &block.block, NULL), 0);
            block.offset = ends.arena.blocks[block.block].offset;
            block.size = 64;
            message_pack(&message, (uint64_t)i, 0, 'C', 0, (struct message_part){.block = &block},
                         (struct message_part){0});
            rc = link_tx_send(&ends.tx, 0,
                              &(struct link_message){.message = &message,
                                                     .blocks = {block.block, ARENA_NONE},
                                                     .is_protected = i % 3 == 0,
                                                     .flush = i % 7 == 0},
                              &ends.arena);
            assert_true(rc == 0 || rc == -EAGAIN || rc == -EBADMSG);
            arena_unref(&ends.arena, block.block);
            struct taken taken;
            rc = link_rx_take(ends.rx, 0, &taken.message, &taken.data, &taken.meta);
            assert_true(rc == 0 || rc == 1 || rc == -EBADMSG);
            release(&taken);
        }
        atomic_store(&scribbler.stop, true);
        pthread_join(thread, NULL);
        ends_close(&ends);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_nobody_has_are_not_taken_back),
        cmocka_unit_test(a_return_ring_holds_no_more_than_its_slots),
        cmocka_unit_test(a_head_it_cannot_have_ends_the_link),
        cmocka_unit_test(blocks_beyond_the_arena_are_no_message),
        cmocka_unit_test(a_publisher_that_takes_nothing_back_costs_a_bounded_amount),
        cmocka_unit_test(what_it_says_is_queued_is_no_more_than_fits),
        cmocka_unit_test(both_ends_come_back_whatever_is_written_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
