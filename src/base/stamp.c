#include "base/stamp.h"

#include "base/clock.h"

/* In units of 2^-32 s: how long a rate is used, and how far apart two looks must be to tell one. */
enum { USE = (1u << 22), APART_LEAST = 1u << 20 };
static const uint64_t APART_MOST = 1ull << 34;

/* A counter below 1 MHz or beyond 16 GHz is none that this was made for. */
static const uint64_t RATE_LEAST = 1ull << 30, RATE_MOST = 1ull << 45;

void stamp_init(struct stamp *stamp)
{
    *stamp = (struct stamp){.steady = ticks_are_steady()};
}

uint64_t stamp_look(struct stamp *stamp, uint64_t ticks)
{
    uint64_t now = clock_ntp64();
    if (!stamp->steady)
        return now;
    uint64_t elapsed = now - stamp->ntp64, counted = ticks - stamp->ticks;
    if (elapsed < APART_LEAST && counted < 1ull << 32)
        return now; /* too near the last look to tell a rate */
    stamp->valid = 0;
    if (elapsed <= APART_MOST && counted) {
        uint64_t rate = (uint64_t)(((unsigned __int128)elapsed << 32) / counted);
        if (rate >= RATE_LEAST && rate <= RATE_MOST) {
            stamp->rate = rate;
            stamp->valid = ((uint64_t)USE << 32) / rate;
        }
    }
    stamp->ticks = ticks;
    stamp->ntp64 = now;
    return now;
}
