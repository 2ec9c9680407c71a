/* Text broken into lines at blanks. */
#ifndef CLI_WRAP_H
#define CLI_WRAP_H

#include <stddef.h>

/* The columns that text on stdout may take: the terminal's up to 100; 100 where it is none. */
size_t wrap_width(void);

/* Prints text on stdout up to a line's end. It begins at `column`, where the line has come to, and further lines begin
 * `indent` columns in. A word that is too wide stands in a line of its own. */
void wrap_line(const char *text, size_t len, size_t column, size_t indent, size_t width);

/* Paragraphs with empty lines between: the lines of each flow together. A line that begins with two blanks stays one,
 * broken where it is too long. */
void wrap_paragraphs(const char *text, size_t width);

#endif
