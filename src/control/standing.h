/* How the daemon of this machine stands with its coordinator, as it says itself in the runtime folder
 * (docs/control.md): for commands which would else have to ask a coordinator that may know another daemon by the same
 * name.
 */
#ifndef CONTROL_STANDING_H
#define CONTROL_STANDING_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

enum control_stand { CONTROL_WAITING, CONTROL_REGISTERED, CONTROL_REFUSED };

struct control_standing {
    enum control_stand stand;
    bool is_elsewhere;   /* the coordinator is another machine's */
    bool was_registered; /* at any time since the daemon was started: it may have dataflows */
    char id[320];        /* as in daemon.register */
    char message[512];   /* why it isn't registered; "": nothing is known */
    char hint[512];      /* what to do about it; "": nothing is known */
};

/* `keeper`: the process that holds the daemon's lock. What was written before is replaced at once. */
int control_standing_write(const struct control_standing *standing, pid_t keeper, struct error *error);

/* That of the daemon which holds the lock now. -ENOENT: there is none, or it has said nothing yet. */
int control_standing_read(struct control_standing *standing);

void control_standing_remove(void);

#endif
