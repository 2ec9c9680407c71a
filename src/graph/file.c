#include "graph/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int file_read(const char *path, size_t max, char **text, size_t *len)
{
    /* Not blocking: a FIFO must not keep us waiting before we see that it is none of ours. */
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (S_ISDIR(status.st_mode))
        return -EISDIR;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    if ((uint64_t)status.st_size > max)
        return -EFBIG;
    size_t size = (size_t)status.st_size, filled = 0;
    autofree char *data = malloc(size + 1);
    if (!data)
        return -ENOMEM;
    while (filled < size) {
        ssize_t got = read(fd, data + filled, size - filled);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        filled += (size_t)got;
    }
    data[filled] = '\0';
    *text = take_ptr(data);
    *len = filled;
    return 0;
}
