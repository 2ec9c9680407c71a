#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/descendants.h"

static const int64_t kill_timeout = 5 * CLOCK_SECOND;
static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { STOP_SIGNALS = sizeof stop_signals / sizeof *stop_signals };

static int fail(const char *what)
{
    fprintf(stderr, "error: can't start: %s: %s\n", what, strerror(errno));
    return 1;
}

_Noreturn static void run_daemon(int (*daemon)(int, void *), int control_fd, void *context, const sigset_t *mask)
{
    /* Its own group: signals to the keeper's, such as Ctrl-C or a kill of the whole group, are the keeper's to tell. */
    setpgid(0, 0);
    for (int i = 0; i < STOP_SIGNALS; i++)
        signal(stop_signals[i], SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTTOU, SIG_IGN); /* a terminal set to `tostop` would stop a background group that prints */
    sigprocmask(SIG_SETMASK, mask, NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    int status = daemon(control_fd, context);
    fflush(NULL);
    _exit(status);
}

/* Passes a signal on; `count` says how many came before. */
static void pass_on(int control_fd, pid_t daemon, int count)
{
    const char byte = count == 0 ? KEEPER_STOP : KEEPER_KILL;
    if (count >= 2)
        kill(daemon, SIGKILL);
    else
        (void)!write(control_fd, &byte, 1); /* fails only when the daemon has ended */
}

/* Reaps what has fallen to the keeper; true when the daemon is among it. */
static bool reap(pid_t daemon, int *status)
{
    int some_status;
    for (pid_t pid; (pid = waitpid(-1, &some_status, WNOHANG)) > 0;) {
        if (pid == daemon) {
            *status = some_status;
            return true;
        }
    }
    return false;
}

static int supervise(pid_t daemon, int control_fd, int signal_fd)
{
    int status = 0;
    for (int stops = 0; !reap(daemon, &status);) {
        struct signalfd_siginfo info;
        ssize_t len = read(signal_fd, &info, sizeof info);
        if (len == sizeof info && info.ssi_signo != SIGCHLD)
            pass_on(control_fd, daemon, stops++);
    }
    int left = descendants_kill(kill_timeout, NULL);
    if (left < 0)
        fputs("error: some processes of this dataflow can't be killed; look for them with `ps`\n", stderr);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "error: the daemon was killed by signal %d (%s)%s\n", WTERMSIG(status), strsignal(WTERMSIG(status)),
            left < 0 ? "" : "; all its nodes have been killed too");
    return 1;
}

int keeper_run(int (*daemon)(int control_fd, void *context), void *context)
{
    /* Descriptors 0 to 2 exist from here on, so that no pipe of ours takes the place of one. */
    int null_fd;
    while ((null_fd = open("/dev/null", O_RDWR)) >= 0 && null_fd <= STDERR_FILENO)
        ;
    cleanup_close(&null_fd);

    sigset_t signals, old;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    for (int i = 0; i < STOP_SIGNALS; i++)
        sigaddset(&signals, stop_signals[i]);
    /* Blocked before the fork, so that no signal falls between the two processes. */
    if (sigprocmask(SIG_BLOCK, &signals, &old) < 0)
        return fail("block signals");
    signal(SIGCHLD, SIG_DFL); /* if it were ignored, as some parents leave it, no exit status would be kept */
    int pipe_fds[2];
    autoclose int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    if (signal_fd < 0 || pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        return fail("make a pipe");
    autoclose int control_read = pipe_fds[0], control_write = pipe_fds[1];
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
        return fail("become a subreaper");
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return fail("fork");
    if (pid == 0) {
        close(signal_fd);
        close(control_write);
        sigdelset(&old, SIGCHLD);
        run_daemon(daemon, control_read, context, &old);
    }
    close(take_fd(&control_read));
    signal(SIGPIPE, SIG_IGN);
    int status = supervise(pid, control_write, signal_fd);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status;
}
