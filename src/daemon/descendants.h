/* All processes below this one. It must be a subreaper, so that what a child leaves behind falls to it and not to init.
 */
#ifndef DAEMON_DESCENDANTS_H
#define DAEMON_DESCENDANTS_H

#include <stdint.h>
#include <sys/types.h>

/* Kills and reaps every descendant, also those with a session of their own and those still being forked, but for the
 * child `spared` (0: none) and what is below it. Returns at once when there are none. 0, or -ETIMEDOUT when some are
 * still there after `timeout_ns` (a process that hangs in the kernel, or one of another user). */
int descendants_kill(int64_t timeout_ns, pid_t spared);

#endif
