#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW };

int segment_create(const char *name, size_t size, struct error *error)
{
    autoclose int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return error_sys(error, -errno, "make shared memory");
    if (ftruncate(fd, (off_t)size) < 0)
        return error_sys(error, -errno, "size shared memory to %zu bytes", size);
    if (fcntl(fd, F_ADD_SEALS, SIZE_SEALS | F_SEAL_SEAL) < 0)
        return error_sys(error, -errno, "seal shared memory");
    return take_fd(&fd);
}

long long segment_size(int fd, struct error *error)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SIZE_SEALS) != SIZE_SEALS)
        return error_set(error, -EINVAL, "this is no sealed shared memory");
    struct stat status;
    if (fstat(fd, &status) < 0)
        return error_sys(error, -errno, "look at shared memory");
    return status.st_size;
}

int segment_map(int fd, size_t size, int protection, void **map, struct error *error)
{
    long long actual = segment_size(fd, error);
    if (actual < 0)
        return (int)actual;
    if ((unsigned long long)actual != size)
        return error_set(error, -EINVAL, "shared memory has %lld bytes, not %zu", actual, size);
    void *address = mmap(NULL, size, protection, MAP_SHARED, fd, 0);
    if (address == MAP_FAILED)
        return error_sys(error, -errno, "map shared memory");
    *map = address;
    return 0;
}
