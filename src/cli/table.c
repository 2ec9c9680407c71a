#include "cli/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/remote.h"
#include "cli/report.h"

enum { GAP = 2 };

/* The next character of a text and its length; what is not UTF-8 counts as one byte. */
static uint32_t next_character(const char *text, size_t *len)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t more = at[0] >= 0xf0 ? 3 : at[0] >= 0xe0 ? 2 : at[0] >= 0xc0 ? 1 : 0;
    uint32_t code = more ? at[0] & (0x3fu >> more) : at[0];
    *len = 1;
    for (size_t i = 1; i <= more; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return at[0];
        code = code << 6 | (at[i] & 0x3f);
    }
    *len = more + 1;
    return code;
}

static size_t character_width(uint32_t code)
{
    static const struct {
        uint32_t first, last;
        size_t width;
    } ranges[] = {
        {0x300, 0x36f, 0},     {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},   {0x2e80, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},
        {0xf900, 0xfaff, 2},   {0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2},
        {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2}, {0x1f900, 0x1faff, 2}, {0x20000, 0x3fffd, 2},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return ranges[i].width;
    return 1;
}

size_t table_text_width(const char *text)
{
    size_t width = 0;
    for (size_t len; *text; text += len)
        width += character_width(next_character(text, &len));
    return width;
}

size_t table_add_cut(struct buf *out, const char *text, size_t width)
{
    if (table_text_width(text) <= width) {
        buf_puts(out, text);
        return table_text_width(text);
    }
    if (width == 0)
        return 0;
    size_t taken = 0;
    for (size_t len; *text; text += len) {
        size_t needed = character_width(next_character(text, &len));
        if (taken + needed > width - 1)
            break;
        taken += needed;
        buf_add(out, text, len);
    }
    buf_puts(out, "…");
    return taken + 1;
}

size_t table_terminal_width(int fd)
{
    struct winsize size;
    if (remote_is())
        return fd == STDOUT_FILENO ? remote_columns() : 0;
    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void table_init(struct table *table, const struct table_column *columns, size_t count)
{
    *table = (struct table){.columns = columns, .column_count = count};
}

void table_free(struct table *table)
{
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (struct table){0};
}

void table_add(struct table *table, const char *format, ...)
{
    if (table->failed)
        return;
    if (table->cell_count == table->capacity) {
        size_t capacity = table->capacity ? 2 * table->capacity : 32;
        char **cells = reallocarray(table->cells, capacity, sizeof *cells);
        if (!cells) {
            table->failed = true;
            return;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    char *text;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        table->failed = true;
        return;
    }
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    table->cells[table->cell_count++] = text;
}

/* Half a number would be another one. */
static size_t least_width(const struct table_column *column, size_t width)
{
    size_t title = table_text_width(column->title), least = column->least > title ? column->least : title;
    return column->is_right || least > width ? width : least;
}

static void measure(const struct table *table, size_t *widths)
{
    for (size_t i = 0; i < table->cell_count; i++) {
        size_t width = table_text_width(table->cells[i]), *column = &widths[i % table->column_count];
        *column = width > *column ? width : *column;
    }
    for (size_t k = 0; k < table->column_count; k++) {
        size_t title = table_text_width(table->columns[k].title);
        bool is_empty = table->columns[k].is_optional && widths[k] == 0;
        widths[k] = is_empty || widths[k] > title ? widths[k] : title;
    }
}

static size_t sum(const size_t *widths, size_t count)
{
    size_t total = 0;
    for (size_t k = 0; k < count; k++)
        total += widths[k] ? widths[k] + (total ? GAP : 0) : 0;
    return total;
}

/* Takes one terminal column from the widest that can spare it. */
static bool narrow(size_t *widths, const size_t *leasts, size_t count)
{
    size_t *widest = NULL;
    for (size_t k = 0; k < count; k++)
        if (widths[k] > leasts[k] && (!widest || widths[k] > *widest))
            widest = &widths[k];
    if (widest)
        --*widest;
    return widest != NULL;
}

/* Leaves out the last column that may be. */
static bool leave_out(const struct table *table, size_t *widths, size_t *leasts)
{
    for (size_t k = table->column_count; k-- > 0;) {
        if (widths[k] && table->columns[k].is_dispensable) {
            widths[k] = leasts[k] = 0;
            return true;
        }
    }
    return false;
}

static void fit(const struct table *table, size_t width, size_t *widths, size_t *leasts)
{
    const size_t count = table->column_count;
    for (size_t k = 0; k < count; k++)
        leasts[k] = least_width(&table->columns[k], widths[k]);
    while (sum(leasts, count) > width && leave_out(table, widths, leasts))
        ;
    while (sum(widths, count) > width && narrow(widths, leasts, count))
        ;
}

static void format_row(const struct table *table, char *const *cells, const size_t *widths, size_t width,
                       struct buf *out)
{
    struct buf row = {0};
    size_t pending = 0; /* blanks that only matter when something follows */
    for (size_t k = 0; k < table->column_count; k++) {
        if (!widths[k])
            continue;
        struct buf cell = {0};
        size_t taken = table_add_cut(&cell, cells ? cells[k] : table->columns[k].title, widths[k]);
        size_t room = widths[k] - taken;
        pending += taken && table->columns[k].is_right ? room : 0;
        for (; taken && pending; pending--)
            buf_putc(&row, ' ');
        buf_add(&row, cell.data, cell.len);
        pending += (taken && table->columns[k].is_right ? 0 : room) + GAP;
        row.failed |= cell.failed;
        buf_free(&cell);
    }
    if (row.failed)
        out->failed = true;
    else if (row.data)
        table_add_cut(out, row.data, width ? width : SIZE_MAX);
    buf_putc(out, '\n');
    buf_free(&row);
}

void table_format(const struct table *table, size_t width, struct buf *out)
{
    autofree size_t *widths = calloc(table->column_count + 1, sizeof *widths);
    autofree size_t *leasts = calloc(table->column_count + 1, sizeof *leasts);
    if (!widths || !leasts || table->failed) {
        out->failed = true;
        return;
    }
    measure(table, widths);
    if (width)
        fit(table, width, widths, leasts);
    format_row(table, NULL, widths, width, out);
    for (size_t i = 0; i + table->column_count <= table->cell_count; i += table->column_count)
        format_row(table, table->cells + i, widths, width, out);
}

int table_print(const struct table *table)
{
    autobuf struct buf text = {0};
    table_format(table, table_terminal_width(STDOUT_FILENO), &text);
    if (text.failed) {
        report_error("out of memory");
        return -ENOMEM;
    }
    fwrite(text.data, 1, text.len, stdout);
    return 0;
}
