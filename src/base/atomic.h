/* What <stdatomic.h> lacks for talking to another processor in a loop. */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include <stdatomic.h>

/* GCC says it by a macro, Clang by a feature. */
#if defined __has_feature
#if __has_feature(thread_sanitizer) && !defined __SANITIZE_THREAD__
#define __SANITIZE_THREAD__ 1
#endif
#endif

/* Full fence: no load or store passes it in either direction. ThreadSanitizer has no model of fences, and GCC says so by
 * a warning; a sequentially consistent read-modify-write is as strong on every machine we build for. */
static inline void fence_full(void)
{
#if defined __SANITIZE_THREAD__
    static _Thread_local _Atomic int dummy;
    atomic_fetch_add_explicit(&dummy, 0, memory_order_seq_cst);
#else
    atomic_thread_fence(memory_order_seq_cst);
#endif
}

/* Tells the processor that this is a loop that waits for memory to change. */
static inline void cpu_relax(void)
{
#if defined __x86_64__ || defined __i386__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield" ::: "memory");
#endif
}

#endif
