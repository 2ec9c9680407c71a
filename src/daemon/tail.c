#include "daemon/tail.h"

#include <string.h>

/* Drops whole lines from the front until the rest is small enough. */
static void cut(struct tail *tail)
{
    struct buf *text = &tail->text;
    size_t start = 0;
    while (text->len > start && (tail->lines > tail->lines_most || text->len - start > tail->bytes_most)) {
        const char *newline = memchr(text->data + start, '\n', text->len - start);
        start = newline ? (size_t)(newline + 1 - text->data) : text->len;
        tail->lines--;
    }
    if (!start)
        return;
    text->len -= start;
    memmove(text->data, text->data + start, text->len + 1);
}

void tail_add(struct tail *tail, const char *line, size_t len)
{
    /* Of a line larger than all that is kept the end counts. */
    if (len > tail->bytes_most) {
        line += len - tail->bytes_most;
        len = tail->bytes_most;
    }
    tail->text.failed = false;
    buf_add(&tail->text, line, len);
    if (tail->text.failed)
        return;
    tail->lines++;
    if (len && line[len - 1] != '\n')
        buf_putc(&tail->text, '\n');
    if (tail->lines > 2 * tail->lines_most || tail->text.len > 2 * tail->bytes_most)
        cut(tail);
}

const char *tail_text(struct tail *tail)
{
    cut(tail);
    return tail->text.data ? tail->text.data : "";
}

void tail_free(struct tail *tail)
{
    buf_free(&tail->text);
}
