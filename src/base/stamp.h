/* Calendar time for messages, cheaply: the processor's counter since the last look at the clock, which is never longer
 * ago than a millisecond. Two looks tell the counter's rate, so that a stamp is off by well under a microsecond; where
 * the counter isn't steady, each stamp is a look at the clock.
 *
 * Stamps may step back where the clock was set or a thread moved; who needs an order keeps it itself.
 */
#ifndef BASE_STAMP_H
#define BASE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ticks.h"

struct stamp {
    uint64_t ticks, ntp64; /* at the last look */
    uint64_t valid;        /* ticks for which `rate` may be used; 0: not yet known */
    uint64_t rate;         /* units of 2^-32 s per tick, times 2^32 */
    bool steady;
};

void stamp_init(struct stamp *stamp);
uint64_t stamp_look(struct stamp *stamp, uint64_t ticks);

/* NTP64. One thread at a time. */
static inline uint64_t stamp_now(struct stamp *stamp)
{
    uint64_t ticks = ticks_now(), since = ticks - stamp->ticks;
    if (__builtin_expect(since >= stamp->valid, 0))
        return stamp_look(stamp, ticks);
    /* `valid` is a millisecond at most: 2^22 units, times a rate below 2^38, fits. */
    return stamp->ntp64 + (since * stamp->rate >> 32);
}

#endif
