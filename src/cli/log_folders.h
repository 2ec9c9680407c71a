/* Where a dataflow's log files are: in out/UUID of each node's working directory. */
#ifndef CLI_LOG_FOLDERS_H
#define CLI_LOG_FOLDERS_H

#include "cli/log_files.h"
#include "graph/graph.h"

/* Adds those of all nodes. */
int log_folders_add(struct log_files *files, const struct graph *graph, const char *uuid, struct error *error);

#endif
