/* The unix socket under a connection: who is at the other end, and where it lies. */
#ifndef CONTROL_SOCKET_H
#define CONTROL_SOCKET_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"

/* -EPERM where the other end is another user's. */
int control_check_peer(int fd, struct ucred *peer, struct error *error);

/* -ENAMETOOLONG for a path that no socket can have. */
int control_socket_address(struct sockaddr_un *address, const char *path, struct error *error);

/* A connected socket, or negative; NULL: the user's coordinator's. Doesn't block. */
int control_socket_connect(const char *path, struct error *error);

#endif
