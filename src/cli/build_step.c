#include "cli/build_step.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/report.h"
#include "daemon/environment.h"

/* Cuts a command at blanks that are not within quotes, in place. Returns the number of words, -1 for an open quote. */
static int split(char *text, char **words)
{
    int count = 0;
    char *out = text;
    while (*(text += strspn(text, " \t\r"))) {
        words[count++] = out;
        for (char quote = 0; *text && (quote || !strchr(" \t\r", *text)); text++) {
            if (quote ? *text == quote : *text == '"' || *text == '\'')
                quote = quote ? 0 : *text;
            else
                *out++ = *text;
            if (quote && !text[1])
                return -1;
        }
        text += *text != '\0';
        *out++ = '\0';
    }
    words[count] = NULL;
    return count;
}

_Noreturn static void run_child(char **words, const char *directory, char **env, int null_fd, pid_t parent, int told)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && dup2(null_fd, STDIN_FILENO) >= 0 && chdir(directory) == 0)
        execvpe(words[0], words, env);
    (void)!write(told, &errno, sizeof errno);
    _exit(127);
}

/* Returns waitpid's status, or a negative errno when the program can't be started. */
static int run_words(char **words, const char *directory, char **env)
{
    int ends[2], failure = 0, status;
    autoclose int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null_fd < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    autoclose int hears = ends[0], tells = ends[1];
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        run_child(words, directory, env, null_fd, parent, tells);
    if (pid < 0)
        return -errno;
    close(take_fd(&tells));
    /* Nothing to read: the pipe was closed because the child is the program now. */
    ssize_t len = read(hears, &failure, sizeof failure);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return len == sizeof failure ? -failure : status;
}

static void report_failure(const char *id, const char *line, const char *program, int status, const char *directory)
{
    if (status == -ENOENT && access(directory, F_OK) == 0) {
        report_error("node `%s`: can't run the build command `%s`: there is no command `%s`", id, line, program);
        report_hint("install what has it, or put its folder on PATH%s",
                    strcmp(program, "pip") == 0 ? "; `--uv` lets uv do what pip would" : "");
    } else if (status < 0)
        report_error("node `%s`: can't run the build command `%s` in %s: %s", id, line, directory, strerror(-status));
    else if (WIFSIGNALED(status))
        report_error("node `%s`: build command `%s` was ended by signal %d (%s)", id, line, WTERMSIG(status),
                     strsignal(WTERMSIG(status)));
    else
        report_error("node `%s`: build command `%s` returned exit status %d", id, line, WEXITSTATUS(status));
}

/* How far it is, for somebody who watches. */
struct progress {
    size_t done, all;
};

static void announce(struct progress *progress, const char *id, const char *line)
{
    progress->done++;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "[%zu/%zu] ", progress->done, progress->all);
    fprintf(stderr, "building `%s`: %s\n", id, line);
}

static bool run_line(const struct graph_node *node, const char *line, const char *directory, char **env, bool uv,
                     struct progress *progress)
{
    autofree char *text = strdup(line);
    autofree char **words = calloc(strlen(line) / 2 + 4, sizeof *words);
    if (!text || !words) {
        report_error("node `%s`: out of memory", node->id);
        return false;
    }
    int count = split(text, words + 1);
    if (count < 0) {
        report_error("node `%s`: a quote is left open in the build command `%s`", node->id, line);
        return false;
    }
    if (count == 0)
        return true;
    bool is_pip = uv && (strcmp(words[1], "pip") == 0 || strcmp(words[1], "pip3") == 0);
    static char uv_command[] = "uv", pip_command[] = "pip";
    if (is_pip) {
        words[0] = uv_command;
        words[1] = pip_command;
    }
    announce(progress, node->id, line);
    char **command = words + !is_pip;
    int status = run_words(command, directory, env);
    if (status != 0)
        report_failure(node->id, line, command[0], status, directory);
    return status == 0;
}

static bool run_lines(const struct graph *graph, const struct graph_node *node, const char *commands, bool uv,
                      struct progress *progress)
{
    static const char *const plain[] = {NULL}, *const colored[] = {"CLICOLOR=1", "CLICOLOR_FORCE=1", NULL};
    struct buf directory = {0};
    if (node->working_dir && node->working_dir[0] == '/')
        buf_puts(&directory, node->working_dir);
    else
        buf_printf(&directory, "%s%s%s", graph->directory, node->working_dir ? "/" : "",
                   node->working_dir ? node->working_dir : "");
    autofree char *path = buf_take(&directory);
    autofree char **env =
        environment_make(&(struct spawn_request){.node = node, .env = report_color(STDOUT_FILENO) ? colored : plain});
    autofree char *text = strdup(commands);
    if (!path || !env || !text) {
        report_error("node `%s`: out of memory", node->id);
        return false;
    }
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (!run_line(node, line + strspn(line, " \t"), path, env, uv, progress))
            return false;
    return true;
}

static size_t count_lines(const char *commands)
{
    static const char blank[] = " \t\r\n";
    size_t count = 0;
    for (const char *at = commands + strspn(commands, blank); *at; at += strspn(at, blank)) {
        count++;
        at += strcspn(at, "\n");
    }
    return count;
}

static size_t count_all(const struct graph *graph)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        count += node->build ? count_lines(node->build) : 0;
        for (size_t k = 0; k < node->operator_count; k++)
            count += node->operators[k].build ? count_lines(node->operators[k].build) : 0;
    }
    return count;
}

bool build_run(const struct graph *graph, bool uv)
{
    struct progress progress = {0, count_all(graph)};
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        if (node->build && !run_lines(graph, node, node->build, uv, &progress))
            return false;
        for (size_t k = 0; k < node->operator_count; k++)
            if (node->operators[k].build && !run_lines(graph, node, node->operators[k].build, uv, &progress))
                return false;
    }
    return true;
}
