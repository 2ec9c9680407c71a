/* Lines that a `dora logs --beside` writes to a pipe: a record each, and an empty line when those that were there are
 * all written. */
#ifndef CLI_LOG_PIPE_H
#define CLI_LOG_PIPE_H

#include "base/buf.h"
#include "cli/log_record.h"

struct log_pipe {
    int fd; /* -1: at its end */
    struct buf text;
    size_t start;
    bool is_waited_for; /* for the next line, since it may be older than what others have; until the empty line */
    struct log_record head;
    bool has_head;
};

/* Takes over `fd`. */
void log_pipe_init(struct log_pipe *pipe, int fd);
void log_pipe_close(struct log_pipe *pipe);

/* Makes the next line the pipe's head. False: there is none now, or, where it is waited for, none any more. */
bool log_pipe_fill(struct log_pipe *pipe);

#endif
