/* What one node prints: read from its two pipes, taken apart into lines, written to its log file, handed on.
 *
 * A node that prints without end is read a bounded piece at a time, so that it neither starves the loop nor grows its
 * memory; it waits in its own write(), as with any pipe. Nothing here stops a node: a log file that can't be written is
 * one warning.
 *
 * All calls and callbacks belong to the loop's thread. Callbacks may not call logs_close().
 */
#ifndef DAEMON_LOGS_H
#define DAEMON_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "graph/graph.h"

enum {
    LOGS_LINE_MOST = 1 << 20, /* bytes of a line; the rest is cut off, which the line then says */
    LOGS_TAIL_LINES = 500,    /* of stderr that are kept */
    LOGS_TAIL_BYTES_MOST = 64 << 10,
};

/* One line. A line that is one of dora's log messages in JSON is taken apart; any other has level GRAPH_LOG_STDOUT and
 * is the message itself. The strings live as long as the callback. */
struct log_line {
    const char *node;
    enum graph_log_level level;
    bool is_stderr;
    int64_t unix_ns;     /* when it was read */
    const char *message; /* without the newline, NUL-terminated; may hold any byte */
    size_t len;
    const char *target; /* the part of the program that speaks, or NULL */
    const char *fields; /* further values, a JSON object, or NULL */
};

struct logs_options {
    const char *node;               /* id */
    const char *path;               /* of the log file, ending in ".jsonl"; emptied first. NULL for none */
    int out_fd, err_fd;             /* taken over, also when logs_open fails */
    enum graph_log_level min_level; /* what is less severe is dropped; GRAPH_LOG_UNSET for all */
    uint64_t max_size;              /* bytes after which the file is rotated to ".1.jsonl"; 0 for never */
    uint32_t max_rotated;

    /* Each may be NULL. */
    void (*on_raw)(void *context, const char *line, size_t len); /* every line with its newline, before any filter */
    void (*on_line)(void *context, const struct log_line *line);
    void (*on_warning)(void *context, const char *text);
    void (*on_end)(void *context); /* both pipes are closed, or logs_finish() was called; everything was handed on */
    void *context;
};

struct logs;

/* Copies the strings of `options`. -ENOMEM, or what uv says. */
int logs_open(struct logs **logs, uv_loop_t *loop, const struct logs_options *options, struct error *error);

/* The process is gone: takes what is still in the pipes and ends, even if somebody else holds their other ends. */
void logs_finish(struct logs *logs);

/* The last lines of stderr as text, each with its newline; "" when there are none. Lives until the next line or
 * logs_close(). */
const char *logs_stderr_tail(struct logs *logs);

/* Writes out what is buffered and lets go of everything; the loop must run once more to free it. NULL is fine. */
void logs_close(struct logs *logs);

#endif
