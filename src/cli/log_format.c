#include "cli/log_format.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "daemon/log_json.h"

static const char *level_text(const struct log_line *line)
{
    switch (line->level) {
    case GRAPH_LOG_ERROR:
        return "ERROR";
    case GRAPH_LOG_WARN:
        return "WARN";
    case GRAPH_LOG_INFO:
        return "INFO";
    case GRAPH_LOG_DEBUG:
        return "DEBUG";
    case GRAPH_LOG_TRACE:
        return "TRACE";
    default:
        return line->is_stderr ? "stderr" : "stdout";
    }
}

static int level_color(enum graph_log_level level)
{
    static const int colors[] = {
        [GRAPH_LOG_ERROR] = 31, [GRAPH_LOG_WARN] = 33, [GRAPH_LOG_INFO] = 32, [GRAPH_LOG_DEBUG] = 34};
    return level <= GRAPH_LOG_DEBUG ? colors[level] : 90;
}

int log_format_color(size_t index)
{
    static const int colors[] = {36, 35, 33, 32, 34, 96, 95, 93, 92, 94};
    return colors[index % (sizeof colors / sizeof *colors)];
}

static void add_clock(struct buf *out, int64_t unix_ns)
{
    time_t when = (time_t)(unix_ns / CLOCK_SECOND);
    struct tm tm;
    char text[16];
    if (localtime_r(&when, &tm) && strftime(text, sizeof text, "%H:%M:%S", &tm))
        buf_puts(out, text);
}

void log_format_pretty(struct buf *out, const struct log_line *line, int color)
{
    if (color) {
        buf_puts(out, "\033[90m");
        add_clock(out, line->unix_ns);
        buf_printf(out, "\033[0m \033[%dm%-6s\033[0m \033[1;%dm%s\033[0m: ", level_color(line->level), level_text(line),
                   color, line->node);
    } else {
        add_clock(out, line->unix_ns);
        buf_printf(out, " %-6s %s: ", level_text(line), line->node);
    }
    if (line->target)
        buf_printf(out, "%s ", line->target);
    buf_add(out, line->message, line->len);
    if (line->fields)
        buf_printf(out, " %s", line->fields);
    /* A node that leaves a colour switched on must not paint the next one's lines. */
    buf_puts(out, color && memchr(line->message, '\033', line->len) ? "\033[0m\n" : "\n");
}

void log_format_compact(struct buf *out, const struct log_line *line)
{
    add_clock(out, line->unix_ns);
    buf_printf(out, " %s %s: ", level_text(line), line->node);
    buf_add(out, line->message, line->len);
    buf_putc(out, '\n');
}

void log_format_json(struct buf *out, const struct log_line *line, const char *dataflow_id)
{
    log_json_add(out, line, dataflow_id);
    buf_putc(out, '\n');
}

void log_format_record(struct buf *out, const struct log_line *line, const char *dataflow_id)
{
    log_json_add(out, line, dataflow_id);
    if (out->len)
        out->len--; /* its brace */
    buf_printf(out, ",\"stream\":\"%s\"}\n", line->is_stderr ? "stderr" : "stdout");
}

void log_format_line(struct buf *out, const struct log_line *line, enum log_format format, int color,
                     const char *dataflow_id)
{
    switch (format) {
    case LOG_PRETTY:
        log_format_pretty(out, line, color);
        break;
    case LOG_COMPACT:
        log_format_compact(out, line);
        break;
    case LOG_JSON:
        log_format_json(out, line, dataflow_id);
        break;
    case LOG_RECORD:
        log_format_record(out, line, dataflow_id);
        break;
    }
}
