/* Clean-up tied to a variable's scope, so that every way out of a function releases the same things.
 *
 *     autofree char *path = strdup(s);      freed at the end of the scope
 *     autoclose int fd = open(…);           closed if it is >= 0
 *     return take_fd(&fd);                  … unless its ownership is handed on
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *pointer)
{
    free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

static inline void cleanup_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

#define autofree  __attribute__((cleanup(cleanup_free)))
#define autoclose __attribute__((cleanup(cleanup_close)))
#define autofile  __attribute__((cleanup(cleanup_file)))

/* Moves a descriptor out of its scope: the variable holds -1 afterwards. */
static inline int take_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

/* Moves a pointer out of its scope: the variable holds NULL afterwards. */
#define take_ptr(pointer)                                                                                              \
    ({                                                                                                                 \
        __typeof__(pointer) taken_ = (pointer);                                                                        \
        (pointer) = NULL;                                                                                              \
        taken_;                                                                                                        \
    })

#endif
