/* The first line of a tunnel, which learns on its way where it comes from.
 */
#ifndef GATEWAY_HELLO_H
#define GATEWAY_HELLO_H

#include <stddef.h>

enum { HELLO_MOST = 64 << 10 };

/* The hello (docs/control.md) in `line`, without its newline, with "machine" set to `machine`, in place of what it says
 * itself; with a newline, to be freed. NULL: it is no hello, or memory is out. */
char *hello_from(const char *line, size_t len, const char *machine, size_t *new_len);

#endif
