#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/message.h"

enum {
    ROOM_LEAST = 4 << 10,
    KEPT_MOST = 64 << 10, /* memory that is kept when nothing is in it */
};

char *control_lines_room(struct control_lines *lines, size_t *room)
{
    if (lines->start == lines->len) {
        lines->start = lines->len = lines->searched = 0;
        if (lines->cap > KEPT_MOST)
            control_lines_free(lines);
    }
    if (lines->start > 0 && lines->cap - lines->len < ROOM_LEAST) {
        memmove(lines->data, lines->data + lines->start, lines->len - lines->start);
        lines->len -= lines->start;
        lines->searched -= lines->start;
        lines->start = 0;
    }
    if (lines->cap - lines->len < ROOM_LEAST) {
        size_t cap = lines->cap ? lines->cap * 2 : ROOM_LEAST;
        char *data = realloc(lines->data, cap);
        if (!data)
            return NULL;
        lines->data = data;
        lines->cap = cap;
    }
    *room = lines->cap - lines->len;
    return lines->data + lines->len;
}

void control_lines_arrived(struct control_lines *lines, size_t len)
{
    lines->len += len;
}

int control_lines_next(struct control_lines *lines, char **line, size_t *len)
{
    if (lines->searched == lines->len && lines->len - lines->start < CONTROL_LINE_MOST)
        return 0;
    char *start = lines->data + lines->start;
    char *newline = memchr(lines->data + lines->searched, '\n', lines->len - lines->searched);
    size_t length = newline ? (size_t)(newline - start) : lines->len - lines->start;
    if (length >= CONTROL_LINE_MOST)
        return -EMSGSIZE;
    if (!newline) {
        lines->searched = lines->len;
        return 0;
    }
    *newline = '\0';
    *line = start;
    *len = length;
    lines->start += length + 1;
    lines->searched = lines->start;
    return 1;
}

void control_lines_free(struct control_lines *lines)
{
    free(lines->data);
    *lines = (struct control_lines){0};
}
