/* `dora coordinator` and `dora daemon` as processes in the background. */
#ifndef CLI_BACKGROUND_H
#define CLI_BACKGROUND_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct background {
    const char *role; /* "coordinator" or "daemon" */
    pid_t pid;        /* 0: not started */
    char log[PATH_MAX];
    off_t log_start; /* what it prints begins there */
};

/* Starts this executable as `dora ROLE ARGS…`, in a session of its own, with its output appended to ROLE.log in the
 * state folder. It is a child until we end. `args` ends with NULL, and may be NULL. */
int background_start(struct background *background, const char *role, const char *const *args, struct error *error);

/* Whether it has ended already; it was started. */
bool background_has_ended(struct background *background);

/* Ends it, if it was started and has not ended: by SIGTERM, and by SIGKILL where it takes longer than `patience_ns`.
 * Its process is gone when this returns. */
void background_end(struct background *background, int64_t patience_ns);

/* Prints the last lines that it printed itself, on stderr. */
void background_print_log(const struct background *background);

#endif
