#include "cli/log_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { PIECE = 64 << 10, LINE_MOST = 64 << 20, ROTATED_MOST = 10000 };

void log_stream_init(struct log_stream *stream, char *stem)
{
    const char *slash = strrchr(stem, '/');
    *stream = (struct log_stream){.stem = stem, .fd = -1, .node = slash + strlen("/log_")};
}

void log_stream_close(struct log_stream *stream)
{
    cleanup_close(&stream->fd);
    log_record_free(&stream->head);
    buf_free(&stream->text);
    free(stream->stem);
    *stream = (struct log_stream){.fd = -1};
}

/* The number-th file: 0 is the one being written, 1 the newest of the rotated. */
static char *file_name(const struct log_stream *stream, int number)
{
    char *name = NULL;
    int len = number ? asprintf(&name, "%s.%d.jsonl", stream->stem, number) : asprintf(&name, "%s.jsonl", stream->stem);
    return len < 0 ? NULL : name;
}

static bool stat_file(const struct log_stream *stream, int number, struct stat *stat)
{
    autofree char *name = file_name(stream, number);
    return name && lstat(name, stat) == 0 && S_ISREG(stat->st_mode);
}

static bool open_file(struct log_stream *stream, int number)
{
    struct stat stat;
    autofree char *name = file_name(stream, number);
    autoclose int fd = name ? open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    if (fd < 0 || fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode))
        return false;
    cleanup_close(&stream->fd);
    stream->fd = take_fd(&fd);
    stream->device = stat.st_dev;
    stream->inode = stat.st_ino;
    stream->position = 0;
    stream->was_read_since = false;
    return true;
}

/* The number of the file that we are in, -1 when it is gone; `*oldest` is the highest number there is. */
static int find_current(const struct log_stream *stream, int *oldest)
{
    int found = -1;
    struct stat stat;
    *oldest = 0;
    for (int number = 0; number < ROTATED_MOST; number++) {
        if (!stat_file(stream, number, &stat)) {
            if (number > 0)
                break;
            continue; /* there may be none for a moment, in the middle of a rotation */
        }
        *oldest = number;
        if (stat.st_dev == stream->device && stat.st_ino == stream->inode)
            found = number;
    }
    return found;
}

/* At the end of a file: is there another to go on with, or more in this one? */
static bool advance(struct log_stream *stream)
{
    int oldest, number = find_current(stream, &oldest);
    if (stream->fd < 0)
        return open_file(stream, oldest);
    struct stat stat;
    if (number == 0) {
        if (fstat(stream->fd, &stat) < 0 || stat.st_size >= stream->position)
            return false;
        /* Emptied: the node was started anew. */
        stream->position = 0;
        buf_clear(&stream->text);
        stream->start = 0;
        return lseek(stream->fd, 0, SEEK_SET) == 0;
    }
    if (!stream->was_read_since) {
        /* It may have grown between our reading its end and its renaming. */
        stream->was_read_since = true;
        return true;
    }
    return open_file(stream, number > 0 ? number - 1 : oldest);
}

/* The file in which the last `bytes` begin, and where in it; -1: there are not so many. */
static int find_tail(const struct log_stream *stream, off_t bytes, off_t *position)
{
    struct stat stat;
    for (int number = 0; number < ROTATED_MOST; number++) {
        if (!stat_file(stream, number, &stat)) {
            if (number > 0)
                break;
            continue;
        }
        if (stat.st_size > bytes) {
            *position = stat.st_size - bytes;
            return number;
        }
        bytes -= stat.st_size;
    }
    return -1;
}

/* More text: false at the end of all that there is now. */
static bool read_more(struct log_stream *stream)
{
    if (stream->fd < 0 && !advance(stream))
        return false;
    if (stream->start) {
        memmove(stream->text.data, stream->text.data + stream->start, stream->text.len - stream->start);
        stream->text.len -= stream->start;
        stream->start = 0;
    }
    for (;;) {
        char *room = buf_reserve(&stream->text, PIECE);
        ssize_t len = room ? read(stream->fd, room, PIECE) : -1;
        if (len < 0 && errno == EINTR)
            continue;
        if (len > 0) {
            stream->text.len += (size_t)len;
            stream->text.data[stream->text.len] = '\0';
            stream->position += len;
            return true;
        }
        if (len < 0 || !advance(stream))
            return false;
    }
}

bool log_stream_fill(struct log_stream *stream)
{
    struct buf *text = &stream->text;
    size_t searched = 0;
    while (!stream->has_head && !stream->at_end) {
        char *begin = text->data + stream->start;
        size_t len = text->len - stream->start;
        char *end = len > searched ? memchr(begin + searched, '\n', len - searched) : NULL;
        if (!end && len > LINE_MOST) {
            stream->start = text->len;
            stream->skipping = true;
        }
        if (!end) {
            searched = text->len - stream->start;
            if (!read_more(stream)) {
                stream->at_end = true;
                break;
            }
            searched = searched < text->len ? searched : 0;
            continue;
        }
        len = (size_t)(end - begin);
        stream->start += len + 1;
        searched = 0;
        if (!stream->skipping && len &&
            log_record_read(&stream->head, begin, len, stream->node, stream->unix_ns) == 0) {
            stream->unix_ns = stream->head.line.unix_ns;
            /* The first rotated file of "x" may be the file of a node "x.1" instead, which has its own stream. */
            stream->has_head = strcmp(stream->head.line.node, stream->node) == 0;
            if (!stream->has_head)
                log_record_free(&stream->head);
        }
        stream->skipping = false;
    }
    return stream->has_head;
}

bool log_stream_rewind(struct log_stream *stream, off_t bytes)
{
    off_t position = 0;
    int number = find_tail(stream, bytes, &position);
    log_record_free(&stream->head);
    buf_clear(&stream->text);
    cleanup_close(&stream->fd);
    stream->fd = -1;
    stream->start = 0;
    stream->unix_ns = 0;
    stream->has_head = stream->at_end = stream->skipping = false;
    /* One byte earlier: if that ends a line, the next one is whole. */
    if (number < 0 || !open_file(stream, number) || lseek(stream->fd, position - 1, SEEK_SET) < 0)
        return false;
    stream->position = position - 1;
    stream->skipping = true;
    while (log_stream_fill(stream) && stream->unix_ns == 0) {
        log_record_free(&stream->head);
        stream->has_head = false;
    }
    return true;
}
