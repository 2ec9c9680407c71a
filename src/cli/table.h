/* A table on the terminal: columns as wide as what stands in them, two blanks apart, one line a row whatever the width.
 * Where it doesn't fit, the widest columns of text are cut, each with an "…", down to what they need at least; numbers
 * never are. Where that is still too wide, columns that are not essential are left out, the last ones first. Only a
 * terminal has a width. */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"

struct table_column {
    const char *title;
    size_t least;        /* terminal columns; the title's width where it is less */
    bool is_right;       /* numbers end under each other */
    bool is_dispensable; /* may be left out */
    bool is_optional;    /* left out where nothing stands in it */
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    char **cells; /* of all rows, one after the other */
    size_t cell_count, capacity;
    bool failed; /* out of memory */
};

/* `columns` must outlive the table. */
void table_init(struct table *table, const struct table_column *columns, size_t count);
void table_free(struct table *table);

/* Adds the next cell, row after row. What is no printable character becomes a blank. */
void table_add(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The table as text for a terminal of this width; 0: of any. */
void table_format(const struct table *table, size_t width, struct buf *out);

/* Prints it on stdout. 0 or -ENOMEM, which is reported. */
int table_print(const struct table *table);

/* Columns of the terminal on this descriptor, 0 when it is none. */
size_t table_terminal_width(int fd);

/* Columns that the UTF-8 text takes on a terminal. */
size_t table_text_width(const char *text);

/* Appends as much of the text as fits into `width` columns, the last one an "…" when something is missing, and returns
 * the columns taken. */
size_t table_add_cut(struct buf *out, const char *text, size_t width);

#endif
