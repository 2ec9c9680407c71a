/* A link's two ends at once: threads, processes, and processes that die. */
#include "shm/link_testing.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>

struct stress {
    struct ends ends;
    uint64_t last; /* the sequence number after which all is over; never dropped */
    uint64_t taken;
};

/* Takes until `last`: strictly rising, whole. Holds some for a while. */
static void *subscribe(void *argument)
{
    struct stress *stress = argument;
    enum { HELD = 8 };
    struct taken held[HELD] = {0};
    uint64_t seen = 0, random = 77;
    for (unsigned at = 0; seen != stress->last;) {
        uint64_t sequence = take(stress->ends.rx, 0, &held[at]);
        if (!sequence) {
            sched_yield();
            continue;
        }
        check(sequence > seen);
        seen = sequence;
        stress->taken++;
        at = test_random(&random) % HELD;
        if (held[at].data.link)
            check_content(&held[at]);
        release(&held[at]);
    }
    for (int i = 0; i < HELD; i++)
        release(&held[i]);
    return NULL;
}

static void finish(struct stress *stress, pthread_t thread, uint64_t dropped)
{
    pthread_join(thread, NULL);
    assert_int_equal(stress->taken + dropped, stress->last);
    assert_int_equal(link_tx_reclaim(&stress->ends.tx, &stress->ends.arena), 0);
    assert_all_is_back(&stress->ends);
    ends_close(&stress->ends);
}

static void order_holds_across_both_rings(uint32_t limit, int flush_every)
{
    struct stress stress = {.last = 50000 * TEST_EFFORT};
    ends_open_one(&stress.ends, limit, LINK_DROP_OLDEST);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, subscribe, &stress), 0);
    uint64_t random = limit;
    while (stress.ends.sequence < stress.last) {
        uint64_t dice = test_random(&random);
        int how = dice % 3 == 0 || stress.ends.sequence == stress.last - 1 ? SEND_PROTECTED : 0;
        if (flush_every && dice / 8 % (uint64_t)flush_every == 0)
            how |= SEND_FLUSH;
        assert_int_equal(ends_send(&stress.ends, 0, dice / 64 % 4 ? 0 : 200, how), 0);
        if (dice / 1024 % 32 == 0)
            sched_yield();
    }
    finish(&stress, thread, link_rx_dropped(stress.ends.rx, 0));
}

static void order_holds_in_a_full_ring(void **state)
{
    (void)state;
    order_holds_across_both_rings(8, 0);
}

static void order_holds_in_a_short_queue(void **state)
{
    (void)state;
    order_holds_across_both_rings(2, 0);
    order_holds_across_both_rings(1, 0);
}

static void order_holds_with_flushes(void **state)
{
    (void)state;
    order_holds_across_both_rings(16, 20);
}

static void backpressure_wakes_its_publisher(void **state)
{
    (void)state;
    struct stress stress = {.last = 20000 * TEST_EFFORT};
    ends_open_one(&stress.ends, 4, LINK_BACKPRESSURE);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, subscribe, &stress), 0);
    while (stress.ends.sequence < stress.last) {
        int how = stress.ends.sequence % 5 ? 0 : SEND_PROTECTED;
        int rc = ends_send(&stress.ends, 0, stress.ends.sequence % 2 * 100, how);
        if (rc == -EAGAIN) {
            int64_t start = clock_now();
            link_tx_wait(&stress.ends.tx, 0, start + TEST_PATIENCE);
            assert_true(clock_now() - start < TEST_PATIENCE);
        } else {
            assert_int_equal(rc, 0);
        }
    }
    assert_int_equal(link_rx_dropped(stress.ends.rx, 0), 0);
    finish(&stress, thread, 0);
}

/* ---- Subscribers that are killed ---- */

enum { ROUNDS = 200, QUEUE = 16, BLOCKS_MOST = 600 };

static const struct link_edge EDGE = {.limit = QUEUE};

struct subscriber {
    struct link_tx tx;
    int fd;
    pid_t process;
};

struct publisher {
    struct arena arena;
    uint64_t sequence;
    int link_fd; /* for the child being started */
};

/* Takes for ever, or until a protected message; holds some of what it took. */
static void live(void *argument)
{
    const struct publisher *publisher = argument;
    enum { HELD = 32 };
    static struct taken held[HELD];
    struct link_rx *rx;
    int arena_fd = fcntl(publisher->arena.fd, F_DUPFD_CLOEXEC, 0);
    check(link_rx_open(&rx, publisher->link_fd, arena_fd, &EDGE, 1, NULL) == 0);
    uint64_t seen = publisher->sequence, random = publisher->sequence + 1;
    for (unsigned at = 0;;) {
        uint64_t sequence = take(rx, 0, &held[at]);
        if (!sequence) {
            sched_yield();
            continue;
        }
        check(sequence > seen);
        seen = sequence;
        if (message_flags(&held[at].message) & MESSAGE_PROTECTED)
            break;
        at = test_random(&random) % HELD;
        if (held[at].data.link)
            check_content(&held[at]);
        release(&held[at]);
    }
    for (int i = 0; i < HELD; i++)
        release(&held[i]);
    check(link_rx_close(rx, false) == 0);
}

static void start(struct publisher *publisher, struct subscriber *subscriber)
{
    subscriber->fd = publisher->link_fd = link_create(&EDGE, 1, NULL);
    assert_true(subscriber->fd >= 0);
    assert_int_equal(link_tx_open(&subscriber->tx, subscriber->fd, &EDGE, 1, NULL), 0);
    subscriber->process = test_fork(live, publisher);
}

static void end(struct publisher *publisher, struct subscriber *subscriber)
{
    link_tx_close(&subscriber->tx, &publisher->arena);
    close(subscriber->fd);
}

/* Sends one block to both. */
static void publish(struct publisher *publisher, struct subscriber *const to[2], bool is_protected)
{
    uint64_t sequence = ++publisher->sequence;
    struct arena *arena = &publisher->arena;
    for (int i = 0; i < 2; i++)
        assert_int_equal(link_tx_reclaim(&to[i]->tx, arena), 0);
    struct message_block block = {.size = sequence % 2 ? 100 : 3000};
    assert_int_equal(arena_alloc(arena, block.size, &block.block, NULL), 0);
    block.offset = arena->blocks[block.block].offset;
    memset(arena_data(arena, block.block), (int)(sequence & 0xff), block.size);
    struct message message;
    message_pack(&message, sequence, 0, 'C', is_protected ? MESSAGE_PROTECTED : 0,
                 (struct message_part){.block = &block}, (struct message_part){0});
    const struct link_message what = {
        .message = &message, .blocks = {block.block, ARENA_NONE}, .is_protected = is_protected};
    for (int i = 0; i < 2; i++)
        assert_int_equal(link_tx_send(&to[i]->tx, 0, &what, arena), 0);
    arena_unref(arena, block.block);
}

static void killed_subscribers_leave_nothing_behind(void **state)
{
    (void)state;
    struct publisher publisher = {0};
    struct subscriber survivor, victim;
    struct subscriber *const both[2] = {&survivor, &victim};
    assert_int_equal(arena_open(&publisher.arena, NULL), 0);
    start(&publisher, &survivor);
    uint64_t random = 4711;
    for (int round = 0; round < ROUNDS; round++) {
        start(&publisher, &victim);
        const struct link_tx_edge *edge = &victim.tx.edges[0];
        uint64_t enough = test_random(&random) % 100;
        int64_t deadline = clock_now() + TEST_PATIENCE;
        while (edge->sent - edge->dropped - link_tx_queued(&victim.tx, 0) < enough) {
            publish(&publisher, both, false);
            if (test_random(&random) % 8 == 0)
                sched_yield();
            assert_true(clock_now() < deadline);
        }
        int status;
        assert_int_equal(kill(victim.process, SIGKILL), 0);
        assert_int_equal(waitpid(victim.process, &status, 0), victim.process);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        end(&publisher, &victim);
    }
    assert_true(publisher.arena.block_count < BLOCKS_MOST);
    start(&publisher, &victim); /* both end by themselves */
    publish(&publisher, both, true);
    test_join(survivor.process);
    test_join(victim.process);
    for (int i = 0; i < 2; i++)
        assert_int_equal(link_tx_reclaim(&both[i]->tx, &publisher.arena), 0);
    for (uint32_t i = 0; i < publisher.arena.block_count; i++)
        assert_int_equal(publisher.arena.blocks[i].refs, 0);
    end(&publisher, &survivor);
    end(&publisher, &victim);
    arena_close(&publisher.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_holds_in_a_full_ring),
        cmocka_unit_test(order_holds_in_a_short_queue),
        cmocka_unit_test(order_holds_with_flushes),
        cmocka_unit_test(backpressure_wakes_its_publisher),
        cmocka_unit_test(killed_subscribers_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
