/* The futex of Linux: sleeping on a word of memory, which may be shared with other processes. */
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Sleeps while `*word` is `value`, until woken or `deadline` (CLOCK_MONOTONIC ns); may wake for nothing. */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t deadline)
{
    struct timespec when = {.tv_sec = deadline / CLOCK_SECOND, .tv_nsec = deadline % CLOCK_SECOND};
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET, value, &when, NULL, FUTEX_BITSET_MATCH_ANY);
}

static inline void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

#endif
