/* Locks and reference counts that cost nothing in a process of one thread, as most nodes are. The C library knows
 * (__libc_single_threaded of glibc 2.32): what it says can't change under us from "one" to "several" within a function
 * that starts no thread. Elsewhere the price of the atomic instructions is paid. */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define lock_single_threaded() ((bool)__libc_single_threaded)
#else
#define lock_single_threaded() false
#endif

/* A mutex that isn't recursive. Where nobody else wants it, taking and releasing it are one atomic instruction each;
 * the C library's takes half as long again (two calls, and what it notes for debuggers). Zeros are one that is free. */
struct lock {
    _Atomic uint32_t state; /* 0: free; 1: taken; 2: taken, and somebody may sleep */
    bool held;              /* the state, and not just nothing; written by its holder */
};

/* Sleeps until it has the lock. */
void lock_wait_for(struct lock *lock);
void lock_wake(struct lock *lock);

static inline void lock_take(struct lock *lock)
{
    if (lock_single_threaded())
        return;
    uint32_t free = 0;
    /* acquire: sees what was done under the lock before. Pairs with lock_release. */
    if (!atomic_compare_exchange_strong_explicit(&lock->state, &free, 1, memory_order_acquire, memory_order_relaxed))
        lock_wait_for(lock);
    lock->held = true;
}

static inline void lock_release(struct lock *lock)
{
    if (!lock->held)
        return;
    lock->held = false;
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2)
        lock_wake(lock);
}

/* What a thread waits for under a lock. */
struct condition {
    _Atomic uint32_t changes;
};

/* Waits for `condition`, at most `nap` ns, with the lock, which the caller has, released; only in a process of several
 * threads. May return early. */
void lock_wait(struct lock *lock, struct condition *condition, int64_t nap);

/* Wakes all that wait; with the lock. */
void lock_tell(struct condition *condition);

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
