/* Nodes' log lines on stdout, as `dora run` and `dora logs` show them.
 *
 * A slow reader of stdout does not hold up a dataflow: what it has not taken yet waits here; when that is much, nodes
 * that print are held back for a moment in each turn of the loop; and what is still too much is counted instead of
 * shown (the log files have it). All calls belong to the loop's thread.
 */
#ifndef CLI_LOG_PRINT_H
#define CLI_LOG_PRINT_H

#include <stdbool.h>
#include <uv.h>

#include "cli/values.h"
#include "daemon/logs.h"
#include "graph/graph.h"

enum log_format { LOG_PRETTY, LOG_COMPACT, LOG_JSON, LOG_RECORD };

struct log_print_options {
    const struct graph *graph; /* gives each node its colour */
    const char *dataflow_id;
    enum log_format format;
    enum graph_log_level level;       /* less severe lines are not shown */
    const struct pairs *filters;      /* node id → level, over `level` */
    void (*on_closed)(void *context); /* nobody reads stdout any more (once) */
    void *context;
};

/* Is the line severe enough to be shown? */
bool log_print_wants(const struct log_print_options *options, const struct log_line *line);

struct log_print;

/* Keeps what `options` points at. NULL when out of memory. */
struct log_print *log_print_open(uv_loop_t *loop, const struct log_print_options *options);
void log_print_line(struct log_print *print, const struct log_line *line);

/* Writes what waits as far as stdout takes it now; done by itself in every turn of the loop. */
void log_print_flush(struct log_print *print);

/* Writes all that waits, however long its reader takes, unless `abort_fd` becomes readable. */
void log_print_drain(struct log_print *print, int abort_fd);

/* The loop must run once more to free it. NULL is fine. */
void log_print_close(struct log_print *print);

#endif
