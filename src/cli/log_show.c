#include "cli/log_show.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/log_format.h"
#include "cli/report.h"

enum {
    PIECE = 4096, /* PIPE_BUF: when poll() says that a pipe takes something, it takes this much without blocking */
    WRITE_AT = 64 << 10,
};

void log_show_init(struct log_show *show)
{
    *show = (struct log_show){
        .print = {.format = LOG_PRETTY, .level = GRAPH_LOG_STDOUT, .dataflow_id = ""},
        .since_ns = INT64_MIN,
        .until_ns = INT64_MAX,
        .tail = -1,
        .abort_fd = -1,
        .color = report_color(STDOUT_FILENO),
    };
}

void log_show_forget(struct log_show *show)
{
    for (long i = 0; show->last && i < show->tail; i++)
        free(show->last[i]);
    free(show->last);
    show->last = NULL;
    show->count = 0;
}

void log_show_free(struct log_show *show)
{
    log_show_forget(show);
    buf_free(&show->out);
}

static void keep(struct log_show *show, const struct log_line *line, int color)
{
    if (show->tail > 0 && !show->last)
        show->last = calloc((size_t)show->tail, sizeof *show->last);
    if (!show->last)
        return;
    struct buf text = {0};
    log_format_line(&text, line, show->print.format, color, show->print.dataflow_id);
    char **place = &show->last[show->count++ % (size_t)show->tail];
    free(*place);
    *place = buf_take(&text);
}

void log_show_line(struct log_show *show, const struct log_line *line, size_t stream)
{
    if (line->unix_ns < show->since_ns || line->unix_ns > show->until_ns || !log_print_wants(&show->print, line) ||
        (show->grep && !strcasestr(line->message, show->grep)))
        return;
    int color = show->color ? log_format_color(stream) : 0;
    if (show->tail >= 0) {
        keep(show, line, color);
        return;
    }
    size_t before = show->out.len;
    log_format_line(&show->out, line, show->print.format, color, show->print.dataflow_id);
    if (show->out.failed) {
        show->out.failed = false;
        show->out.len = before;
    }
    if (show->out.len >= WRITE_AT)
        log_show_flush(show);
}

void log_show_tail(struct log_show *show)
{
    for (long i = 0; show->last && i < show->tail; i++) {
        const char *line = show->last[(show->count + (size_t)i) % (size_t)show->tail];
        if (line)
            buf_puts(&show->out, line);
    }
    log_show_forget(show);
    show->tail = -1;
}

/* Waits until stdout takes a piece; false when `abort_fd` has something first. */
static bool is_ready(int abort_fd)
{
    struct pollfd both[] = {{.fd = STDOUT_FILENO, .events = POLLOUT}, {.fd = abort_fd, .events = POLLIN}};
    while (poll(both, 2, -1) < 0)
        if (errno != EINTR)
            return true; /* write() tells what is wrong */
    return both[0].revents != 0;
}

bool log_show_flush(struct log_show *show)
{
    size_t done = 0;
    while (done < show->out.len && !show->is_closed && is_ready(show->abort_fd)) {
        size_t left = show->out.len - done;
        ssize_t len = write(STDOUT_FILENO, show->out.data + done, left < PIECE ? left : PIECE);
        if (len < 0 && errno != EINTR && errno != EAGAIN) {
            if (errno != EPIPE)
                report_error("can't write to stdout: %s", strerror(errno));
            show->is_closed = true;
        }
        done += len > 0 ? (size_t)len : 0;
    }
    if (done < show->out.len && !show->is_closed) {
        memmove(show->out.data, show->out.data + done, show->out.len - done + 1);
        show->out.len -= done;
    } else {
        buf_clear(&show->out);
    }
    return !show->is_closed;
}

bool log_show_is_full(const struct log_show *show)
{
    return show->is_closed || show->out.len >= WRITE_AT;
}
