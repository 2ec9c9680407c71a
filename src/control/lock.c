/* Locks of open files rather than flock: one may ask who holds such a lock without taking it for a moment, in which a
 * process that wants it would believe that it is not alone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "control/paths.h"

static const struct flock whole_file = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

static pid_t read_pid(int fd)
{
    char text[16] = {0};
    ssize_t len = pread(fd, text, sizeof text - 1, 0);
    long pid = len > 0 ? strtol(text, NULL, 10) : 0;
    return pid > 0 ? (pid_t)pid : -1;
}

int control_lock(const char *name, int *out, struct error *error)
{
    char path[PATH_MAX];
    int rc = control_runtime_file(path, name, error);
    if (rc < 0)
        return rc;
    autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_sys(error, -errno, "can't open %s", path);
    struct flock lock = whole_file;
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        if (errno != EAGAIN && errno != EACCES)
            return error_sys(error, -errno, "can't lock %s", path);
        return error_set(error, -EBUSY, "process %d holds the lock %s", (int)read_pid(fd), path);
    }
    char text[16];
    int len = snprintf(text, sizeof text, "%d\n", (int)getpid());
    if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)len, 0) != len)
        return error_sys(error, errno ? -errno : -ENOSPC, "can't write to %s", path);
    *out = take_fd(&fd);
    return 0;
}

pid_t control_lock_holder(const char *name)
{
    char path[PATH_MAX];
    if (control_runtime_file(path, name, NULL) < 0)
        return 0;
    autoclose int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    struct flock lock = whole_file;
    if (fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
        return 0;
    return read_pid(fd);
}
