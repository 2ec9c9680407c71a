/* The list of commands, in the order of `dora --help`. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/command.h"

#define COMMANDS(X)                                                                                                    \
    X(run)                                                                                                             \
    X(up)                                                                                                              \
    X(down)                                                                                                            \
    X(status)                                                                                                          \
    X(doctor)                                                                                                          \
    X(build)                                                                                                           \
    X(start)                                                                                                           \
    X(stop)                                                                                                            \
    X(restart)                                                                                                         \
    X(list)                                                                                                            \
    X(clean)                                                                                                           \
    X(logs)                                                                                                            \
    X(system)                                                                                                          \
    X(validate)                                                                                                        \
    X(graph)                                                                                                           \
    X(expand)                                                                                                          \
    X(new)                                                                                                             \
    X(schema)                                                                                                          \
    X(completion)                                                                                                      \
    X(coordinator)                                                                                                     \
    X(help)                                                                                                            \
    X(complete)                                                                                                        \
    X(man)

#define COMMANDS_SYSTEM(X) X(system_status)

#define COMMANDS_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMANDS_DECLARE)
COMMANDS_SYSTEM(COMMANDS_DECLARE)
#undef COMMANDS_DECLARE

extern const struct command *const commands[]; /* ended by NULL */
extern const int command_count;

/* The command of this name or alias, or NULL; the second: of a group. */
const struct command *command_find(const char *name);
const struct command *command_find_in(const struct command *group, const char *name);

/* What stands behind the group's name: "echo" for "topic echo". */
const char *command_word(const struct command *command);

/* Reports that there is no such command, or none in the group (NULL: dora's), with what may have been meant; returns
 * COMMAND_USAGE. */
int command_unknown(const char *name);
int command_unknown_in(const struct command *group, const char *name);

#endif
