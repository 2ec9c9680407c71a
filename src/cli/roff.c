#include "cli/roff.h"

#include <stdbool.h>
#include <string.h>

void roff_text(FILE *page, const char *text, size_t len)
{
    static const char *const names[] = {['\\'] = "\\e",  ['-'] = "\\-",   ['`'] = "\\(ga", ['\''] = "\\(aq",
                                        ['^'] = "\\(ha", ['~'] = "\\(ti", ['"'] = "\\(dq"};
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        const char *name = c < sizeof names / sizeof *names ? names[c] : NULL;
        if (name)
            fputs(name, page);
        else
            fputc(c, page);
    }
}

void roff_line(FILE *page, const char *text, size_t len)
{
    if (len && *text == '.')
        fputs("\\&", page);
    roff_text(page, text, len);
    fputc('\n', page);
}

/* As roff wants it: each sentence begins a line. */
static void roff_sentences(FILE *page, const char *text, size_t len)
{
    for (const char *stop; (stop = memmem(text, len, ". ", 2));) {
        roff_line(page, text, (size_t)(stop + 1 - text));
        len -= (size_t)(stop + 2 - text);
        text = stop + 2;
    }
    roff_line(page, text, len);
}

void roff_argument(FILE *page, const char *macro, const char *text)
{
    fprintf(page, " %s \"\\&", macro);
    roff_text(page, text, strlen(text));
    fputc('"', page);
}

void roff_paragraphs(FILE *page, const char *text)
{
    bool literal = false, parted = false;
    while (*text) {
        size_t len = strcspn(text, "\n"), blanks = len && strspn(text, " ") >= 2 ? 2 : 0;
        if (len && literal != (blanks > 0)) {
            literal = !literal;
            fputs(literal ? ".Bd -literal -offset indent\n" : ".Ed\n", page);
            parted = parted && !literal;
        }
        if (parted)
            fputs(literal ? "\n" : ".Pp\n", page);
        if (literal && len)
            roff_line(page, text + blanks, len - blanks);
        else if (len)
            roff_sentences(page, text, len);
        parted = !len;
        text += len + (text[len] == '\n');
    }
    if (literal)
        fputs(".Ed\n", page);
}
