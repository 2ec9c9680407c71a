#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/write.h"

enum { OUTPUT_MOST = 64 << 10 };

/* Its stdin: memory, so that nobody has to write while somebody reads. */
static int make_input(const struct buf *input)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    if (fd >= 0 && input && write_all(fd, input->data, input->len) < 0) {
        close(fd);
        return -1;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

_Noreturn static void run_child(const char *const *argv, int in, int out, int told, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(out, STDERR_FILENO) >= 0)
        execvp(argv[0], (char *const *)argv);
    (void)!write(told, &errno, sizeof errno);
    _exit(127);
}

static void read_all(int fd, struct buf *output)
{
    char text[4096];
    ssize_t len;
    while ((len = read(fd, text, sizeof text)) > 0 || (len < 0 && errno == EINTR))
        if (len > 0 && output->len < OUTPUT_MOST)
            buf_add(output, text, (size_t)len);
}

int child_run(const char *const *argv, const struct buf *input, struct buf *output)
{
    int ends[2], told[2], failure = 0, status;
    autoclose int in = make_input(input);
    if (in < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    autoclose int reads = ends[0], writes = ends[1];
    if (pipe2(told, O_CLOEXEC) < 0)
        return -errno;
    autoclose int hears = told[0], tells = told[1];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        run_child(argv, in, writes, tells, parent);
    if (pid < 0)
        return -errno;
    close(take_fd(&tells));
    close(take_fd(&writes));
    /* Nothing to read: the pipe was closed because the child is the program now. */
    ssize_t len = read(hears, &failure, sizeof failure);
    read_all(reads, output);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (len == sizeof failure)
        return -failure;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
