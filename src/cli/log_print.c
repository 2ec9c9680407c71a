#include "cli/log_print.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/log_format.h"
#include "cli/report.h"

enum {
    WAITING_MOST = 4 << 20,
    PIECE = 4096, /* PIPE_BUF: when poll() says that a pipe takes something, it takes this much without blocking */
    RETRY_MS = 20,
    PATIENCE_MS = 200,
};

struct log_print {
    struct log_print_options options;
    uv_prepare_t turn; /* lines of one turn of the loop are written together, before it sleeps */
    uv_timer_t retry;  /* while stdout takes nothing */
    int handles;
    struct buf waiting;
    size_t written;  /* of `waiting` */
    size_t lost;     /* lines */
    int patience_ms; /* left of the time that a turn of the loop may wait for a slow reader */
    bool color, is_closed;
};

static void add_lost(struct log_print *print)
{
    if (print->options.format != LOG_JSON)
        buf_printf(&print->waiting, "[dora]: %zu lines are not shown, stdout is read too slowly; see the log files\n",
                   print->lost);
    print->lost = 0;
}

/* Waits until stdout takes a piece; false after `timeout_ms` (-1: never), or when `abort_fd` (-1: none) has something.
 */
static bool is_ready(int timeout_ms, int abort_fd)
{
    struct pollfd both[] = {{.fd = STDOUT_FILENO, .events = POLLOUT}, {.fd = abort_fd, .events = POLLIN}};
    while (poll(both, 2, timeout_ms) < 0)
        if (errno != EINTR)
            return false;
    return both[0].revents != 0;
}

/* Writes until no more than `rest` bytes wait, or stdout isn't ready. */
static void write_pieces(struct log_print *print, size_t rest, int timeout_ms, int abort_fd)
{
    struct buf *waiting = &print->waiting;
    while (waiting->len - print->written > rest && is_ready(timeout_ms, abort_fd)) {
        size_t left = waiting->len - print->written;
        ssize_t len = write(STDOUT_FILENO, waiting->data + print->written, left < PIECE ? left : PIECE);
        if (len < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (len < 0) {
            int code = errno;
            print->is_closed = true;
            print->written = waiting->len;
            if (code != EPIPE)
                report_error("can't write to stdout: %s", strerror(code));
            if (code == EPIPE && print->options.on_closed)
                print->options.on_closed(print->options.context);
            break;
        }
        print->written += (size_t)len;
    }
    if (print->written == waiting->len) {
        if (waiting->cap > WAITING_MOST / 8)
            buf_free(waiting);
        else
            buf_clear(waiting);
        print->written = 0;
        if (print->lost && !print->is_closed)
            add_lost(print);
    }
}

static void on_turn(uv_prepare_t *turn)
{
    struct log_print *print = turn->data;
    print->patience_ms = PATIENCE_MS;
    log_print_flush(print);
}

static void on_retry(uv_timer_t *timer)
{
    log_print_flush(timer->data);
}

void log_print_flush(struct log_print *print)
{
    write_pieces(print, 0, 0, -1);
    if (print->waiting.len)
        uv_timer_start(&print->retry, on_retry, RETRY_MS, 0);
}

void log_print_drain(struct log_print *print, int abort_fd)
{
    while (print->waiting.len && !print->is_closed) {
        size_t before = print->waiting.len;
        write_pieces(print, 0, -1, abort_fd);
        if (print->waiting.len == before)
            break;
    }
}

bool log_print_wants(const struct log_print_options *options, const struct log_line *line)
{
    enum graph_log_level level = options->level;
    const struct pairs *filters = options->filters;
    for (size_t i = 0; filters && i < filters->count; i++)
        if (strcmp(filters->items[i].key, line->node) == 0)
            level = graph_log_level_parse(filters->items[i].value);
    return line->level <= level;
}

static int color_of(const struct log_print *print, const char *id)
{
    const struct graph_node *node = graph_find(print->options.graph, id);
    return log_format_color(node ? (size_t)(node - print->options.graph->nodes) : 0);
}

void log_print_line(struct log_print *print, const struct log_line *line)
{
    if (print->is_closed || !log_print_wants(&print->options, line))
        return;
    struct buf *out = &print->waiting;
    if (out->len - print->written > WAITING_MOST && print->patience_ms > 0) {
        int64_t start = clock_now();
        write_pieces(print, WAITING_MOST / 2, print->patience_ms, -1);
        print->patience_ms -= (int)((clock_now() - start) / CLOCK_MILLI);
    }
    if (print->lost || out->len - print->written > WAITING_MOST) {
        print->lost++;
        return;
    }
    if (print->written) { /* only while stdout is slow */
        memmove(out->data, out->data + print->written, out->len - print->written + 1);
        out->len -= print->written;
        print->written = 0;
    }
    size_t before = out->len;
    log_format_line(out, line, print->options.format, print->color ? color_of(print, line->node) : 0,
                    print->options.dataflow_id);
    if (out->failed) {
        out->failed = false;
        out->len = before;
        print->lost++;
    }
}

struct log_print *log_print_open(uv_loop_t *loop, const struct log_print_options *options)
{
    struct log_print *print = calloc(1, sizeof *print);
    if (!print)
        return NULL;
    print->options = *options;
    print->color = report_color(STDOUT_FILENO);
    uv_prepare_init(loop, &print->turn);
    uv_timer_init(loop, &print->retry);
    print->turn.data = print->retry.data = print;
    print->handles = 2;
    print->patience_ms = PATIENCE_MS;
    uv_prepare_start(&print->turn, on_turn);
    uv_unref((uv_handle_t *)&print->turn);
    uv_unref((uv_handle_t *)&print->retry);
    return print;
}

static void free_when_closed(uv_handle_t *handle)
{
    struct log_print *print = handle->data;
    if (--print->handles > 0)
        return;
    buf_free(&print->waiting);
    free(print);
}

void log_print_close(struct log_print *print)
{
    if (!print)
        return;
    uv_close((uv_handle_t *)&print->turn, free_when_closed);
    uv_close((uv_handle_t *)&print->retry, free_when_closed);
}
