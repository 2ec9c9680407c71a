#include "base/lock.h"

#include "base/clock.h"
#include "base/futex.h"

void lock_wait_for(struct lock *lock)
{
    /* acquire: as in lock_take. Whoever comes this way leaves 2 behind, since others may sleep, too. */
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0)
        futex_wait(&lock->state, 2, clock_after(clock_now(), CLOCK_SECOND));
}

void lock_wake(struct lock *lock)
{
    futex_wake(&lock->state);
}

void lock_wait(struct lock *lock, struct condition *condition, int64_t nap)
{
    /* relaxed: it changes under the lock alone. */
    uint32_t seen = atomic_load_explicit(&condition->changes, memory_order_relaxed);
    lock_release(lock);
    futex_wait(&condition->changes, seen, clock_after(clock_now(), nap));
    lock_take(lock);
}

void lock_tell(struct condition *condition)
{
    atomic_fetch_add_explicit(&condition->changes, 1, memory_order_relaxed); /* as above */
    if (!lock_single_threaded())
        futex_wake(&condition->changes);
}
