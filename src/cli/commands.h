/* The list of commands, in the order of `dora --help`. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

#define COMMANDS(X)                                                                                                    \
    X(run)                                                                                                             \
    X(validate)                                                                                                        \
    X(graph)                                                                                                           \
    X(expand)                                                                                                          \
    X(new)                                                                                                             \
    X(schema)                                                                                                          \
    X(completion)                                                                                                      \
    X(help)                                                                                                            \
    X(complete)                                                                                                        \
    X(man)

#define COMMANDS_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMANDS_DECLARE)
#undef COMMANDS_DECLARE

extern const struct command *const commands[];
extern const int command_count;

/* The command of this name or alias, or NULL. */
const struct command *command_find(const char *name);

/* Reports that there is no such command, with what may have been meant; returns COMMAND_USAGE. */
int command_unknown(const char *name);

#endif
