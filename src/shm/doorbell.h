/* The doorbell: how a process that waits for others is woken, at no cost to those who find it awake.
 *
 * One word in shared memory, mapped by its owner and by everyone who may ring. Its states:
 *
 *              arm(SLEEP)                     ring: exchange, futex wake
 *     AWAKE ─────────────────▶ ASLEEP ───────────────────────────────▶ AWAKE
 *       │      arm(POLL)                      ring: exchange, write to a pipe
 *       └────────────────────▶ POLLED ───────────────────────────────▶ AWAKE
 *
 * The owner arms, then looks once more for work, then waits; a ringer publishes work, then looks at the word. Both
 * separate their two steps by a full fence, so at least one sees the other (Dekker). Only the first ringer finds the
 * word armed: whoever follows before the owner has woken makes no system call.
 *
 * Every publisher to a node can write its word. A misbehaving one can cause wake-ups, or swallow them; so no wait is
 * longer than DOORBELL_NAP, after which the owner looks for itself.
 */
#ifndef SHM_DOORBELL_H
#define SHM_DOORBELL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

#define DOORBELL_NAP CLOCK_SECOND

enum doorbell_state { DOORBELL_AWAKE, DOORBELL_ASLEEP, DOORBELL_POLLED };

struct doorbell_word;

struct doorbell {
    struct doorbell_word *word; /* NULL when closed */
    int event_fd;               /* this process's own opening of the pipe; -1 when closed */
    bool polled;                /* owner: armed POLLED, and not disarmed since */
};

#define DOORBELL_INIT                                                                                                  \
    {                                                                                                                  \
        NULL, -1, false                                                                                                \
    }

/* Makes a doorbell: `*memory` and `*event` (both ends of a pipe) are descriptors, close-on-exec, to hand to its owner
 * and ringers; whoever opens it must not be given the event_fd of another's struct doorbell. */
int doorbell_create(int *memory, int *event, struct error *error);

/* Maps one made elsewhere. Takes over `event` when it succeeds, and opens it anew where there is /proc, so that nobody
 * else decides whether it waits; `memory` stays the caller's. -EINVAL when it isn't one.
 */
int doorbell_open(struct doorbell *bell, int memory, int event, struct error *error);
void doorbell_close(struct doorbell *bell); /* safe on one that was never opened */

/* Wakes the owner if it is armed. The caller has published its work and then called fence_full() (or anything
 * stronger): one fence can serve many bells. Any thread. */
void doorbell_ring(struct doorbell *bell);

/* Owner: announces a wait. Look for work afterwards, then doorbell_sleep or poll the event_fd, or doorbell_disarm. */
void doorbell_arm(struct doorbell *bell, enum doorbell_state state);
void doorbell_disarm(struct doorbell *bell); /* also empties the event_fd where it was polled */

/* Owner, armed ASLEEP: sleeps until rung, `deadline` (CLOCK_MONOTONIC ns), or DOORBELL_NAP; may wake for nothing. */
void doorbell_sleep(struct doorbell *bell, int64_t deadline);

#endif
