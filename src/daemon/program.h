/* Which program a node's `path` means: the words to run. */
#ifndef DAEMON_PROGRAM_H
#define DAEMON_PROGRAM_H

#include "daemon/spawn.h"

struct program {
    char **words; /* ended by NULL; words[0] is the file to run, a path with a slash */
    size_t count;
};

/* Fills in `program`; program_free() afterwards in any case. Errors as spawn_node(). */
int program_find(const struct spawn_request *request, struct program *program, struct error *error);
void program_free(struct program *program);

#endif
