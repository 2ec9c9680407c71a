/* How to run a dataflow, as `dora run` and `dora start` take it. */
#ifndef CLI_START_OPTIONS_H
#define CLI_START_OPTIONS_H

#include <stdbool.h>

#include "cli/options.h"
#include "cli/values.h"
#include "graph/graph.h"

struct start_options {
    struct pairs env;
    int exit_when_nodes_finish; /* 0 or 1; -1: as the descriptor says */
    bool allow_shell, uv, hot_reload, debug;
};

#define START_ENV_OPTION                                                                                               \
    {                                                                                                                  \
        .name = "env", .value = "KEY=VALUE", .repeatable = true, .help = "Set a variable for all nodes"                \
    }
#define START_EXIT_OPTION                                                                                              \
    {                                                                                                                  \
        .name = "exit-when-nodes-finish", .value = "BOOL", .optional = true,                                           \
        .help = "Whether nodes end when nothing but timers and logs is left to feed them"                              \
    }
#define START_SHELL_OPTION                                                                                             \
    {                                                                                                                  \
        .name = "allow-shell-nodes", .help = "Let nodes with `path: shell` run (also by DORA_ALLOW_SHELL_NODES=true)"  \
    }
#define START_UV_OPTION                                                                                                \
    {                                                                                                                  \
        .name = "uv", .help = "Run Python nodes and pip through uv"                                                    \
    }
#define START_RELOAD_OPTION                                                                                            \
    {                                                                                                                  \
        .name = "hot-reload", .help = "Load operators in Python anew when their file changes"                          \
    }
#define START_DEBUG_OPTION                                                                                             \
    {                                                                                                                  \
        .name = "debug", .help = "Accepted for compatibility: `dora topic` can look at all outputs anyway"             \
    }

/* False: wrong usage, which is reported. start_options_free() in any case. */
bool start_options_read(const struct options *options, struct start_options *start);
void start_options_free(struct start_options *start);

/* Loads the descriptor that is to run. NULL: it can't, which is reported. */
struct graph *start_options_load(const struct start_options *start, const char *path);

#endif
