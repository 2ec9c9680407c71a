#include <string.h>

#include "graph/model.h"

/* Of a long line a part is shown; of one that no person wrote, nothing. */
enum { LINE_MAX_SHOWN = 160, COLUMN_MAX_SHOWN = 10000 };

static const struct {
    const char *name, *color;
} severities[] = {{"error", "\033[1;31m"}, {"warning", "\033[1;33m"}, {"note", "\033[1;36m"}};

/* Where the search for a line stands; findings are in the order of the lines, so that each file is gone through once.
 */
struct cursor {
    const struct graph_file *file;
    const char *text;
    size_t line;
};

static const char *find_line(const struct graph *graph, struct cursor *cursor, const struct graph_place *place,
                             size_t *len)
{
    if (!cursor->file || cursor->file->name != place->file || cursor->line > place->line) {
        const struct graph_file *file = graph->private->files;
        while (file && file->name != place->file)
            file = file->next;
        *cursor = (struct cursor){file, file ? file->text : NULL, 1};
    }
    if (!cursor->file || place->line == 0)
        return NULL;
    const char *end = cursor->file->text + cursor->file->len;
    while (cursor->line < place->line) {
        const char *stop = memchr(cursor->text, '\n', (size_t)(end - cursor->text));
        if (!stop)
            return NULL;
        cursor->text = stop + 1;
        cursor->line++;
    }
    const char *stop = memchr(cursor->text, '\n', (size_t)(end - cursor->text));
    *len = (size_t)((stop ? stop : end) - cursor->text);
    return cursor->text;
}

/* Text from a descriptor must not steer the terminal. */
static void put_plain(struct buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        buf_putc(out, (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i]);
}

static bool is_continuation(char c)
{
    return (c & 0xc0) == 0x80;
}

/* The line and a caret under the column; of a long line, the part around it. */
static void put_line(struct buf *out, const char *line, size_t len, const struct graph_place *place, const char *color,
                     const char *reset)
{
    size_t at = 0, column = 1;
    while (at < len && column < place->column) {
        at++;
        while (at < len && is_continuation(line[at]))
            at++;
        column++;
    }
    size_t start = at > LINE_MAX_SHOWN / 2 && len > LINE_MAX_SHOWN ? at - LINE_MAX_SHOWN / 2 : 0;
    while (start > 0 && start < at && is_continuation(line[start]))
        start++;
    size_t end = len - start > LINE_MAX_SHOWN ? start + LINE_MAX_SHOWN : len;
    while (end < len && is_continuation(line[end]))
        end++;
    buf_printf(out, "%6u | %s", place->line, start ? "..." : "");
    put_plain(out, line + start, end - start);
    buf_printf(out, "%s\n       | %s", end < len ? "..." : "", start ? "   " : "");
    for (size_t i = start; i < at; i++)
        if (!is_continuation(line[i]))
            buf_putc(out, ' ');
    buf_printf(out, "%s^%s\n", color, reset);
}

static void put_finding(const struct graph *graph, struct cursor *cursor, struct buf *out,
                        const struct graph_finding *finding, bool color)
{
    const struct graph_place *place = &finding->place;
    const char *bold = color ? "\033[1m" : "", *tint = color ? severities[finding->severity].color : "";
    const char *reset = color ? "\033[0m" : "";
    buf_puts(out, bold);
    if (place->file)
        put_plain(out, place->file, strlen(place->file));
    if (place->file && place->line)
        buf_printf(out, ":%u:%u", place->line, place->column);
    buf_printf(out, "%s%s%s%s:%s ", place->file ? ": " : "", reset, tint, severities[finding->severity].name, reset);
    buf_puts(out, bold);
    put_plain(out, finding->message, strlen(finding->message));
    buf_printf(out, "%s\n", reset);

    size_t len = 0;
    const char *line = place->column <= COLUMN_MAX_SHOWN ? find_line(graph, cursor, place, &len) : NULL;
    if (line)
        put_line(out, line, len, place, tint, reset);
    if (finding->hint) {
        buf_puts(out, "       = hint: ");
        put_plain(out, finding->hint, strlen(finding->hint));
        buf_putc(out, '\n');
    }
}

void graph_print_findings(const struct graph *graph, struct buf *out, bool color)
{
    struct cursor cursor = {0};
    for (size_t i = 0; i < graph->finding_count; i++)
        put_finding(graph, &cursor, out, &graph->findings[i], color);
}
