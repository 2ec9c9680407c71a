#include "cli/wrap.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/table.h"

enum { WIDTH_MOST = 100, WIDTH_LEAST = 20 };

size_t wrap_width(void)
{
    size_t width = table_terminal_width(STDOUT_FILENO);
    return !width || width > WIDTH_MOST ? WIDTH_MOST : width < WIDTH_LEAST ? WIDTH_LEAST : width;
}

/* Columns of UTF-8 text whose characters take one each, as those of our own texts do. */
static size_t columns_of(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Where the flow of words has come to. */
struct flow {
    size_t column, indent, width;
    bool has_words; /* in this line */
};

static void put_words(struct flow *flow, const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        const char *blank = memchr(text, ' ', (size_t)(end - text));
        size_t size = (size_t)((blank ? blank : end) - text), columns = columns_of(text, size);
        if (size && flow->has_words && flow->column + 1 + columns > flow->width) {
            printf("\n%*s", (int)flow->indent, "");
            flow->column = flow->indent;
            flow->has_words = false;
        }
        if (size) {
            printf("%s%.*s", flow->has_words ? " " : "", (int)size, text);
            flow->column += columns + flow->has_words;
            flow->has_words = true;
        }
        text += size + (blank != NULL);
    }
}

void wrap_line(const char *text, size_t len, size_t column, size_t indent, size_t width)
{
    struct flow flow = {column, indent, width, false};
    put_words(&flow, text, len);
    putchar('\n');
}

/* A line that stays as it is where it fits. */
static void put_literal(const char *text, size_t len, size_t width)
{
    size_t blanks = strspn(text, " ");
    if (columns_of(text, len) <= width) {
        printf("%.*s\n", (int)len, text);
        return;
    }
    printf("%*s", (int)blanks, "");
    wrap_line(text + blanks, len - blanks, blanks, blanks + 2, width);
}

void wrap_paragraphs(const char *text, size_t width)
{
    struct flow flow = {0, 0, width, false};
    while (*text) {
        size_t len = strcspn(text, "\n");
        bool is_literal = strncmp(text, "  ", 2) == 0;
        if (flow.has_words && (!len || is_literal)) {
            putchar('\n');
            flow = (struct flow){0, 0, width, false};
        }
        if (!len)
            putchar('\n');
        else if (is_literal)
            put_literal(text, len, width);
        else
            put_words(&flow, text, len);
        text += len + (text[len] == '\n');
    }
    if (flow.has_words)
        putchar('\n');
}
