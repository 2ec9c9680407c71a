#include "cli/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/remote.h"

bool report_color(int fd)
{
    if (remote_is())
        return remote_color(fd);
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return !(no_color && *no_color) && term && strcmp(term, "dumb") != 0 && isatty(fd);
}

__attribute__((format(printf, 3, 0))) static void report(const char *label, const char *color, const char *format,
                                                         va_list args)
{
    fflush(stdout);
    if (report_color(STDERR_FILENO))
        fprintf(stderr, "\033[%sm%s:\033[0m ", color, label);
    else
        fprintf(stderr, "%s: ", label);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void report_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report("error", "1;31", format, args);
    va_end(args);
}

void report_hint(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report("hint", "1;36", format, args);
    va_end(args);
}
