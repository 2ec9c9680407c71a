#include "shm/link_testing.h"

#include <pthread.h>

#include "shm/segment.h"

/* ---- The layout ---- */

static void absurd_edges_make_no_link(void **state)
{
    (void)state;
    static struct link_edge many[LINK_EDGES_MOST + 1];
    for (size_t i = 0; i <= LINK_EDGES_MOST; i++)
        many[i].limit = 1;
    struct link_edge edge = {.limit = 1};
    assert_int_equal(link_size(&edge, 0), 0);
    assert_int_equal(link_size(many, LINK_EDGES_MOST + 1), 0);
    assert_int_equal(link_size(many, SIZE_MAX), 0);
    assert_true(link_size(many, LINK_EDGES_MOST) > 0);
    edge.limit = 0;
    assert_int_equal(link_size(&edge, 1), 0);
    edge.limit = RING_CAPACITY_MOST + 1;
    assert_int_equal(link_size(&edge, 1), 0);
    edge.limit = UINT32_MAX;
    assert_int_equal(link_size(&edge, 1), 0);
    edge = (struct link_edge){.limit = 1, .policy = 2};
    assert_int_equal(link_size(&edge, 1), 0);
    assert_int_equal(link_create(&edge, 1, NULL), -EINVAL);
    edge = (struct link_edge){.limit = RING_CAPACITY_MOST, .policy = LINK_BACKPRESSURE};
    assert_true(link_size(&edge, 1) > 2ull * RING_CAPACITY_MOST * 128);
}

static void only_a_segment_of_these_edges_is_opened(void **state)
{
    (void)state;
    const struct link_edge edges[2] = {{.limit = 8}, {.limit = 100}};
    struct link_tx tx;
    struct link_rx *rx = NULL;
    struct link_view view;
    int fd = link_create(edges, 1, NULL);
    assert_true(fd >= 0);
    assert_int_equal(link_tx_open(&tx, fd, edges, 2, NULL), -EINVAL);
    assert_int_equal(link_tx_open(&tx, fd, edges, 0, NULL), -EINVAL);
    assert_int_equal(link_rx_open(&rx, fd, -1, edges, 2, NULL), -EINVAL);
    assert_int_equal(link_rx_open(&rx, fd, -1, edges, 1, NULL), -EINVAL); /* no arena */
    assert_int_equal(link_view_open(&view, fd, edges, 2, NULL), -EINVAL);
    assert_int_equal(link_view_open(&view, fd, edges, LINK_EDGES_MOST + 1, NULL), -EINVAL);
    link_view_close(&view);
    link_tx_close(&tx, NULL);
    close(fd);
}

static void rings_of_edges_do_not_overlap(void **state)
{
    (void)state;
    const struct link_edge edges[4] = {
        {.limit = 1}, {.limit = 9}, {.limit = 1000, .policy = LINK_BACKPRESSURE}, {.limit = 8}};
    size_t end = link_counter_offset(link_return_capacity(edges, 4)) + 4 * sizeof(struct link_edge_counters);
    for (size_t i = 0; i < 4; i++) {
        size_t offset = link_ring_offset(edges, 4, i);
        assert_true(offset >= end);
        assert_int_equal(offset % 128, 0);
        end = offset + 2 * ring_size(ring_capacity(edges[i].limit));
    }
    assert_int_equal(link_size(edges, 4), end);
    struct ends ends;
    ends_open(&ends, edges, 4);
    for (uint32_t round = 0; round < 100; round++)
        for (uint32_t i = 0; i < 4; i++)
            assert_int_equal(ends_send(&ends, i, i * 100, 0), 0);
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t first = 0, count = 0, last = 0, sequence;
        assert_int_equal(link_tx_queued(&ends.tx, i), edges[i].limit < 100 ? edges[i].limit : 100);
        while ((sequence = take_and_release(ends.rx, i))) {
            assert_true(sequence > last);
            assert_int_equal((sequence - 1) % 4, i);
            first = first ? first : sequence;
            last = sequence;
            count++;
        }
        assert_int_equal(count, edges[i].limit < 100 ? edges[i].limit : 100);
        assert_int_equal(last, 397 + i);
        assert_int_equal(first, last - 4 * (count - 1));
    }
    ends_close(&ends);
}

/* ---- Full queues ---- */

static void drop_oldest_keeps_the_newest(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 10, LINK_DROP_OLDEST);
    for (int i = 1; i <= 25; i++)
        assert_int_equal(ends_send(&ends, 0, i % 2 ? 1000 : 0, 0), 0);
    assert_int_equal(link_tx_queued(&ends.tx, 0), 10);
    assert_int_equal(link_rx_queued(ends.rx, 0), 10);
    assert_int_equal(link_rx_dropped(ends.rx, 0), 15);
    for (uint64_t i = 16; i <= 25; i++)
        assert_int_equal(take_and_release(ends.rx, 0), i);
    assert_int_equal(take_and_release(ends.rx, 0), 0);
    assert_false(link_rx_ready(ends.rx, 0));
    assert_int_equal(link_tx_reclaim(&ends.tx, &ends.arena), 0);
    assert_all_is_back(&ends);
    assert_true(ends.arena.block_count <= 11);
    ends_close(&ends);
}

static void protected_messages_are_dropped_last(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 4, LINK_DROP_OLDEST);
    const int how[] = {0, SEND_PROTECTED, 0, SEND_PROTECTED};
    for (int i = 0; i < 4; i++)
        assert_int_equal(ends_send(&ends, 0, 100, how[i]), 0);
    assert_int_equal(ends_send(&ends, 0, 100, SEND_PROTECTED), 0); /* 5 drops 1 */
    assert_int_equal(ends_send(&ends, 0, 100, 0), 0);              /* 6 drops 3 */
    assert_int_equal(ends_send(&ends, 0, 100, SEND_PROTECTED), 0); /* 7 drops 6 */
    assert_int_equal(ends_send(&ends, 0, 100, 0), 0);              /* 8 is dropped itself: 2, 4, 5, 7 are protected */
    assert_int_equal(link_rx_dropped(ends.rx, 0), 4);
    assert_int_equal(ends_send(&ends, 0, 100, SEND_PROTECTED), 0); /* 9 drops 2 */
    assert_int_equal(link_rx_dropped(ends.rx, 0), 5);
    const uint64_t left[] = {4, 5, 7, 9, 0};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        assert_int_equal(take_and_release(ends.rx, 0), left[i]);
    ends_close(&ends);
}

static void protected_and_ordinary_come_in_the_order_sent(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 100, LINK_DROP_OLDEST);
    uint64_t random = 3;
    for (int i = 0; i < 100; i++)
        assert_int_equal(ends_send(&ends, 0, 0, test_random(&random) % 2 ? SEND_PROTECTED : 0), 0);
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(take_and_release(ends.rx, 0), i);
    ends_close(&ends);
}

/* The subscriber learns of drops in one ring while it merges the two. */
static void drops_do_not_disturb_the_order(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 3, LINK_DROP_OLDEST);
    assert_int_equal(ends_send(&ends, 0, 0, 0), 0);
    assert_int_equal(ends_send(&ends, 0, 0, 0), 0);
    assert_int_equal(ends_send(&ends, 0, 0, SEND_PROTECTED), 0);
    assert_int_equal(ends_send(&ends, 0, 0, 0), 0); /* drops 1 */
    assert_int_equal(ends_send(&ends, 0, 0, 0), 0); /* drops 2 */
    for (uint64_t i = 3; i <= 5; i++)
        assert_int_equal(take_and_release(ends.rx, 0), i);
    ends_close(&ends);
}

static void a_flush_drops_what_is_not_protected(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 10, LINK_DROP_OLDEST);
    for (int i = 1; i <= 9; i++)
        assert_int_equal(ends_send(&ends, 0, 100, i % 3 ? SEND_META : SEND_PROTECTED), 0);
    assert_int_equal(ends_send(&ends, 0, 100, SEND_FLUSH), 0);
    assert_int_equal(link_rx_dropped(ends.rx, 0), 6);
    assert_int_equal(ends_send(&ends, 0, 100, 0), 0);
    const uint64_t left[] = {3, 6, 9, 10, 11, 0};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        assert_int_equal(take_and_release(ends.rx, 0), left[i]);
    assert_int_equal(ends_send(&ends, 0, 100, SEND_FLUSH), 0); /* of an empty queue */
    assert_int_equal(ends_send(&ends, 0, 100, SEND_FLUSH | SEND_PROTECTED), 0);
    assert_int_equal(take_and_release(ends.rx, 0), 13);
    ends_close(&ends);
}

static void backpressure_refuses_and_drops_nothing(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 4, LINK_BACKPRESSURE);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ends_send(&ends, 0, 100, i % 2 ? SEND_PROTECTED : 0), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ends_send(&ends, 0, 100, i % 2 ? SEND_PROTECTED : 0), -EAGAIN);
    assert_int_equal(take_and_release(ends.rx, 0), 1);
    link_tx_wait(&ends.tx, 0, CLOCK_NEVER); /* there is room: returns at once */
    assert_int_equal(ends_send(&ends, 0, 100, 0), 0);
    assert_int_equal(ends_send(&ends, 0, 100, 0), -EAGAIN);
    link_tx_wait(&ends.tx, 0, clock_now() + CLOCK_MILLI);
    for (uint64_t i = 2; i <= 5; i++)
        assert_int_equal(take_and_release(ends.rx, 0), i);
    assert_int_equal(link_rx_dropped(ends.rx, 0), 0);
    ends_close(&ends);
}

static void a_publisher_waits_until_an_eighth_is_free(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 32, LINK_BACKPRESSURE);
    while (ends_send(&ends, 0, 0, 0) == 0)
        ;
    _Atomic uint32_t *waiting = &ends.tx.edges[0].ordinary.shared->waiting;
    link_tx_wait(&ends.tx, 0, clock_now());
    for (int i = 1; i < 32 / 8; i++) {
        take_and_release(ends.rx, 0);
        assert_int_equal(atomic_load(waiting), 1);
    }
    take_and_release(ends.rx, 0);
    assert_int_equal(atomic_load(waiting), 0);
    ends_close(&ends);
}

static void counters_add_up(void **state)
{
    (void)state;
    const struct link_edge edges[2] = {{.limit = 5}, {.limit = 7}};
    struct ends ends;
    ends_open(&ends, edges, 2);
    struct link_view view;
    assert_int_equal(link_view_open(&view, ends.fd, edges, 2, NULL), 0);
    uint64_t random = 11, sent[2] = {0}, taken[2] = {0};
    for (int i = 0; i < 2000; i++) {
        uint32_t edge = test_random(&random) % 2;
        if (test_random(&random) % 3) {
            assert_int_equal(ends_send(&ends, edge, 100, (int)(test_random(&random) % 8)), 0);
            sent[edge]++;
        } else {
            taken[edge] += take_and_release(ends.rx, edge) > 0;
        }
        struct link_counters counters = link_view_read(&view, edge);
        assert_int_equal(counters.sent, sent[edge]);
        assert_int_equal(counters.sent - counters.dropped - counters.queued, taken[edge]);
        assert_int_equal(counters.dropped, link_rx_dropped(ends.rx, edge));
        assert_true(counters.queued <= edges[edge].limit);
        assert_true(counters.bytes <= 100 * sent[edge] && counters.bytes >= 100 * taken[edge]);
    }
    link_view_close(&view);
    link_view_close(&view);
    ends_close(&ends);
}

/* ---- Blocks ---- */

static void every_block_comes_back_however_it_went(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 16, LINK_DROP_OLDEST);
    struct taken held[8] = {0};
    uint64_t random = 2;
    for (int i = 0; i < 5000; i++) {
        struct taken *at = &held[test_random(&random) % 8];
        if (test_random(&random) % 5 < 3) {
            int how = (int)(test_random(&random) % 8);
            how &= test_random(&random) % 16 ? ~SEND_FLUSH : ~0;
            assert_int_equal(ends_send(&ends, 0, test_random(&random) % 4000, how), 0);
        } else {
            release(at);
            take(ends.rx, 0, at);
        }
    }
    for (int i = 0; i < 8; i++) {
        check_content(&held[i]);
        release(&held[i]);
    }
    while (take_and_release(ends.rx, 0))
        ;
    assert_int_equal(link_tx_reclaim(&ends.tx, &ends.arena), 0);
    assert_all_is_back(&ends);
    ends_close(&ends);
}

static void a_full_return_ring_loses_nothing(void **state)
{
    (void)state;
    enum { HELD = 5000 };
    static struct taken held[HELD];
    struct ends ends;
    ends_open_one(&ends, 4, LINK_DROP_OLDEST);
    assert_true(ends.tx.return_capacity < 200);
    for (int i = 0; i < HELD; i++) {
        assert_int_equal(ends_send(&ends, 0, 100, 0), 0);
        assert_true(take(ends.rx, 0, &held[i]) > 0);
    }
    assert_true(ends.arena.block_count >= HELD);
    for (int i = 0; i < HELD; i++)
        release(&held[i]);
    for (int i = 0; ends.rx->overflow_count > 0; i++) {
        assert_true(i < HELD);
        assert_int_equal(ends_send(&ends, 0, 100, 0), 0); /* takes back what fits */
        take_and_release(ends.rx, 0);
    }
    assert_int_equal(link_tx_reclaim(&ends.tx, &ends.arena), 0);
    assert_all_is_back(&ends);
    ends_close(&ends);
}

static void what_is_queued_comes_back_on_close(void **state)
{
    (void)state;
    struct ends ends;
    ends_open_one(&ends, 10, LINK_DROP_OLDEST);
    for (int i = 0; i < 30; i++)
        assert_int_equal(ends_send(&ends, 0, 100, i % 4 ? SEND_META : SEND_PROTECTED), 0);
    struct taken taken;
    assert_true(take(ends.rx, 0, &taken) > 0);
    ends_close_rx(&ends);
    release(&taken);
    ends_close(&ends);
}

static void what_is_held_outlives_the_link(void **state)
{
    (void)state;
    enum { HELD = 32 };
    struct ends ends;
    struct taken held[HELD];
    ends_open_one(&ends, HELD, LINK_DROP_OLDEST);
    for (size_t i = 0; i < HELD; i++)
        assert_int_equal(ends_send(&ends, 0, 10 + i * i * 100, SEND_META), 0);
    for (size_t i = 0; i < HELD; i++)
        assert_true(take(ends.rx, 0, &held[i]) > 0);
    release(&held[5]);
    ends_close_rx(&ends);
    link_tx_close(&ends.tx, &ends.arena);
    assert_all_is_back(&ends);
    /* The publisher uses all of it again. */
    memset(ends.arena.base, 0xee, ends.arena.used);
    for (size_t i = 0; i < HELD; i++)
        if (i != 5)
            check_content(&held[i]);
    arena_close(&ends.arena);
    for (size_t i = 0; i < HELD; i++)
        if (i != 5) {
            check_content(&held[i]);
            release(&held[i]);
        }
    close(ends.fd);
}

static void what_is_held_outlives_its_publisher(void **state)
{
    (void)state;
    struct ends ends;
    struct taken taken;
    ends_open_one(&ends, 4, LINK_DROP_OLDEST);
    assert_int_equal(ends_send(&ends, 0, 10000, SEND_META), 0);
    assert_int_equal(take(ends.rx, 0, &taken), 1);
    link_tx_close(&ends.tx, &ends.arena);
    arena_close(&ends.arena);
    assert_int_equal(link_rx_close(ends.rx, true), 0);
    check_content(&taken);
    release(&taken);
    close(ends.fd);
}

static void *release_later(void *argument)
{
    struct taken *held = argument;
    for (int i = 0; i < 64; i++) {
        check_content(&held[i]);
        release(&held[i]);
    }
    return NULL;
}

static void other_threads_release_while_the_link_closes(void **state)
{
    (void)state;
    for (int round = 0; round < 10 * TEST_EFFORT; round++) {
        struct ends ends;
        struct taken held[2][64];
        pthread_t thread[2];
        ends_open_one(&ends, 128, LINK_DROP_OLDEST);
        for (int i = 0; i < 128; i++) {
            assert_int_equal(ends_send(&ends, 0, 500, SEND_META), 0);
            assert_true(take(ends.rx, 0, &held[i % 2][i / 2]) > 0);
        }
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, release_later, held[i]), 0);
        ends_close_rx(&ends);
        link_tx_close(&ends.tx, &ends.arena);
        memset(ends.arena.base, 0xee, ends.arena.used);
        for (int i = 0; i < 2; i++)
            pthread_join(thread[i], NULL);
        ends_close(&ends);
    }
}

static void delays_fall_into_buckets_that_know_their_bound(void **state)
{
    (void)state;
    for (int64_t ns = 0; ns < (int64_t)1 << 40; ns = ns * 5 / 4 + 1) {
        size_t bucket = link_delay_bucket(ns);
        assert_true(bucket < LINK_DELAYS);
        assert_true(bucket == LINK_DELAYS - 1 || ns < link_delay_ns(bucket));
        assert_true(bucket == 0 || ns >= link_delay_ns(bucket - 1));
    }
    assert_int_equal(link_delay_bucket(INT64_MAX), LINK_DELAYS - 1);
    assert_int_equal(link_delay_bucket(-1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delays_fall_into_buckets_that_know_their_bound),
        cmocka_unit_test(absurd_edges_make_no_link),
        cmocka_unit_test(only_a_segment_of_these_edges_is_opened),
        cmocka_unit_test(rings_of_edges_do_not_overlap),
        cmocka_unit_test(drop_oldest_keeps_the_newest),
        cmocka_unit_test(protected_messages_are_dropped_last),
        cmocka_unit_test(protected_and_ordinary_come_in_the_order_sent),
        cmocka_unit_test(drops_do_not_disturb_the_order),
        cmocka_unit_test(a_flush_drops_what_is_not_protected),
        cmocka_unit_test(backpressure_refuses_and_drops_nothing),
        cmocka_unit_test(a_publisher_waits_until_an_eighth_is_free),
        cmocka_unit_test(counters_add_up),
        cmocka_unit_test(every_block_comes_back_however_it_went),
        cmocka_unit_test(a_full_return_ring_loses_nothing),
        cmocka_unit_test(what_is_queued_comes_back_on_close),
        cmocka_unit_test(what_is_held_outlives_the_link),
        cmocka_unit_test(what_is_held_outlives_its_publisher),
        cmocka_unit_test(other_threads_release_while_the_link_closes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
