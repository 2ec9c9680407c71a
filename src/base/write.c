#include "base/write.h"

#include <errno.h>
#include <unistd.h>

int write_all(int fd, const void *data, size_t len)
{
    const char *rest = data;
    while (len > 0) {
        ssize_t written = write(fd, rest, len);
        if (written < 0 && errno != EINTR)
            return -errno;
        if (written > 0) {
            rest += written;
            len -= (size_t)written;
        }
    }
    return 0;
}
