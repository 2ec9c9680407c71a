/* Log lines with a level: one JSON object a line on standard output, in one write, which the daemon collects. */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "node/node.h"

static void put_json_text(struct buf *out, const char *text)
{
    buf_putc(out, '"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            buf_putc(out, '\\'), buf_putc(out, (char)*c);
        else if (*c == '\n')
            buf_puts(out, "\\n");
        else if (*c == '\t')
            buf_puts(out, "\\t");
        else if (*c < 0x20)
            buf_printf(out, "\\u%04x", *c);
        else
            buf_putc(out, (char)*c);
    }
    buf_putc(out, '"');
}

static void put_time(struct buf *out)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    buf_printf(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ\"", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
               utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1000);
}

int dora_log_message(dora_node *node, dora_log_level level, const char *message)
{
    static const char *const names[] = {"error", "warn", "info", "debug", "trace"};
    if ((unsigned)level >= sizeof names / sizeof *names)
        return node_fail(node, -EINVAL, "there is no log level %d", (int)level);
    autobuf struct buf line = {0};
    buf_puts(&line, "{\"timestamp\":");
    put_time(&line);
    buf_printf(&line, ",\"level\":\"%s\",\"node_id\":", names[level]);
    put_json_text(&line, node->id);
    buf_puts(&line, ",\"message\":");
    put_json_text(&line, message);
    buf_puts(&line, "}\n");
    if (line.failed)
        return node_fail(node, -ENOMEM, "no memory for a log line");
    for (size_t done = 0; done < line.len;) {
        ssize_t wrote = write(STDOUT_FILENO, line.data + done, line.len - done);
        if (wrote < 0 && errno != EINTR)
            return node_fail(node, -errno, "can't write a log line to standard output");
        if (wrote > 0)
            done += (size_t)wrote;
    }
    return 0;
}
