/* Telling a forked child from its parent, for one comparison: what is shared with other processes belongs to the
 * process that opened it, and its child has only a copy of the books. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct process_mark {
    const _Atomic uint32_t *page; /* of the whole process, for as long as it lives; the kernel wipes it in a child */
    uint32_t value;
};

/* This process's mark. -ENOMEM. Any thread. */
int process_mark(struct process_mark *mark);

/* Whether this is still the process that made the mark. */
static inline bool process_same(const struct process_mark *mark)
{
    /* relaxed: it changes only by fork. */
    return atomic_load_explicit(mark->page, memory_order_relaxed) == mark->value;
}

#endif
