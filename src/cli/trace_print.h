/* The paths of a trace on the terminal and as JSON. */
#ifndef CLI_TRACE_PRINT_H
#define CLI_TRACE_PRINT_H

#include <stdbool.h>

#include "cli/table.h"
#include "cli/trace_paths.h"

/* Prints a path on stdout; with an empty line in front where it is `another`. */
void trace_print(const struct trace_path *path, bool another);

/* NULL: out of memory. */
json_t *trace_print_json(const struct trace_path *path);

/* A name of the path that stays the same from trace to trace. */
enum { TRACE_ID = 9 };
void trace_print_id(const struct trace_path *path, char id[TRACE_ID]);

/* One line of a list of paths: in a table with these columns, or as JSON (NULL: out of memory). */
enum { TRACE_LIST_COLUMNS = 5 };
extern const struct table_column trace_list_columns[TRACE_LIST_COLUMNS];
void trace_print_row(const struct trace_path *path, struct table *table);
json_t *trace_print_row_json(const struct trace_path *path);

/* Is this topic on it? */
bool trace_print_has(const struct trace_path *path, const char *topic);

#endif
