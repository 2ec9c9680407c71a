/* Where the long-lived processes of a user find each other and keep what they know. */
#ifndef CONTROL_PATHS_H
#define CONTROL_PATHS_H

#include <limits.h>
#include <sys/types.h>

#include "base/error.h"

/* $XDG_RUNTIME_DIR/dora, else /tmp/dora-UID; made with mode 0700 where it is missing, and refused (-EPERM) where it is
 * another user's, open to others or no folder. */
int control_runtime_folder(char path[PATH_MAX], struct error *error);

/* $XDG_STATE_HOME/dora, else ~/.local/state/dora; made, with its parents, where it is missing. */
int control_state_folder(char path[PATH_MAX], struct error *error);

/* NAME in one of the two. */
int control_runtime_file(char path[PATH_MAX], const char *name, struct error *error);
int control_state_file(char path[PATH_MAX], const char *name, struct error *error);

#define CONTROL_SOCKET           "coordinator.sock" /* in the runtime folder */
#define CONTROL_COORDINATOR_LOCK "coordinator.lock"
#define CONTROL_DAEMON_LOCK      "daemon.lock"
#define CONTROL_STATE            "state.db" /* in the state folder */

/* Takes the lock NAME in the runtime folder and writes this process's pid into it: the lock is held while `*fd` is open
 * here or in a child. -EBUSY: another process holds it; `message` names its pid. */
int control_lock(const char *name, int *fd, struct error *error);

/* The process that holds the lock NAME; 0: none; -1: one whose pid can't be read. Never in the way of control_lock. */
pid_t control_lock_holder(const char *name);

#endif
