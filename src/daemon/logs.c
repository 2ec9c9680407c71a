#include "daemon/logs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/lines.h"
#include "daemon/log_file.h"
#include "daemon/log_message.h"
#include "daemon/tail.h"

enum {
    READ_MOST = 32 << 10,   /* of each pipe in an iteration of the loop */
    FINISH_READS_MOST = 64, /* a pipe holds 64 KiB unless somebody else still writes into it */
};

struct stream {
    struct logs *logs;
    uv_poll_t poll;
    int fd; /* -1: ended */
    bool is_stderr, is_initialized;
    struct lines lines;
};

struct logs {
    struct logs_options options;
    char *node;
    struct stream out, err;
    struct log_file file;
    struct tail tail;
    int64_t now_ns; /* of the piece being read */
    bool has_warned, has_ended;
    int handles; /* open in the loop */
};

static void warn_once(struct logs *logs, int code)
{
    if (code >= 0 || logs->has_warned)
        return;
    logs->has_warned = true;
    struct error error = ERROR_INIT;
    error_sys(&error, code, "node `%s`: can't write its log file `%s`, lines are missing there", logs->node,
              logs->file.path ? logs->file.path : "?");
    if (logs->options.on_warning)
        logs->options.on_warning(logs->options.context, error.message);
}

static void on_line(void *context, char *text, size_t len)
{
    struct stream *stream = context;
    struct logs *logs = stream->logs;
    const struct logs_options *options = &logs->options;
    if (options->on_raw)
        options->on_raw(options->context, text, len);
    if (stream->is_stderr)
        tail_add(&logs->tail, text, len);
    if (text[len - 1] == '\n')
        text[--len] = '\0';

    struct log_line line = {
        .node = logs->node,
        .level = GRAPH_LOG_STDOUT,
        .is_stderr = stream->is_stderr,
        .unix_ns = logs->now_ns,
        .message = text,
        .len = len,
    };
    struct log_message message;
    bool is_message = log_message_parse(&message, text, len);
    if (is_message) {
        line.level = message.level;
        line.message = message.message;
        line.len = message.len;
        line.target = message.target;
        line.fields = message.fields;
    }
    if (options->min_level == GRAPH_LOG_UNSET || line.level <= options->min_level) {
        warn_once(logs, log_file_add(&logs->file, &line));
        if (options->on_line)
            options->on_line(options->context, &line);
    }
    if (is_message)
        log_message_free(&message);
}

static void free_when_closed(uv_handle_t *handle)
{
    struct logs *logs = ((struct stream *)handle->data)->logs;
    if (--logs->handles > 0)
        return;
    free(logs->node);
    free(logs);
}

static void end_stream(struct stream *stream)
{
    if (stream->fd < 0)
        return;
    if (stream->is_initialized)
        uv_poll_stop(&stream->poll);
    close(take_fd(&stream->fd));
    lines_end(&stream->lines);
    struct logs *logs = stream->logs;
    if (logs->out.fd >= 0 || logs->err.fd >= 0 || logs->has_ended)
        return;
    logs->has_ended = true;
    warn_once(logs, log_file_flush(&logs->file));
    if (logs->options.on_end)
        logs->options.on_end(logs->options.context);
}

/* Reads one piece; false when there is nothing more for now, or ever. */
static bool read_piece(struct stream *stream)
{
    char piece[READ_MOST];
    if (stream->fd < 0)
        return false;
    ssize_t len = read(stream->fd, piece, sizeof piece);
    if (len > 0) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        stream->logs->now_ns = now.tv_sec * CLOCK_SECOND + now.tv_nsec;
        lines_feed(&stream->lines, piece, (size_t)len);
        return len == sizeof piece;
    }
    if (len == 0 || (errno != EAGAIN && errno != EINTR))
        end_stream(stream);
    return false;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status; /* read() says better what is wrong */
    (void)events;
    struct stream *stream = poll->data;
    if (!read_piece(stream))
        warn_once(stream->logs, log_file_flush(&stream->logs->file));
}

static int start_stream(struct logs *logs, struct stream *stream, uv_loop_t *loop)
{
    int rc = uv_poll_init(loop, &stream->poll, stream->fd);
    if (rc < 0)
        return rc;
    stream->poll.data = stream;
    stream->is_initialized = true;
    logs->handles++;
    return uv_poll_start(&stream->poll, UV_READABLE, on_readable);
}

static void init_stream(struct logs *logs, struct stream *stream, int fd, bool is_stderr)
{
    stream->logs = logs;
    stream->fd = fd;
    stream->is_stderr = is_stderr;
    stream->lines = (struct lines){.most = LOGS_LINE_MOST, .on_line = on_line, .context = stream};
}

int logs_open(struct logs **result, uv_loop_t *loop, const struct logs_options *options, struct error *error)
{
    *result = NULL;
    autoclose int out_fd = options->out_fd, err_fd = options->err_fd;
    struct logs *logs = calloc(1, sizeof *logs);
    char *node = strdup(options->node);
    if (!logs || !node) {
        free(logs);
        free(node);
        return error_sys(error, -ENOMEM, "node `%s`: its logs", options->node);
    }
    logs->node = node;
    logs->options = *options;
    logs->file.fd = -1;
    logs->tail = (struct tail){.lines_most = LOGS_TAIL_LINES, .bytes_most = LOGS_TAIL_BYTES_MOST};
    init_stream(logs, &logs->out, take_fd(&out_fd), false);
    init_stream(logs, &logs->err, take_fd(&err_fd), true);
    if (options->path)
        warn_once(logs, log_file_open(&logs->file, options->path, options->max_size, options->max_rotated));
    int rc = start_stream(logs, &logs->out, loop);
    if (rc == 0)
        rc = start_stream(logs, &logs->err, loop);
    if (rc < 0) {
        error_set(error, rc, "node `%s`: can't read its output: %s", options->node, uv_strerror(rc));
        logs->options = (struct logs_options){.min_level = GRAPH_LOG_UNSET}; /* nobody hears of it any more */
        logs_close(logs);
        return rc;
    }
    *result = logs;
    return 0;
}

void logs_finish(struct logs *logs)
{
    struct stream *streams[] = {&logs->out, &logs->err};
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < FINISH_READS_MOST && read_piece(streams[i]); k++)
            ;
        end_stream(streams[i]);
    }
}

const char *logs_stderr_tail(struct logs *logs)
{
    return tail_text(&logs->tail);
}

void logs_close(struct logs *logs)
{
    if (!logs)
        return;
    logs->options.on_end = NULL;
    end_stream(&logs->out);
    end_stream(&logs->err);
    log_file_close(&logs->file);
    tail_free(&logs->tail);
    bool has_handles = logs->handles > 0;
    if (logs->out.is_initialized)
        uv_close((uv_handle_t *)&logs->out.poll, free_when_closed);
    if (logs->err.is_initialized)
        uv_close((uv_handle_t *)&logs->err.poll, free_when_closed);
    if (!has_handles) {
        free(logs->node);
        free(logs);
    }
}
