#include "control/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "control/paths.h"

int control_check_peer(int fd, struct ucred *peer, struct error *error)
{
    socklen_t len = sizeof *peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) < 0)
        return error_sys(error, -errno, "can't tell who is at the other end of a connection");
    if (peer->uid != geteuid())
        return error_set(error, -EPERM,
                         "process %d of user %u is at the other end of a connection, and not one of ours",
                         (int)peer->pid, (unsigned)peer->uid);
    return 0;
}

int control_socket_address(struct sockaddr_un *address, const char *path, struct error *error)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return error_set(error, -ENAMETOOLONG,
                         "the path %s is too long for a socket: set XDG_RUNTIME_DIR to a shorter one", path);
    strcpy(address->sun_path, path);
    return 0;
}

int control_socket_connect(const char *path, struct error *error)
{
    char own_path[PATH_MAX];
    struct sockaddr_un address;
    int rc = path ? 0 : control_runtime_file(own_path, CONTROL_SOCKET, error);
    if (rc < 0)
        return rc;
    path = path ? path : own_path;
    rc = control_socket_address(&address, path, error);
    if (rc < 0)
        return rc;
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_sys(error, -errno, "can't make a socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        return error_sys(error, -errno, "can't connect to %s", path);
    return take_fd(&fd);
}
