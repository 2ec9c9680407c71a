/* Log lines that pass the user's filters, on stdout. Nothing is lost: a slow reader is waited for. */
#ifndef CLI_LOG_SHOW_H
#define CLI_LOG_SHOW_H

#include "base/buf.h"
#include "cli/log_print.h"

struct log_show {
    struct log_print_options print; /* format, level, filters, dataflow_id */
    const char *grep;               /* a part that the message must have, in any case; NULL: any message */
    int64_t since_ns, until_ns;     /* since 1970 */
    long tail;                      /* only this many lines of what is shown until log_show_tail(); -1: all */
    int abort_fd;                   /* while it is readable, nobody waits for the reader of stdout; -1: none */

    struct buf out;
    char **last; /* the ring of the last `tail` lines */
    size_t count;
    bool color, is_closed;
};

/* Everything shown, in pretty lines. The caller then sets what it wants otherwise. */
void log_show_init(struct log_show *show);
void log_show_free(struct log_show *show);

/* Takes a line of the stream-th node. */
void log_show_line(struct log_show *show, const struct log_line *line, size_t stream);

void log_show_forget(struct log_show *show); /* what was kept for --tail */

/* Shows what was kept for --tail; from now on every line is shown. */
void log_show_tail(struct log_show *show);

/* Writes everything, unless `abort_fd` becomes readable. False when nobody reads stdout. */
bool log_show_flush(struct log_show *show);

/* No more lines are taken now: writing them was aborted, or nobody reads stdout. */
bool log_show_is_full(const struct log_show *show);

#endif
