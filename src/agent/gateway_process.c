#include "agent/gateway_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/program_place.h"

#define FD_ENV "DORA_GATEWAY_FD"
enum { FD = 3 };

int gateway_program(char path[PATH_MAX], struct error *error)
{
    int rc = program_place("dora-gateway", "DORA_GATEWAY", path, error);
    if (rc < 0)
        error_add(error, "start the gateway to other machines, which a dora that was built without zenoh has not");
    return rc;
}

/* This process's environment, with the number of the descriptor. */
static char **environment(void)
{
    size_t count = 0, kept = 0;
    while (environ[count])
        count++;
    char **list = calloc(count + 2, sizeof *list);
    for (size_t i = 0; list && i < count; i++)
        if (strncmp(environ[i], FD_ENV "=", sizeof FD_ENV) != 0)
            list[kept++] = environ[i];
    static char number[] = FD_ENV "=3";
    if (list)
        list[kept] = number;
    return list;
}

static int start(pid_t *pid, const char *path, int socket, char *const *env)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t how;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc)
        return -rc;
    rc = posix_spawnattr_init(&how);
    if (rc) {
        posix_spawn_file_actions_destroy(&actions);
        return -rc;
    }
    rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!rc)
        rc = posix_spawn_file_actions_adddup2(&actions, socket, FD);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &all);
    posix_spawnattr_setpgroup(&how, 0); /* the terminal's Ctrl-C is the daemon's affair */
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    if (!rc)
        rc = posix_spawn(pid, path, &actions, &how, (char *[]){(char *)"dora-gateway", NULL}, env);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

int gateway_spawn(pid_t *pid, int *pid_fd, int *socket, struct error *error)
{
    char path[PATH_MAX];
    int pair[2];
    int rc = gateway_program(path, error);
    if (rc < 0)
        return rc;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return error_sys(error, -errno, "make a socket for the gateway");
    autoclose int ours = pair[0], theirs = pair[1];
    /* A descriptor that is 3 already would stay closed at exec. */
    autoclose int moved = fcntl(theirs, F_DUPFD_CLOEXEC, FD + 1);
    autofree char **env = environment();
    rc = !env || moved < 0 ? -ENOMEM : start(pid, path, moved, env);
    if (rc < 0)
        return error_sys(error, rc, "start the gateway %s", path);
    *pid_fd = (int)syscall(SYS_pidfd_open, *pid, 0);
    if (*pid_fd < 0) {
        rc = -errno;
        kill(*pid, SIGKILL);
        return error_sys(error, rc, "watch the gateway's process");
    }
    *socket = take_fd(&ours);
    return 0;
}
