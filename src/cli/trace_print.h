/* The paths of a trace on the terminal and as JSON. */
#ifndef CLI_TRACE_PRINT_H
#define CLI_TRACE_PRINT_H

#include <stdbool.h>

#include "cli/trace_paths.h"

/* Prints a path on stdout; with an empty line in front where it is `another`. */
void trace_print(const struct trace_path *path, bool another);

/* NULL: out of memory. */
json_t *trace_print_json(const struct trace_path *path);

/* Is this topic on it? */
bool trace_print_has(const struct trace_path *path, const char *topic);

#endif
