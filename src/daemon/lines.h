/* Takes a stream of bytes apart into lines. */
#ifndef DAEMON_LINES_H
#define DAEMON_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct lines {
    size_t most; /* bytes of a line; the rest is cut off, and a word put there that says so */
    /* `line` has its newline (the very last one may lack it) and a NUL behind it, and may be changed. */
    void (*on_line)(void *context, char *line, size_t len);
    void *context;
    struct buf partial; /* a line of which the end has not come yet */
    bool cutting;       /* the rest of a line that is too long goes by */
};

void lines_feed(struct lines *lines, const char *data, size_t len);
void lines_end(struct lines *lines); /* hands on a last line without newline, and frees */

#endif
