/* All of it or an error: write(2) may take less than it was given. */
#ifndef BASE_WRITE_H
#define BASE_WRITE_H

#include <stddef.h>

/* Waits where the descriptor makes it wait. Gives 0 or a negative errno, after which some of it may be written. A
 * signal handler may call it. */
int write_all(int fd, const void *data, size_t len);

#endif
