#include "control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "control/socket.h"

enum {
    FIRST_PASSED_FD = 3,
    ACCEPT_AT_ONCE = 16,
};

struct control_server {
    uv_poll_t poll;
    int fd;
    int spare; /* given up to accept and refuse a connection when there is no descriptor left */
    const struct control_owner *owner;
    void *context;
    struct sockaddr_un address; /* of the file to remove; no path: it is not ours */
};

/* Without it the loop would be told of the connection again and again. */
static void turn_away(struct control_server *server)
{
    if (server->spare < 0)
        return;
    close(server->spare);
    int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct control_server *server = poll->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE))
            turn_away(server);
        if (fd < 0)
            return;
        struct control_connection *connection;
        struct error error = ERROR_INIT;
        if (control_open(&connection, poll->loop, fd, server->owner, server->context, &error) < 0)
            fprintf(stderr, "a connection was refused: %s\n", error.message);
        else if (server->owner->opened)
            server->owner->opened(server->context, connection);
    }
}

/* The socket that a service manager listens on for us, or -1. */
static int passed_socket(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    struct stat stat;
    if (!pid || !count || strtol(pid, NULL, 10) != getpid() || strtol(count, NULL, 10) < 1)
        return -1;
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    if (fstat(FIRST_PASSED_FD, &stat) < 0 || !S_ISSOCK(stat.st_mode))
        return -1;
    int flags = fcntl(FIRST_PASSED_FD, F_GETFL);
    if (flags < 0 || fcntl(FIRST_PASSED_FD, F_SETFL, flags | O_NONBLOCK) < 0 ||
        fcntl(FIRST_PASSED_FD, F_SETFD, FD_CLOEXEC) < 0)
        return -1;
    return FIRST_PASSED_FD;
}

static int make_socket(struct control_server *server, const char *path, struct error *error)
{
    int rc = control_socket_address(&server->address, path, error);
    if (rc < 0)
        return rc;
    server->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server->fd < 0)
        return error_sys(error, -errno, "can't make a socket");
    if (unlink(path) < 0 && errno != ENOENT)
        return error_sys(error, -errno, "can't remove the old socket %s", path);
    mode_t mask = umask(077);
    rc = bind(server->fd, (struct sockaddr *)&server->address, sizeof server->address) < 0 ? -errno : 0;
    umask(mask);
    if (rc == 0 && listen(server->fd, SOMAXCONN) < 0)
        rc = -errno;
    return rc < 0 ? error_sys(error, rc, "can't listen at %s", path) : 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int control_listen(struct control_server **out, uv_loop_t *loop, const char *path, const struct control_owner *owner,
                   void *context, struct error *error)
{
    autofree struct control_server *server = calloc(1, sizeof *server);
    if (!server)
        return error_set(error, -ENOMEM, "no memory for a socket");
    *server = (struct control_server){.fd = passed_socket(), .owner = owner, .context = context};
    int rc = server->fd < 0 ? make_socket(server, path, error) : 0;
    if (rc == 0 && (rc = uv_poll_init(loop, &server->poll, server->fd)) < 0)
        error_sys(error, rc, "can't watch the socket %s", path);
    if (rc < 0) {
        cleanup_close(&server->fd);
        return rc;
    }
    server->poll.data = server;
    server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uv_poll_start(&server->poll, UV_READABLE, on_connection); /* fails only for a handle that is closing */
    *out = take_ptr(server);
    return 0;
}

void control_server_close(struct control_server *server)
{
    if (!server)
        return;
    if (server->address.sun_path[0])
        unlink(server->address.sun_path);
    uv_close((uv_handle_t *)&server->poll, on_closed);
    close(server->fd);
    cleanup_close(&server->spare);
}
