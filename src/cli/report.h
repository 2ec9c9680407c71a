/* How the command line speaks on stderr: what went wrong, and what to do next. */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdbool.h>

/* Is colour welcome on this descriptor? Only on a terminal that has some, and without NO_COLOR. */
bool report_color(int fd);

/* "error: …" and "hint: …", each one line. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void report_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
