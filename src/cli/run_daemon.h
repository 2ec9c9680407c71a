/* The second of the two processes of `dora run` (the first is the keeper): it runs one dataflow to its end. */
#ifndef CLI_RUN_DAEMON_H
#define CLI_RUN_DAEMON_H

#include <stdint.h>

#include "cli/log_print.h"
#include "base/uuid.h"
#include "cli/values.h"
#include "daemon/daemon.h"
#include "graph/graph.h"

/* What the command line asks for. */
struct wishes {
    struct daemon_options daemon;
    struct log_print_options print;
    struct pairs filters;
    int64_t stop_after_ns; /* 0: never */
    struct graph *graph;
    char id[UUID_TEXT];
};

/* For keeper_run(); `wishes` is a struct wishes, of which it frees the graph in its process. Returns the exit status.
 */
int run_daemon(int control_fd, void *wishes);

#endif
