/* Locks and reference counts that cost nothing in a process of one thread, as most nodes are. The C library knows
 * (__libc_single_threaded of glibc 2.32): what it says can't change under us from "one" to "several" within a function
 * that starts no thread. Elsewhere the price of the atomic instructions is paid. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/clock.h"

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define lock_single_threaded() ((bool)__libc_single_threaded)
#else
#define lock_single_threaded() false
#endif

struct lock {
    pthread_mutex_t mutex;
    bool held; /* the mutex, and not just nothing; written by its holder */
};

static inline void lock_init(struct lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
    lock->held = false;
}

static inline void lock_destroy(struct lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline void lock_take(struct lock *lock)
{
    if (lock_single_threaded())
        return;
    pthread_mutex_lock(&lock->mutex);
    lock->held = true;
}

static inline void lock_release(struct lock *lock)
{
    if (!lock->held)
        return;
    lock->held = false;
    pthread_mutex_unlock(&lock->mutex);
}

/* Waits for `condition`, at most `nap` ns, with the lock, which the caller has, released; only in a process of several
 * threads. */
static inline void lock_wait(struct lock *lock, pthread_cond_t *condition, int64_t nap)
{
    int64_t until = clock_after(clock_now(), nap);
    struct timespec when = {.tv_sec = until / CLOCK_SECOND, .tv_nsec = until % CLOCK_SECOND};
    pthread_cond_clockwait(condition, &lock->mutex, CLOCK_MONOTONIC, &when);
    lock->held = true;
}

static inline void ref_take(_Atomic uint32_t *refs)
{
    /* relaxed: whoever has a reference may take another. */
    if (lock_single_threaded())
        atomic_store_explicit(refs, atomic_load_explicit(refs, memory_order_relaxed) + 1, memory_order_relaxed);
    else
        atomic_fetch_add_explicit(refs, 1, memory_order_relaxed);
}

/* Whether it was the last. */
static inline bool ref_drop(_Atomic uint32_t *refs)
{
    if (lock_single_threaded()) {
        uint32_t left = atomic_load_explicit(refs, memory_order_relaxed) - 1;
        atomic_store_explicit(refs, left, memory_order_relaxed);
        return left == 0;
    }
    /* acq_rel: the last one sees what all others did. */
    return atomic_fetch_sub_explicit(refs, 1, memory_order_acq_rel) == 1;
}

#endif
