#include "shm/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/cleanup.h"
#include "shm/doorbell.h"
#include "shm/segment.h"

/* One doorbell, opened twice: by its owner and by a ringer, each with a mapping and an opening of the pipe of its own.
 */
struct pair {
    struct doorbell owner, ringer;
    _Atomic uint32_t *word;
    int memory, handed;
};

static int set_up(void **state)
{
    struct pair *pair = malloc(sizeof *pair);
    void *map;
    if (!pair || doorbell_create(&pair->memory, &pair->handed, NULL) < 0 ||
        doorbell_open(&pair->owner, pair->memory, fcntl(pair->handed, F_DUPFD_CLOEXEC, 0), NULL) < 0 ||
        doorbell_open(&pair->ringer, pair->memory, fcntl(pair->handed, F_DUPFD_CLOEXEC, 0), NULL) < 0 ||
        segment_map(pair->memory, 64, PROT_READ | PROT_WRITE, &map, NULL) < 0)
        return -1;
    pair->word = map;
    *state = pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    doorbell_close(&pair->owner);
    doorbell_close(&pair->owner);
    doorbell_close(&pair->ringer);
    munmap((void *)pair->word, 64);
    close(pair->memory);
    close(pair->handed);
    free(pair);
    return 0;
}

static bool readable(const struct doorbell *bell)
{
    struct pollfd poll_fd = {.fd = bell->event_fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static void ring(struct doorbell *bell)
{
    fence_full();
    doorbell_ring(bell);
}

static void nobody_is_woken_who_is_awake(void **state)
{
    struct pair *pair = *state;
    ring(&pair->ringer);
    assert_int_equal(*pair->word, DOORBELL_AWAKE);
    assert_false(readable(&pair->owner));
    doorbell_disarm(&pair->owner);
    assert_int_equal(*pair->word, DOORBELL_AWAKE);
}

static void a_sleeper_is_woken_and_its_state_taken(void **state)
{
    struct pair *pair = *state;
    doorbell_arm(&pair->owner, DOORBELL_ASLEEP);
    assert_int_equal(*pair->word, DOORBELL_ASLEEP);
    ring(&pair->ringer);
    assert_int_equal(*pair->word, DOORBELL_AWAKE);
    assert_false(readable(&pair->owner));
    doorbell_sleep(&pair->owner, CLOCK_NEVER); /* the state is no longer ASLEEP: returns at once */
    doorbell_disarm(&pair->owner);
    doorbell_arm(&pair->owner, DOORBELL_ASLEEP);
    doorbell_disarm(&pair->owner);
    assert_int_equal(*pair->word, DOORBELL_AWAKE);
}

static void a_poller_finds_its_pipe_readable(void **state)
{
    struct pair *pair = *state;
    doorbell_arm(&pair->owner, DOORBELL_POLLED);
    assert_int_equal(*pair->word, DOORBELL_POLLED);
    assert_false(readable(&pair->owner));
    ring(&pair->ringer);
    assert_int_equal(*pair->word, DOORBELL_AWAKE);
    assert_true(readable(&pair->owner));
    doorbell_disarm(&pair->owner);
    assert_false(readable(&pair->owner));
}

static void many_rings_are_one(void **state)
{
    struct pair *pair = *state;
    doorbell_arm(&pair->owner, DOORBELL_POLLED);
    for (int i = 0; i < 100; i++)
        ring(&pair->ringer);
    char rings[8];
    assert_int_equal(read(pair->owner.event_fd, rings, sizeof rings), 1);
    doorbell_disarm(&pair->owner);
}

/* A ringer that took the state of one wait writes to the pipe only after that wait is over. */
static void a_late_ringer_ends_one_wait_early_and_no_more(void **state)
{
    struct pair *pair = *state;
    doorbell_arm(&pair->owner, DOORBELL_POLLED);
    assert_int_equal(atomic_exchange(pair->word, DOORBELL_AWAKE), DOORBELL_POLLED);
    doorbell_disarm(&pair->owner);
    assert_int_equal(write(pair->ringer.event_fd, "", 1), 1);
    doorbell_arm(&pair->owner, DOORBELL_POLLED);
    assert_true(readable(&pair->owner));
    doorbell_disarm(&pair->owner);
    doorbell_arm(&pair->owner, DOORBELL_POLLED);
    assert_false(readable(&pair->owner));
    doorbell_disarm(&pair->owner);
}

static void a_full_pipe_blocks_nobody(void **state)
{
    struct pair *pair = *state;
    while (write(pair->ringer.event_fd, "nonsense", 8) > 0)
        ;
    doorbell_arm(&pair->owner, DOORBELL_POLLED);
    ring(&pair->ringer);
    assert_true(readable(&pair->owner));
    doorbell_disarm(&pair->owner);
    assert_false(readable(&pair->owner));
}

/* Who was handed the same descriptor can make it wait; those who have opened it don't. */
static void a_pipe_made_blocking_blocks_nobody(void **state)
{
    struct pair *pair = *state;
    while (write(pair->handed, "nonsense", 8) > 0)
        ;
    assert_int_equal(fcntl(pair->handed, F_SETFL, 0), 0);
    alarm(TEST_PATIENCE / CLOCK_SECOND);
    doorbell_arm(&pair->owner, DOORBELL_POLLED);
    ring(&pair->ringer);
    assert_true(readable(&pair->owner));
    doorbell_disarm(&pair->owner);
    assert_false(readable(&pair->owner));
    doorbell_arm(&pair->owner, DOORBELL_POLLED);
    doorbell_disarm(&pair->owner);
    alarm(0);
}

static void nonsense_in_the_word_does_no_harm(void **state)
{
    struct pair *pair = *state;
    *pair->word = 12345;
    ring(&pair->ringer);
    assert_int_equal(*pair->word, DOORBELL_AWAKE);
    doorbell_arm(&pair->owner, DOORBELL_ASLEEP);
    *pair->word = UINT32_MAX;
    doorbell_sleep(&pair->owner, CLOCK_NEVER);
    doorbell_disarm(&pair->owner);
    assert_int_equal(*pair->word, DOORBELL_AWAKE);
}

static void a_sleep_ends_by_itself(void **state)
{
    struct pair *pair = *state;
    doorbell_arm(&pair->owner, DOORBELL_ASLEEP);
    int64_t start = clock_now();
    doorbell_sleep(&pair->owner, start + CLOCK_MILLI);
    doorbell_sleep(&pair->owner, start - 10 * CLOCK_SECOND);
    doorbell_sleep(&pair->owner, -1);
    doorbell_sleep(&pair->owner, CLOCK_NEVER); /* a nap */
    assert_int_equal(*pair->word, DOORBELL_ASLEEP);
    doorbell_disarm(&pair->owner);
}

static void only_a_doorbell_is_one(void **state)
{
    (void)state;
    struct doorbell bell = DOORBELL_INIT;
    autoclose int memory = segment_create("test", 128, NULL);
    assert_int_equal(doorbell_open(&bell, memory, -1, NULL), -EINVAL);
    assert_int_equal(doorbell_open(&bell, -1, -1, NULL), -EINVAL);
    autoclose int unsealed = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(unsealed, 64), 0);
    assert_int_equal(doorbell_open(&bell, unsealed, -1, NULL), -EINVAL);
    doorbell_close(&bell);
}

/* Two threads hand a number to and fro, each published by a relaxed store, a fence and a ring. Were a wake-up lost, its
 * sleeper would find out after a nap only: as many as there are rounds would take hours. */
struct game {
    struct doorbell bell[2];
    _Atomic uint64_t ball;
    enum doorbell_state how;
    uint64_t rounds;
};

static void await(struct game *game, int player, uint64_t ball)
{
    struct doorbell *bell = &game->bell[player];
    /* acquire: what the other player did before. */
    while (atomic_load_explicit(&game->ball, memory_order_acquire) != ball) {
        doorbell_arm(bell, game->how);
        if (atomic_load_explicit(&game->ball, memory_order_relaxed) != ball) {
            if (game->how == DOORBELL_ASLEEP) {
                doorbell_sleep(bell, CLOCK_NEVER);
            } else {
                struct pollfd poll_fd = {.fd = bell->event_fd, .events = POLLIN};
                check(poll(&poll_fd, 1, 10000) == 1);
            }
        }
        doorbell_disarm(bell);
    }
}

static void play(struct game *game, int player)
{
    for (uint64_t ball = (uint64_t)player; ball < game->rounds; ball += 2) {
        await(game, player, ball);
        atomic_store_explicit(&game->ball, ball + 1, memory_order_release);
        ring(&game->bell[!player]);
    }
}

static void *second_player(void *argument)
{
    play(argument, 1);
    return NULL;
}

static void no_wake_up_is_lost(enum doorbell_state how)
{
    struct game game = {.how = how, .rounds = 4000 * TEST_EFFORT};
    for (int i = 0; i < 2; i++) {
        int memory, event;
        assert_int_equal(doorbell_create(&memory, &event, NULL), 0);
        assert_int_equal(doorbell_open(&game.bell[i], memory, event, NULL), 0);
        close(memory);
    }
    int64_t start = clock_now();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, second_player, &game), 0);
    play(&game, 0);
    pthread_join(thread, NULL);
    assert_int_equal(game.ball, game.rounds);
    assert_true(clock_now() - start < TEST_PATIENCE);
    for (int i = 0; i < 2; i++)
        doorbell_close(&game.bell[i]);
}

static void no_sleeper_is_forgotten(void **state)
{
    (void)state;
    no_wake_up_is_lost(DOORBELL_ASLEEP);
}

static void no_poller_is_forgotten(void **state)
{
    (void)state;
    no_wake_up_is_lost(DOORBELL_POLLED);
}

#define with_a_pair(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_a_pair(nobody_is_woken_who_is_awake),
        with_a_pair(a_sleeper_is_woken_and_its_state_taken),
        with_a_pair(a_poller_finds_its_pipe_readable),
        with_a_pair(many_rings_are_one),
        with_a_pair(a_late_ringer_ends_one_wait_early_and_no_more),
        with_a_pair(a_full_pipe_blocks_nobody),
        with_a_pair(a_pipe_made_blocking_blocks_nobody),
        with_a_pair(nonsense_in_the_word_does_no_harm),
        with_a_pair(a_sleep_ends_by_itself),
        cmocka_unit_test(only_a_doorbell_is_one),
        cmocka_unit_test(no_sleeper_is_forgotten),
        cmocka_unit_test(no_poller_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
