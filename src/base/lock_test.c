#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>

#include "base/clock.h"
#include "base/lock.h"

enum { THREADS = 4, ROUNDS = 100000, TURNS = 2000 };

static struct lock lock;
static struct condition turned;
static int counter, turn;

static void *count(void *context)
{
    for (int i = 0; i < ROUNDS; i++) {
        lock_take(&lock);
        counter++;
        lock_release(&lock);
    }
    return context;
}

static void run(void *(*what)(void *))
{
    pthread_t threads[THREADS];
    static int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, what, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

static void one_thread_at_a_time_has_it(void **state)
{
    (void)state;
    run(count);
    assert_int_equal(counter, THREADS * ROUNDS);
    assert_int_equal(lock.state, 0);
}

/* Each waits for its turn, for as long as it takes. */
static void *take_turns(void *number)
{
    const int own = *(int *)number;
    for (int i = 0; i < TURNS; i++) {
        lock_take(&lock);
        while (turn % THREADS != own)
            lock_wait(&lock, &turned, 10 * CLOCK_SECOND);
        turn++;
        lock_tell(&turned);
        lock_release(&lock);
    }
    return NULL;
}

static void who_waits_hears_of_each_change(void **state)
{
    (void)state;
    int64_t begin = clock_now();
    run(take_turns);
    assert_int_equal(turn, THREADS * TURNS);
    /* A change that was missed would cost a wait of ten seconds. */
    assert_true(clock_now() - begin < 60 * CLOCK_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_thread_at_a_time_has_it),
        cmocka_unit_test(who_waits_hears_of_each_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
