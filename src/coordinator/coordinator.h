/* The coordinator: knows every dataflow of a user, keeps them in its state, and passes on what the command asks of the
 * daemons that run them (docs/control.md, docs/machines.md). It runs nothing itself: killed at any moment and started
 * again, it finds the daemons and what runs.
 */
#ifndef COORDINATOR_COORDINATOR_H
#define COORDINATOR_COORDINATOR_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"

#define COORDINATOR_LOST_AFTER (15 * CLOCK_SECOND)

struct coordinator_options {
    const char *version;   /* dora's */
    const char *store;     /* a path, "memory", or NULL for the user's state folder */
    bool quiet;            /* says nothing on stderr but errors */
    int64_t lost_after_ns; /* a machine out of reach for so long is lost; 0: COORDINATOR_LOST_AFTER */
};

/* Runs until SIGTERM, SIGINT or the request `shutdown`: 0; dataflows stay as they are, but for `shutdown`. Negative:
 * -EBUSY: one is running already; or its state can't be used. */
int coordinator_run(const struct coordinator_options *options, struct error *error);

/* The names of the points at which $DORA_COORDINATOR_CRASH_AT ends this process, as a test walks through them; ended by
 * NULL. */
extern const char *const coordinator_crash_points[];

#endif
