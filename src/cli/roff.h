/* Plain text in a page for roff, with mdoc(7)'s macros. */
#ifndef CLI_ROFF_H
#define CLI_ROFF_H

#include <stddef.h>
#include <stdio.h>

/* Text as it is: roff would take some of its characters for others, or for orders. */
void roff_text(FILE *page, const char *text, size_t len);

/* The same as a line of its own. */
void roff_line(FILE *page, const char *text, size_t len);

/* A macro behind others on a line, with its argument, which is never taken for a macro however it is spelled. */
void roff_argument(FILE *page, const char *macro, const char *text);

/* Paragraphs with empty lines between; lines that begin with two blanks stay as they are. */
void roff_paragraphs(FILE *page, const char *text);

#endif
