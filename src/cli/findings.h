/* A graph's findings on the terminal. */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include <stdio.h>

#include "graph/graph.h"

/* Prints those findings that `wanted` picks, as graph_print_findings() does, and returns how many they were. */
size_t findings_print(const struct graph *graph, FILE *stream, bool (*wanted)(const struct graph_finding *finding));

/* Loads a descriptor that must be right, and prints what is wrong with it or deserves a warning on stderr. NULL when
 * there are errors; they are reported. */
struct graph *findings_load(const char *path, const struct graph_options *options);

/* The same as findings_load's report where the file itself can't be read. */
void findings_report_unread(const char *path, const struct error *error);

#endif
