#include "cli/log_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { PIECE = 64 << 10, LINE_MOST = 64 << 20 };

void log_pipe_init(struct log_pipe *pipe, int fd)
{
    *pipe = (struct log_pipe){.fd = fd, .is_waited_for = true};
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

void log_pipe_close(struct log_pipe *pipe)
{
    cleanup_close(&pipe->fd);
    pipe->fd = -1;
    log_record_free(&pipe->head);
    pipe->has_head = false;
    buf_free(&pipe->text);
}

/* False: nothing now, or at the end. */
static bool read_more(struct log_pipe *pipe)
{
    if (pipe->start) {
        memmove(pipe->text.data, pipe->text.data + pipe->start, pipe->text.len - pipe->start);
        pipe->text.len -= pipe->start;
        pipe->start = 0;
    }
    while (pipe->fd >= 0) {
        char *room = pipe->text.len < LINE_MOST ? buf_reserve(&pipe->text, PIECE) : NULL;
        ssize_t len = room ? read(pipe->fd, room, PIECE) : 0;
        if (len > 0) {
            pipe->text.len += (size_t)len;
            return true;
        }
        if (len < 0 && errno == EAGAIN && !pipe->is_waited_for)
            return false;
        struct pollfd ready = {.fd = pipe->fd, .events = POLLIN};
        if (len < 0 && errno == EAGAIN)
            poll(&ready, 1, -1);
        else if (len == 0 || errno != EINTR)
            close(take_fd(&pipe->fd));
    }
    return false;
}

bool log_pipe_fill(struct log_pipe *pipe)
{
    size_t searched = 0;
    while (!pipe->has_head) {
        char *begin = pipe->text.data + pipe->start;
        size_t len = pipe->text.len - pipe->start;
        char *end = len > searched ? memchr(begin + searched, '\n', len - searched) : NULL;
        if (!end) {
            searched = len;
            if (!read_more(pipe))
                return false;
            continue;
        }
        len = (size_t)(end - begin);
        pipe->start += len + 1;
        searched = 0;
        if (len == 0)
            pipe->is_waited_for = false;
        else
            pipe->has_head = log_record_read(&pipe->head, begin, len, "?", 0) == 0;
    }
    return true;
}
