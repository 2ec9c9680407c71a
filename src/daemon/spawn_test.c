#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "daemon/spawn.h"

static char directory[] = "/tmp/dora-spawn-XXXXXX";
static char warnings[4096];

static void keep_warning(void *context, const char *text)
{
    (void)context;
    strncat(warnings, text, sizeof warnings - strlen(warnings) - 1);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static struct graph_node make_node(const char *path)
{
    return (struct graph_node){.id = "x", .kind = GRAPH_NODE_STANDARD, .path = path};
}

static struct spawn_request make_request(const struct graph_node *node)
{
    warnings[0] = '\0';
    return (struct spawn_request){
        .node = node, .directory = directory, .config = "dora=1 …", .on_warning = keep_warning};
}

static void wait_readable(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 20000), 1);
}

/* Runs it to its end; returns waitpid's status. */
static int run(const struct spawn_request *request, struct buf *out)
{
    struct error error = ERROR_INIT;
    struct spawned spawned;
    if (spawn_node(request, &spawned, &error) < 0)
        fail_msg("%s", error.message);
    autoclose int out_fd = spawned.out_fd, err_fd = spawned.err_fd, pid_fd = spawned.pid_fd;
    char piece[4096];
    (void)err_fd; /* nobody reads it, but it is open until the end */
    for (;;) {
        wait_readable(out_fd);
        ssize_t len = read(out_fd, piece, sizeof piece);
        assert_true(len >= 0);
        if (len == 0)
            break;
        buf_add(out, piece, (size_t)len);
    }
    wait_readable(pid_fd);
    int status;
    assert_int_equal(waitpid(spawned.pid, &status, 0), spawned.pid);
    return status;
}

static void run_shell(const char *command, struct spawn_request *request, struct buf *out)
{
    const char *args[] = {command};
    struct graph_node node = *request->node;
    node.kind = GRAPH_NODE_SHELL;
    node.path = "shell";
    node.args = args;
    node.arg_count = 1;
    request->node = &node;
    request->allow_shell = true;
    assert_int_equal(run(request, out), 0);
}

static void assert_fails(const struct graph_node *node, int code, const char *words)
{
    struct error error = ERROR_INIT;
    struct spawned spawned;
    struct spawn_request request = make_request(node);
    assert_int_equal(spawn_node(&request, &spawned, &error), code);
    if (!strstr(error.message, words))
        fail_msg("`%s` lacks `%s`", error.message, words);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
}

static void a_program_runs(void **state)
{
    (void)state;
    struct graph_node node = make_node("true");
    struct spawn_request request = make_request(&node);
    autobuf struct buf out = {0};
    assert_int_equal(run(&request, &out), 0);
    node.path = "/bin/false";
    assert_int_equal(WEXITSTATUS(run(&request, &out)), 1);
}

static void a_failure_says_why(void **state)
{
    (void)state;
    struct graph_node node = make_node("./bin/y");
    assert_fails(&node, -ENOENT, "can't start `./bin/y`: No such file or directory; build it with `dora build`");
    node.path = "no-such-program";
    assert_fails(&node, -ENOENT, "nor in PATH");
    write_file("plain", "text", 0644);
    node.path = "./plain";
    assert_fails(&node, -EACCES, "chmod +x");
    write_file("shebang", "#!/no/such/interpreter\n", 0755);
    node.path = "shebang";
    assert_fails(&node, -ENOENT, "the interpreter that it names");
    write_file("odd", "odd", 0755);
    node.path = "odd";
    assert_fails(&node, -ENOEXEC, "another kind of machine");
    node.path = "/tmp";
    assert_fails(&node, -EACCES, "is a directory");
    node.path = "https://example.org/node";
    assert_fails(&node, -ENOTSUP, "URL");
    node.path = "dynamic";
    node.kind = GRAPH_NODE_DYNAMIC;
    assert_fails(&node, -EINVAL, "dynamic");
    node.path = "shell";
    node.kind = GRAPH_NODE_SHELL;
    assert_fails(&node, -EPERM, "Shell nodes are disabled by default (security risk).");
}

static void a_directory_that_is_gone_is_named(void **state)
{
    (void)state;
    struct graph_node node = make_node("true");
    struct spawn_request request = make_request(&node);
    request.directory = "/no/such/directory";
    struct error error = ERROR_INIT;
    struct spawned spawned;
    assert_int_equal(spawn_node(&request, &spawned, &error), -ENOENT);
    assert_non_null(strstr(error.message, "/no/such/directory"));
}

static void environments_lie_over_each_other(void **state)
{
    (void)state;
    setenv("LD_AUDIT_OFF", "kept", 1);
    setenv("DORA_ALLOW_SHELL_NODES", "true", 1);
    setenv("DORA_NODE_CONFIG", "of an outer dataflow", 1);
    setenv("A", "inherited", 1);
    setenv("B", "inherited", 1);
    setenv("C", "inherited", 1);
    struct graph_env env[] = {{"C", "node"}, {"D", "node"}, {"LD_PRELOAD", "evil.so"}};
    const char *const extra[] = {"B=extra", "C=extra", "D=extra", NULL};
    struct graph_node node = make_node("env");
    node.env = env;
    node.env_count = 3;
    struct spawn_request request = make_request(&node);
    request.env = extra;
    autobuf struct buf out = {0};
    assert_int_equal(run(&request, &out), 0);
    assert_non_null(strstr(out.data, "\nA=inherited\n"));
    assert_non_null(strstr(out.data, "\nB=extra\n"));
    assert_non_null(strstr(out.data, "\nC=node\n"));
    assert_non_null(strstr(out.data, "\nD=node\n"));
    assert_non_null(strstr(out.data, "LD_AUDIT_OFF=kept\n"));
    assert_non_null(strstr(out.data, "DORA_NODE_CONFIG=dora=1 …\n"));
    assert_null(strstr(out.data, "inherited\nB=inherited"));
    assert_null(strstr(out.data, "of an outer"));
    assert_null(strstr(out.data, "DORA_ALLOW_SHELL_NODES"));
    assert_null(strstr(out.data, "evil"));
    unsetenv("DORA_NODE_CONFIG");
    unsetenv("DORA_ALLOW_SHELL_NODES");
}

static void a_node_leads_its_group_and_starts_clean(void **state)
{
    (void)state;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    struct rlimit low = {.rlim_cur = 100, .rlim_max = files.rlim_max};
    setrlimit(RLIMIT_NOFILE, &low);
    spawn_raise_limits();
    struct rlimit raised;
    getrlimit(RLIMIT_NOFILE, &raised);
    assert_true(raised.rlim_cur > 100);

    signal(SIGINT, SIG_IGN);
    sigset_t blocked, old;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &old);
    struct graph_node node = make_node("shell");
    struct spawn_request request = make_request(&node);
    autobuf struct buf out = {0};
    run_shell("cut -d' ' -f1,5 /proc/$$/stat; readlink /proc/self/fd/0; pwd; ulimit -n; "
              "grep -E 'SigBlk|SigIgn' /proc/self/status; ls /proc/self/fd | wc -l",
              &request, &out);
    signal(SIGINT, SIG_DFL);
    sigprocmask(SIG_SETMASK, &old, NULL);
    assert_non_null(strstr(warnings, "DORA_ALLOW_SHELL_NODES is set:"));

    int pid, group;
    assert_int_equal(sscanf(out.data, "%d %d", &pid, &group), 2);
    assert_int_equal(pid, group);
    char expected[256];
    snprintf(expected, sizeof expected, "\n/dev/null\n%s\n100\n", directory);
    assert_non_null(strstr(out.data, expected));
    assert_non_null(strstr(out.data, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"));

    /* It has no descriptor that another child of this process would not have. */
    FILE *other = popen("ls /proc/self/fd | wc -l", "r");
    int expected_fds, fds;
    assert_int_equal(fscanf(other, "%d", &expected_fds), 1);
    pclose(other);
    assert_int_equal(sscanf(strstr(out.data, "SigIgn"), "SigIgn: %*s %d", &fds), 1);
    assert_int_equal(fds, expected_fds);
}

static void a_node_runs_on_its_cores(void **state)
{
    (void)state;
    cpu_set_t usable;
    CPU_ZERO(&usable);
    sched_getaffinity(0, sizeof usable, &usable);
    uint32_t first = 0;
    while (!CPU_ISSET(first, &usable))
        first++;
    uint32_t cores[] = {first, 100000};
    struct graph_node node = make_node("shell");
    node.cpu_affinity = cores;
    node.cpu_affinity_count = 2;
    struct spawn_request request = make_request(&node);
    autobuf struct buf out = {0};
    run_shell("grep Cpus_allowed_list /proc/self/status", &request, &out);
    char expected[64];
    snprintf(expected, sizeof expected, "Cpus_allowed_list:\t%u\n", first);
    assert_string_equal(out.data, expected);
    assert_non_null(strstr(warnings, "no core 100000"));
}

static void a_name_is_looked_for_beside_the_dataflow_first(void **state)
{
    (void)state;
    write_file("env", "#!/bin/sh\necho mine \"$@\"\n", 0755);
    const char *args[] = {"two words", ""};
    struct graph_node node = make_node("env");
    node.args = args;
    node.arg_count = 2;
    struct spawn_request request = make_request(&node);
    autobuf struct buf out = {0};
    assert_int_equal(run(&request, &out), 0);
    assert_string_equal(out.data, "mine two words \n");

    /* A folder of that name doesn't count. */
    char path[256];
    snprintf(path, sizeof path, "%s/true", directory);
    assert_int_equal(mkdir(path, 0755), 0);
    node.path = "true";
    assert_int_equal(run(&request, &out), 0);

    setenv("HOME", directory, 1);
    setenv("OTHER", directory, 1);
    node.path = "${HOME}/env";
    assert_int_equal(run(&request, &out), 0);
    assert_string_equal(warnings, "");
    node.path = "$OTHER/env";
    assert_fails(&node, -ENOENT, "$OTHER/env");
    assert_non_null(strstr(warnings, "stays as it is"));
}

static void a_script_runs_in_python(void **state)
{
    (void)state;
    write_file("python3", "#!/bin/sh\necho python \"$@\"\n", 0755);
    write_file("uv", "#!/bin/sh\necho uv \"$@\"\n", 0755);
    write_file("node.py", "print()", 0644);
    autofree char *path = strdup(getenv("PATH"));
    setenv("PATH", directory, 1);
    struct graph_node node = make_node("node.py");
    struct spawn_request request = make_request(&node);
    autobuf struct buf out = {0};
    assert_int_equal(run(&request, &out), 0);
    request.uv = true;
    assert_int_equal(run(&request, &out), 0);
    char expected[256];
    snprintf(expected, sizeof expected, "python -u %s/node.py\nuv run python -u %s/node.py\n", directory, directory);
    assert_string_equal(out.data, expected);
    setenv("PATH", "/no/such/directory", 1);
    request.uv = false;
    assert_fails(&node, -ENOENT, "needs Python");
    setenv("PATH", path, 1);
}

static void a_node_dies_with_its_daemon(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t daemon = fork();
    if (daemon == 0) {
        const char *args[] = {"600"};
        struct graph_node node = make_node("sleep");
        node.args = args;
        node.arg_count = 1;
        struct spawn_request request = make_request(&node);
        struct spawned spawned;
        if (spawn_node(&request, &spawned, NULL) == 0)
            (void)!write(ends[1], &spawned.pid, sizeof spawned.pid);
        _exit(0);
    }
    pid_t pid;
    assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
    assert_int_equal(waitpid(daemon, NULL, 0), daemon);
    for (int i = 0; i < 2000 && kill(pid, 0) == 0; i++) {
        char stat_path[64], text[64] = "";
        snprintf(stat_path, sizeof stat_path, "/proc/%d/stat", (int)pid);
        autoclose int fd = open(stat_path, O_RDONLY);
        if (fd >= 0 && read(fd, text, sizeof text - 1) > 0 && strstr(text, ") Z "))
            break; /* dead, and init has not come by yet */
        usleep(10000);
        assert_true(i < 1999);
    }
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_runs),
        cmocka_unit_test(a_failure_says_why),
        cmocka_unit_test(a_directory_that_is_gone_is_named),
        cmocka_unit_test(environments_lie_over_each_other),
        cmocka_unit_test(a_node_leads_its_group_and_starts_clean),
        cmocka_unit_test(a_node_runs_on_its_cores),
        cmocka_unit_test(a_name_is_looked_for_beside_the_dataflow_first),
        cmocka_unit_test(a_script_runs_in_python),
        cmocka_unit_test(a_node_dies_with_its_daemon),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
