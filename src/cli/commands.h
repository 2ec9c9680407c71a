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
    X(top)                                                                                                             \
    X(topic)                                                                                                           \
    X(node)                                                                                                            \
    X(param)                                                                                                           \
    X(trace)                                                                                                           \
    X(cluster)                                                                                                         \
    X(inspect)                                                                                                         \
    X(system)                                                                                                          \
    X(validate)                                                                                                        \
    X(graph)                                                                                                           \
    X(expand)                                                                                                          \
    X(new)                                                                                                             \
    X(schema)                                                                                                          \
    X(completion)                                                                                                      \
    X(daemon)                                                                                                          \
    X(coordinator)                                                                                                     \
    X(help)                                                                                                            \
    X(complete)                                                                                                        \
    X(man)

#define COMMANDS_SYSTEM(X) X(system_status)

#define COMMANDS_TOPIC(X)                                                                                              \
    X(topic_list)                                                                                                      \
    X(topic_info)                                                                                                      \
    X(topic_echo)                                                                                                      \
    X(topic_hz)                                                                                                        \
    X(topic_bw)                                                                                                        \
    X(topic_delay)                                                                                                     \
    X(topic_pub)

#define COMMANDS_NODE(X)                                                                                               \
    X(node_list)                                                                                                       \
    X(node_info)                                                                                                       \
    X(node_restart)                                                                                                    \
    X(node_move)                                                                                                       \
    X(node_stop)                                                                                                       \
    X(node_add)                                                                                                        \
    X(node_remove)                                                                                                     \
    X(node_replace)                                                                                                    \
    X(node_connect)                                                                                                    \
    X(node_disconnect)

#define COMMANDS_PARAM(X)                                                                                              \
    X(param_list)                                                                                                      \
    X(param_get)                                                                                                       \
    X(param_set)                                                                                                       \
    X(param_delete)

#define COMMANDS_CLUSTER(X)                                                                                            \
    X(cluster_up)                                                                                                      \
    X(cluster_status)                                                                                                  \
    X(cluster_down)                                                                                                    \
    X(cluster_certs)

#define COMMANDS_INSPECT(X) X(inspect_top)

#define COMMANDS_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMANDS_DECLARE)
COMMANDS_SYSTEM(COMMANDS_DECLARE)
COMMANDS_TOPIC(COMMANDS_DECLARE)
COMMANDS_NODE(COMMANDS_DECLARE)
COMMANDS_PARAM(COMMANDS_DECLARE)
COMMANDS_CLUSTER(COMMANDS_DECLARE)
COMMANDS_INSPECT(COMMANDS_DECLARE)
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
