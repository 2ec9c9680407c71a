#include "cli/progress.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/table.h"

static bool is_shown;

void progress_show(const char *format, ...)
{
    const char *term = getenv("TERM");
    size_t width = table_terminal_width(STDERR_FILENO);
    if (!width || !term || strcmp(term, "dumb") == 0)
        return;
    autofree char *text = NULL;
    va_list args;
    va_start(args, format);
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0) {
        text = NULL;
        return;
    }
    autobuf struct buf line = {0};
    buf_puts(&line, "\r\033[K");
    table_add_cut(&line, text, width - 1);
    fflush(stdout);
    if (!line.failed)
        (void)!write(STDERR_FILENO, line.data, line.len);
    is_shown = true;
}

void progress_clear(void)
{
    if (is_shown)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
    is_shown = false;
}
