/* The process of the gateway. */
#ifndef AGENT_GATEWAY_PROCESS_H
#define AGENT_GATEWAY_PROCESS_H

#include <limits.h>
#include <sys/types.h>

#include "base/error.h"

/* Where the program is: what $DORA_GATEWAY says, else `../libexec/dora/dora-gateway` from this program's folder, else
 * `dora-gateway` beside it. -ENOENT: nowhere. */
int gateway_program(char path[PATH_MAX], struct error *error);

/* Starts it in a process group of its own, with one end of a socket pair in DORA_GATEWAY_FD; `*socket` is the other
 * one, and `*pid_fd` readable when it has ended. */
int gateway_spawn(pid_t *pid, int *pid_fd, int *socket, struct error *error);

#endif
