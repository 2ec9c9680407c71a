/* The environment a node starts with. */
#ifndef DAEMON_ENVIRONMENT_H
#define DAEMON_ENVIRONMENT_H

#include "daemon/spawn.h"

/* By the request's node, env and config (NULL: none is set). A list of "KEY=VALUE" ended by NULL, each key once, in one
 * allocation for free(); NULL when out of memory. */
char **environment_make(const struct spawn_request *request);

#endif
