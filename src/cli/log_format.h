/* How a log line looks to people and programs. */
#ifndef CLI_LOG_FORMAT_H
#define CLI_LOG_FORMAT_H

#include "base/buf.h"
#include "cli/log_print.h"

/* HH:MM:SS LEVEL  node: target message. `color` is the node's, 0 for none at all. */
void log_format_pretty(struct buf *out, const struct log_line *line, int color);
/* HH:MM:SS LEVEL node: message */
void log_format_compact(struct buf *out, const struct log_line *line);
/* An object with the fields of dora's log message. */
void log_format_json(struct buf *out, const struct log_line *line, const char *dataflow_id);

/* The same with all that log_record_read() reads back. */
void log_format_record(struct buf *out, const struct log_line *line, const char *dataflow_id);

/* In the format that the user chose. `color` is used by pretty lines, `dataflow_id` by JSON. */
void log_format_line(struct buf *out, const struct log_line *line, enum log_format format, int color,
                     const char *dataflow_id);

/* The index-th node's colour: an SGR parameter. */
int log_format_color(size_t index);

#endif
