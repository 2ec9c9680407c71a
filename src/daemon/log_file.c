#include "daemon/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/json_text.h"

enum { FLUSH_AT = 64 << 10 };

static int open_empty(const char *path)
{
    /* O_APPEND, so that after a file was cut the next line begins at its end. */
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644);
    return fd < 0 ? -errno : fd;
}

int log_file_open(struct log_file *file, const char *path, uint64_t max_size, uint32_t max_rotated)
{
    *file = (struct log_file){.fd = -1, .max_size = max_size, .max_rotated = max_rotated, .second = -1};
    file->path = strdup(path);
    if (!file->path)
        return -ENOMEM;
    int fd = open_empty(path);
    if (fd < 0)
        return fd;
    file->fd = fd;
    return 0;
}

/* "log_x.jsonl" → "log_x.N.jsonl" */
static char *rotated_name(const char *path, uint32_t number)
{
    struct buf name = {0};
    const char *dot = strrchr(path, '.');
    size_t stem = dot ? (size_t)(dot - path) : strlen(path);
    buf_printf(&name, "%.*s.%u%s", (int)stem, path, number, path + stem);
    return buf_take(&name);
}

static int rotate(struct log_file *file)
{
    for (uint32_t i = file->max_rotated; i > 0; i--) {
        autofree char *from = i > 1 ? rotated_name(file->path, i - 1) : strdup(file->path);
        autofree char *to = rotated_name(file->path, i);
        if (from && to)
            (void)!rename(from, to); /* most of them need not exist */
    }
    int fd = open_empty(file->path);
    if (fd < 0)
        return fd;
    close(file->fd);
    file->fd = fd;
    file->size = 0;
    return 0;
}

static const char *time_text(struct log_file *file, int64_t second)
{
    if (second != file->second) {
        time_t when = second;
        struct tm tm;
        if (!gmtime_r(&when, &tm) || !strftime(file->stamp, sizeof file->stamp, "%Y-%m-%dT%H:%M:%S", &tm))
            file->stamp[0] = '\0';
        file->second = second;
    }
    return file->stamp;
}

int log_file_add(struct log_file *file, const struct log_line *line)
{
    if (file->fd < 0)
        return 0;
    struct buf *out = &file->text;
    size_t before = out->len;
    buf_printf(out, "{\"ts\":\"%s.%03dZ\",\"level\":\"%s\",\"node\":", time_text(file, line->unix_ns / CLOCK_SECOND),
               (int)(line->unix_ns % CLOCK_SECOND / CLOCK_MILLI), graph_log_level_name(line->level));
    json_text_add(out, line->node, strlen(line->node));
    buf_printf(out, ",\"stream\":\"%s\",\"msg\":", line->is_stderr ? "stderr" : "stdout");
    json_text_add(out, line->message, line->len);
    if (line->target) {
        buf_puts(out, ",\"target\":");
        json_text_add(out, line->target, strlen(line->target));
    }
    if (line->fields) {
        buf_puts(out, ",\"fields\":");
        buf_puts(out, line->fields);
    }
    buf_puts(out, "}\n");
    int rc = out->failed ? -ENOMEM : 0;
    if (out->failed) {
        out->failed = false;
        out->len = before; /* without the half of a line that is there */
    }
    int flushed = out->len >= FLUSH_AT ? log_file_flush(file) : 0;
    return rc < 0 ? rc : flushed;
}

int log_file_flush(struct log_file *file)
{
    struct buf *out = &file->text;
    size_t done = 0;
    int rc = 0;
    while (file->fd >= 0 && done < out->len) {
        ssize_t len = write(file->fd, out->data + done, out->len - done);
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0) {
            rc = len < 0 ? -errno : -EIO;
            (void)!ftruncate(file->fd, (off_t)file->size); /* no half lines */
            break;
        }
        done += (size_t)len;
    }
    if (rc == 0)
        file->size += done;
    buf_clear(out);
    if (rc == 0 && file->max_size && file->size >= file->max_size)
        rc = rotate(file);
    return rc;
}

void log_file_close(struct log_file *file)
{
    cleanup_close(&file->fd);
    buf_free(&file->text);
    free(file->path);
    *file = (struct log_file){.fd = -1};
}
