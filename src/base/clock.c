#include "base/clock.h"

#include <time.h>

int64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * CLOCK_SECOND + t.tv_nsec;
}

static uint64_t ntp64(uint64_t seconds, uint64_t nanos)
{
    /* 2^64 / 10^9 rounded up: exact to the last bit for nanos < 10^9, and no division. */
    return seconds << 32 | (nanos * 18446744074u) >> 32;
}

uint64_t clock_ntp64(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return ntp64((uint64_t)t.tv_sec, (uint64_t)t.tv_nsec);
}

uint64_t clock_ntp64_from_ns(int64_t unix_ns)
{
    return ntp64((uint64_t)(unix_ns / CLOCK_SECOND), (uint64_t)(unix_ns % CLOCK_SECOND));
}

int64_t clock_ntp64_to_ns(uint64_t time)
{
    return (int64_t)(time >> 32) * CLOCK_SECOND + (int64_t)(((time & UINT32_MAX) * 1000000000u) >> 32);
}

int64_t clock_after(int64_t now, int64_t duration)
{
    int64_t when;
    return __builtin_add_overflow(now, duration, &when) ? CLOCK_NEVER : when;
}
