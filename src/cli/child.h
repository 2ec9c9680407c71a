/* Another program, run to its end: ssh, openssl.
 */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "base/buf.h"

/* Runs `argv` (by PATH, ended by NULL) with `input` (NULL: nothing) on its stdin; what it prints on stdout and stderr
 * is appended to `output`, at most 64 KiB of it. It ends with this process. Its exit status (128 + number for a
 * signal), or a negative errno: -ENOENT: there is no such program. */
int child_run(const char *const *argv, const struct buf *input, struct buf *output);

#endif
