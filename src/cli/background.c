#include "cli/background.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "control/paths.h"

enum { LOG_MOST = 4 << 20, SHOWN_MOST = 4096 };

/* One old log is kept. */
static void rotate(const char *path)
{
    struct stat stat_;
    autofree char *old = NULL;
    if (stat(path, &stat_) == 0 && stat_.st_size > LOG_MOST && asprintf(&old, "%s.old", path) >= 0)
        (void)!rename(path, old);
}

enum { ARGS_MOST = 1024 };

_Noreturn static void run_child(const char *program, const char *role, const char *const *args, int null_fd, int log_fd)
{
    const char *argv[ARGS_MOST] = {"dora", role};
    for (size_t i = 0; args && args[i] && i < ARGS_MOST - 3; i++)
        argv[i + 2] = args[i];
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    if (dup2(null_fd, STDIN_FILENO) < 0 || dup2(log_fd, STDOUT_FILENO) < 0 || dup2(log_fd, STDERR_FILENO) < 0)
        _exit(127);
    close_range(STDERR_FILENO + 1, ~0U, 0);
    /* So that it keeps no folder in use. */
    (void)!chdir("/");
    execv(program, (char *const *)argv);
    fprintf(stderr, "can't run %s: %s\n", program, strerror(errno));
    _exit(127);
}

int background_start(struct background *background, const char *role, const char *const *args, struct error *error)
{
    char name[32], program[PATH_MAX];
    *background = (struct background){.role = role};
    snprintf(name, sizeof name, "%s.log", role);
    int rc = control_state_file(background->log, name, error);
    if (rc < 0)
        return rc;
    rotate(background->log);
    autoclose int log_fd = open(background->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (log_fd < 0)
        return error_sys(error, -errno, "can't write to %s", background->log);
    background->log_start = lseek(log_fd, 0, SEEK_END);
    autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (null_fd < 0 || len < 0)
        return error_sys(error, -errno, "can't start `dora %s`", role);
    program[len] = '\0';
    if (access(program, X_OK) < 0) /* replaced by another version since we were started */
        snprintf(program, sizeof program, "/proc/self/exe");
    fflush(NULL);
    background->pid = fork();
    if (background->pid == 0)
        run_child(program, role, args, null_fd, log_fd);
    if (background->pid < 0) {
        background->pid = 0;
        return error_sys(error, -errno, "can't start `dora %s`", role);
    }
    return 0;
}

bool background_has_ended(struct background *background)
{
    return background->pid > 0 && waitpid(background->pid, NULL, WNOHANG) != 0;
}

void background_end(struct background *background, int64_t patience_ns)
{
    enum { RETRY_MS = 3 };
    if (background->pid <= 0 || background_has_ended(background))
        return;
    const int64_t deadline = clock_after(clock_now(), patience_ns);
    kill(background->pid, SIGTERM);
    while (!background_has_ended(background)) {
        if (clock_now() >= deadline)
            kill(background->pid, SIGKILL);
        poll(NULL, 0, RETRY_MS);
    }
}

void background_print_log(const struct background *background)
{
    autoclose int fd = open(background->log, O_RDONLY | O_CLOEXEC);
    off_t end = lseek(fd, 0, SEEK_END), start = background->log_start;
    if (end - start > SHOWN_MOST)
        start = end - SHOWN_MOST;
    char text[SHOWN_MOST];
    ssize_t len = pread(fd, text, sizeof text, start);
    if (len > 0)
        fwrite(text, 1, (size_t)len, stderr);
}
