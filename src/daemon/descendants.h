/* All processes below this one. It must be a subreaper, so that what a child leaves behind falls to it and not to init.
 */
#ifndef DAEMON_DESCENDANTS_H
#define DAEMON_DESCENDANTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A child that is not one of a dataflow's, and is left alone. Whoever reaps it in passing notes how it has ended. */
struct spared {
    struct spared *next;
    pid_t pid;
    bool is_reaped;
    int status; /* as waitpid's */
};

/* Notes the status where the process is of the list. */
void spared_note(struct spared *list, pid_t pid, int status);

/* Kills and reaps every descendant, also those with a session of their own and those still being forked, but for the
 * children `spared` (NULL: none) and what is below them. Returns at once when there are none. 0, or -ETIMEDOUT when
 * some are still there after `timeout_ns` (a process that hangs in the kernel, or one of another user). */
int descendants_kill(int64_t timeout_ns, struct spared *spared);

#endif
