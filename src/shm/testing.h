/* What the tests of this layer share: cmocka, and children that report by their exit status. */
#ifndef SHM_TESTING_H
#define SHM_TESTING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define TEST_PATIENCE (60 * CLOCK_SECOND) /* what takes longer will never happen */

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
enum { TEST_EFFORT = 1 };
#else
enum { TEST_EFFORT = 10 }; /* a factor for the rounds of stress tests */
#endif

/* As assert_true, for threads and children, which cmocka's jumps must not leave: ends the process. */
#define check(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: check(%s) failed\n", __FILE__, __LINE__, #condition);                              \
            _exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

/* Runs `body` in a child; its process id. */
static inline pid_t test_fork(void (*body)(void *), void *argument)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(TEST_PATIENCE / CLOCK_SECOND);
        body(argument);
        _exit(0);
    }
    assert_true(child > 0);
    return child;
}

static inline void test_join(pid_t child)
{
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* A generator of numbers that differ enough (xorshift). */
static inline uint64_t test_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
