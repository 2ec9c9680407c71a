/* The processor's own counter of time: a few ns to read, where clock_gettime takes tens. It says nothing of calendar
 * time by itself; stamp.h makes that of it. */
#ifndef BASE_TICKS_H
#define BASE_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#if defined __x86_64__
#include <cpuid.h>

static inline uint64_t ticks_now(void)
{
    return __builtin_ia32_rdtsc();
}

/* Whether it runs at one rate, whatever the processor does: the "invariant TSC" bit. */
static inline bool ticks_are_steady(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && d >> 8 & 1;
}
#elif defined __aarch64__
static inline uint64_t ticks_now(void)
{
    uint64_t ticks;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
}

static inline bool ticks_are_steady(void)
{
    return true; /* the architecture says so */
}
#else
static inline uint64_t ticks_now(void)
{
    return 0;
}

static inline bool ticks_are_steady(void)
{
    return false;
}
#endif

#endif
