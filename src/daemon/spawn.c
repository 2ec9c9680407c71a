#include "daemon/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "daemon/environment.h"
#include "daemon/program.h"

static struct rlimit original_files; /* {0} until the limit was raised */

void spawn_raise_limits(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= files.rlim_max)
        return;
    struct rlimit raised = {.rlim_cur = files.rlim_max, .rlim_max = files.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
        original_files = files;
}

/* What the child tells before it is another program. `where` is a text of this program, or NULL: at exec itself. */
struct trouble {
    int code; /* errno */
    bool is_fatal;
    const char *where;
};

/* Everything the child needs, made before: between vfork and exec it only makes system calls. */
struct child {
    struct spawn_program program;
    int null_fd, out_fd, err_fd, trouble_fd;
    pid_t parent;
    const cpu_set_t *cores; /* NULL: any */
};

static void tell(const struct child *child, const char *where, bool is_fatal)
{
    struct trouble trouble = {.code = errno, .is_fatal = is_fatal, .where = where};
    (void)!write(child->trouble_fd, &trouble, sizeof trouble);
}

_Noreturn static void fail_child(const struct child *child, const char *where)
{
    tell(child, where, true);
    _exit(127);
}

_Noreturn static void run_child(const struct child *child)
{
    /* Handlers would run in the daemon's memory: signals stay blocked until every one has its default. Ignored ones
     * would stay ignored in the program. */
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < _NSIG; number++)
        sigaction(number, &action, NULL);
    setpgid(0, 0);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        fail_child(child, "prctl");
    if (getppid() != child->parent) /* it died before it could be noticed */
        _exit(127);
    if (chdir(child->program.directory) < 0)
        fail_child(child, "enter its directory");
    if (dup2(child->null_fd, 0) < 0 || dup2(child->out_fd, 1) < 0 || dup2(child->err_fd, 2) < 0)
        fail_child(child, "set up its pipes");
    if (original_files.rlim_max)
        setrlimit(RLIMIT_NOFILE, &original_files);
    if (child->cores && sched_setaffinity(0, sizeof *child->cores, child->cores) < 0)
        tell(child, "choose its cores", false);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(child->program.path, child->program.words, child->program.env);
    fail_child(child, NULL);
}

/* A child that is killed between vfork and exec leaves its parent's memory as it is just then, and under
 * AddressSanitizer each call locks something there. */
#if defined __has_feature
#if __has_feature(address_sanitizer)
#define vfork fork
#endif
#elif defined __SANITIZE_ADDRESS__
#define vfork fork
#endif

/* vfork: 50 to 100 µs however large the daemon is. */
static __attribute__((noinline)) pid_t start_child(const struct child *child)
{
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t pid = vfork();
    if (pid == 0)
        run_child(child);
    int saved = errno;
    sigprocmask(SIG_SETMASK, &old, NULL);
    errno = saved;
    return pid;
}

static void __attribute__((format(printf, 2, 3))) warn(const struct spawn_request *request, const char *format, ...)
{
    char text[256];
    if (!request || !request->on_warning)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    request->on_warning(request->context, text);
}

/* False when no core is asked for, or none of those exists. */
static bool choose_cores(const struct spawn_request *request, cpu_set_t *cores)
{
    long present = sysconf(_SC_NPROCESSORS_CONF);
    CPU_ZERO(cores);
    for (size_t i = 0; i < request->node->cpu_affinity_count; i++) {
        uint32_t core = request->node->cpu_affinity[i];
        if (core < CPU_SETSIZE && core < (unsigned long)present)
            CPU_SET(core, cores);
        else
            warn(request, "node `%s`: cpu_affinity: this machine has no core %u; left out", request->node->id, core);
    }
    return CPU_COUNT(cores) > 0;
}

static int explain(const struct trouble *trouble, const char *program, const struct spawn_request *request,
                   struct error *error)
{
    int code = -trouble->code;
    if (trouble->where)
        return error_sys(error, code, "can't %s (%s)", trouble->where, request->directory);
    const char *advice = "";
    struct stat status;
    if (stat(program, &status) < 0)
        advice = "; build it with `dora build` or check `path`";
    else if (code == -ENOENT)
        advice = "; the file is there, but not the interpreter that it names";
    else if (S_ISDIR(status.st_mode))
        advice = "; it is a directory, `path` must name a file";
    else if (code == -EACCES)
        advice = "; make it executable with `chmod +x`";
    else if (code == -ENOEXEC)
        advice = "; it was built for another kind of machine, or is a script without a `#!` line";
    return error_set(error, code, "can't start `%s`: %s%s",
                     request->node->kind == GRAPH_NODE_STANDARD ? request->node->path : program, strerror(-code),
                     advice);
}

/* Hears what the child has to tell, until it is another program: the pipe closes then. Returns false when it failed.
 * `request`: whose warnings they are; NULL: there are none. */
static bool hear(int fd, const struct spawn_request *request, struct trouble *trouble)
{
    for (;;) {
        ssize_t len = read(fd, trouble, sizeof *trouble);
        if (len < 0 && errno == EINTR)
            continue;
        if (len != sizeof *trouble)
            return true;
        if (trouble->is_fatal)
            return false;
        warn(request, "node `%s`: can't %s: this user or container may not use them", request->node->id,
             trouble->where);
    }
}

/* A pipe whose end here never blocks, unless `flags` is 0. */
static int make_pipe(int *read_end, int *write_end, int flags)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    *read_end = ends[0];
    *write_end = ends[1];
    return flags && fcntl(ends[0], F_SETFL, flags) < 0 ? -errno : 0;
}

/* Starts the child that `program` and `cores` (NULL: any) describe. 1: it has failed, with `trouble`. */
static int start(const struct spawn_program *program, const cpu_set_t *cores, const struct spawn_request *request,
                 struct spawned *spawned, struct trouble *trouble, struct error *error)
{
    autoclose int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    autoclose int out_read = -1, out_write = -1, err_read = -1, err_write = -1, trouble_read = -1, trouble_write = -1;
    int rc = null_fd < 0 ? -errno : make_pipe(&out_read, &out_write, O_NONBLOCK);
    if (rc == 0)
        rc = make_pipe(&err_read, &err_write, O_NONBLOCK);
    if (rc == 0)
        rc = make_pipe(&trouble_read, &trouble_write, 0);
    if (rc < 0)
        return error_sys(error, rc, "make its pipes");
    struct child child = {
        .program = *program,
        .null_fd = null_fd,
        .out_fd = out_write,
        .err_fd = err_write,
        .trouble_fd = trouble_write,
        .parent = getpid(),
        .cores = cores,
    };
    pid_t pid = start_child(&child);
    if (pid < 0)
        return error_sys(error, -errno, "make a process");
    close(take_fd(&trouble_write));
    if (!hear(trouble_read, request, trouble)) {
        waitpid(pid, NULL, 0);
        return 1;
    }
    int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pid_fd < 0) {
        rc = error_sys(error, -errno, "watch its process");
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return rc;
    }
    *spawned = (struct spawned){pid, pid_fd, take_fd(&out_read), take_fd(&err_read)};
    return 0;
}

int spawn_node(const struct spawn_request *request, struct spawned *spawned, struct error *error)
{
    struct program program __attribute__((cleanup(program_free))) = {0};
    int rc = program_find(request, &program, error);
    if (rc < 0)
        return rc;
    autofree char **env = environment_make(request);
    if (!env)
        return error_sys(error, -ENOMEM, "make its environment");
    const struct spawn_program child = {program.words[0], program.words, env, request->directory};
    cpu_set_t cores;
    struct trouble trouble;
    rc = start(&child, choose_cores(request, &cores) ? &cores : NULL, request, spawned, &trouble, error);
    return rc > 0 ? explain(&trouble, program.words[0], request, error) : rc;
}

int spawn_program(const struct spawn_program *program, struct spawned *spawned, struct error *error)
{
    struct trouble trouble;
    int rc = start(program, NULL, NULL, spawned, &trouble, error);
    return rc > 0 ? error_sys(error, -trouble.code, "start %s", program->words[0]) : rc;
}
