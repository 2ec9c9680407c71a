/* The last lines of a stream of text. */
#ifndef DAEMON_TAIL_H
#define DAEMON_TAIL_H

#include "base/buf.h"

struct tail {
    size_t lines_most, bytes_most;
    struct buf text; /* at most twice of what is kept: cutting happens seldom */
    size_t lines;
};

void tail_add(struct tail *tail, const char *line, size_t len); /* with its newline */
const char *tail_text(struct tail *tail);                       /* "" when empty; until the next call */
void tail_free(struct tail *tail);

#endif
