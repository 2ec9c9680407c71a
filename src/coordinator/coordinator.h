/* The coordinator: knows every dataflow of a user, keeps them in its state, and passes on what the command asks of the
 * daemon that runs them (docs/control.md). It runs nothing itself: killed at any moment and started again, it finds the
 * daemon and what runs.
 */
#ifndef COORDINATOR_COORDINATOR_H
#define COORDINATOR_COORDINATOR_H

#include <stdbool.h>

#include "base/error.h"

struct coordinator_options {
    const char *version; /* dora's */
    const char *store;   /* a path, "memory", or NULL for the user's state folder */
    bool quiet;          /* says nothing on stderr but errors */
};

/* Runs until SIGTERM, SIGINT or the request `shutdown`: 0; dataflows stay as they are, but for `shutdown`. Negative:
 * -EBUSY: one is running already; or its state can't be used. */
int coordinator_run(const struct coordinator_options *options, struct error *error);

/* The names of the points at which $DORA_COORDINATOR_CRASH_AT ends this process, as a test walks through them; ended by
 * NULL. */
extern const char *const coordinator_crash_points[];

#endif
