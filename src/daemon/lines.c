#include "daemon/lines.h"

#include <string.h>

enum { KEEP_MOST = 64 << 10 }; /* a buffer larger than this is given back after its line */

static void hand_on(struct lines *lines)
{
    struct buf *line = &lines->partial;
    if (line->len && !line->failed)
        lines->on_line(lines->context, line->data, line->len);
    lines->cutting = false;
    if (line->cap > KEEP_MOST)
        buf_free(line);
    else
        buf_clear(line);
}

static void gather(struct lines *lines, const char *data, size_t len)
{
    if (lines->cutting)
        return;
    size_t room = lines->most - lines->partial.len;
    buf_add(&lines->partial, data, len < room ? len : room);
    if (len > room) {
        buf_puts(&lines->partial, " [the rest of this line is cut off: it is too long]");
        lines->cutting = true;
    }
}

void lines_feed(struct lines *lines, const char *data, size_t len)
{
    const char *end = data + len;
    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *stop = newline ? newline : end;
        gather(lines, data, (size_t)(stop - data));
        if (newline) {
            buf_putc(&lines->partial, '\n');
            hand_on(lines);
        }
        data = stop + 1;
    }
}

void lines_end(struct lines *lines)
{
    hand_on(lines);
    buf_free(&lines->partial);
}
