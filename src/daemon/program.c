#include "daemon/program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/program_place.h"

static void warn(const struct spawn_request *request, struct buf *text)
{
    if (request->on_warning && !text->failed)
        request->on_warning(request->context, text->data);
}

static bool is_file(const char *path, int access_mode)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, access_mode) == 0;
}

static char *join(const char *directory, size_t len, const char *name)
{
    struct buf path = {0};
    buf_add(&path, directory, len);
    buf_printf(&path, "/%s", name);
    return buf_take(&path);
}

/* An executable of this name in PATH, or NULL. An empty item of PATH would mean the daemon's own directory: skipped. */
static char *find_in_path(const char *name)
{
    const char *at = getenv("PATH");
    for (size_t len; at && *at; at += len + (at[len] == ':')) {
        len = strcspn(at, ":");
        autofree char *path = len ? join(at, len, name) : NULL;
        if (path && is_file(path, X_OK))
            return take_ptr(path);
    }
    return NULL;
}

/* Replaces $NAME and ${NAME} by the few variables that may stand in a path. */
static char *expand(const struct spawn_request *request, const char *path)
{
    static const char *const allowed[] = {"HOME", "USER", "DORA_WORKSPACE", "CARGO_MANIFEST_DIR", "PWD"};
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    struct buf out = {0};
    while (*path) {
        size_t len = strcspn(path, "$");
        buf_add(&out, path, len);
        path += len;
        if (!*path)
            break;
        bool braced = path[1] == '{';
        const char *name = path + 1 + braced;
        size_t name_len = strspn(name, letters), whole = (size_t)(name - path) + name_len + braced;
        const char *value = NULL;
        if (name_len && (!braced || name[name_len] == '}'))
            for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
                if (strlen(allowed[i]) == name_len && memcmp(allowed[i], name, name_len) == 0)
                    value = getenv(allowed[i]);
        if (!value) {
            autobuf struct buf text = {0};
            buf_printf(&text,
                       "node `%s`: the `$` in its path stays as it is: only HOME, USER and PWD are replaced there",
                       request->node->id);
            warn(request, &text);
            whole = 1;
        }
        buf_add(&out, value ? value : path, value ? strlen(value) : whole);
        path += whole;
    }
    return buf_take(&out);
}

static char *resolve(const struct spawn_request *request, struct error *error)
{
    const char *written = request->node->path;
    autofree char *path = expand(request, written);
    if (!path)
        return error_sys(error, -ENOMEM, "find its program"), NULL;
    if (path[0] == '/')
        return take_ptr(path); /* that it is there, execve will say */
    autofree char *beside = join(request->directory, strlen(request->directory), path);
    /* A bare name is often also that of the folder with the node's sources. */
    if (strchr(path, '/') || (beside && is_file(beside, F_OK)))
        return beside ? take_ptr(beside) : (error_sys(error, -ENOMEM, "find its program"), NULL);
    char *found = find_in_path(path);
    if (!found)
        error_set(error, -ENOENT,
                  "can't start `%s`: it is neither in %s nor in PATH; build it with `dora build` or check `path`",
                  written, request->directory);
    return found;
}

static void add(struct program *program, char *word)
{
    program->words[program->count] = word;
    program->count += word != NULL;
}

static char *find_python(void)
{
    char *python = find_in_path("python");
    autofree char *real = python ? realpath(python, NULL) : NULL;
    if (python && real && !strstr(real, "/python2"))
        return python; /* not `real`: an environment's interpreter knows itself by its name */
    free(python);
    return find_in_path("python3");
}

static int add_interpreter(const struct spawn_request *request, struct program *program, bool is_python,
                           struct error *error)
{
    if (request->uv) {
        struct buf managed = {0};
        buf_printf(&managed, "%s/.dora/python-envs/%s/bin/python", request->directory, request->node->id);
        autofree char *python = buf_take(&managed);
        if (is_python && request->node->build && python && is_file(python, X_OK)) {
            add(program, take_ptr(python));
        } else {
            add(program, find_in_path("uv"));
            if (!program->count)
                return error_set(error, -ENOENT, "`uv` is not in PATH; install it, or run without `--uv`");
            add(program, strdup("run"));
            if (is_python)
                add(program, strdup("python"));
        }
    } else if (is_python) {
        add(program, find_python());
        if (!program->count)
            return error_set(error, -ENOENT, "`%s` needs Python, but neither `python` nor `python3` is in PATH",
                             request->node->path ? request->node->path : request->node->id);
    }
    if (is_python)
        add(program, strdup("-u"));
    return 0;
}

static int add_conda(struct program *program, const char *environment, struct error *error)
{
    add(program, find_in_path("conda"));
    if (!program->count)
        return error_set(error, -ENOENT, "`conda` is not in PATH, and the operator wants its environment `%s`",
                         environment);
    const char *const words[] = {"run", "--no-capture-output", "-n", environment, "python", "-u"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        add(program, strdup(words[i]));
    return 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static int find_file(const struct spawn_request *request, struct program *program, struct error *error)
{
    const struct graph_node *node = request->node;
    if (strncmp(node->path, "http://", 7) == 0 || strncmp(node->path, "https://", 8) == 0)
        return error_set(error, -ENOTSUP, "a path that is a URL is not supported yet; download it to a file");
    autofree char *file = resolve(request, error);
    if (!file)
        return error ? error->code : -ENOENT;
    int rc = add_interpreter(request, program, ends_with(file, ".py"), error);
    if (rc < 0)
        return rc;
    add(program, take_ptr(file));
    for (size_t i = 0; i < node->arg_count; i++)
        add(program, strdup(node->args[i]));
    return 0;
}

static int find_shell(const struct spawn_request *request, struct program *program, struct error *error)
{
    const struct graph_node *node = request->node;
    if (!request->allow_shell)
        return error_set(error, -EPERM,
                         "Shell nodes are disabled by default (security risk). Allow them by "
                         "`--allow-shell-nodes` or DORA_ALLOW_SHELL_NODES=true");
    autobuf struct buf text = {0};
    buf_printf(&text, "node `%s`: DORA_ALLOW_SHELL_NODES is set: its command line runs in a shell", node->id);
    warn(request, &text);
    add(program, strdup("/bin/sh"));
    add(program, strdup("-c"));
    add(program, strdup(node->arg_count ? node->args[0] : ""));
    return 0;
}

/* The host of operators: our own, or, where one of them is in Python, an interpreter. */
static int find_host(const struct spawn_request *request, struct program *program, struct error *error)
{
    const struct graph_node *node = request->node;
    const char *environment = NULL;
    bool is_python = false;
    char path[PATH_MAX];
    for (size_t i = 0; i < node->operator_count; i++) {
        const char *wanted = node->operators[i].conda_env;
        is_python |= node->operators[i].source == GRAPH_OPERATOR_PYTHON;
        if (wanted && environment && strcmp(wanted, environment) != 0)
            return error_set(
                error, -EINVAL,
                "its operators name two environments of conda, `%s` and `%s`, and share one process; put them "
                "into nodes of their own",
                environment, wanted);
        environment = wanted ? wanted : environment;
    }
    if (!is_python) {
        int rc = program_place("dora-runtime", "DORA_RUNTIME", path, error);
        if (rc == 0)
            add(program, strdup(path));
        return rc < 0 ? error_add(error, "find the host of operators") : 0;
    }
    int rc = environment ? add_conda(program, environment, error) : add_interpreter(request, program, true, error);
    add(program, strdup("-c"));
    add(program, strdup("import dora; dora.start_runtime()"));
    return rc;
}

int program_find(const struct spawn_request *request, struct program *program, struct error *error)
{
    enum { INTERPRETER_MOST = 9 };
    const struct graph_node *node = request->node;
    *program = (struct program){.words = calloc(node->arg_count + INTERPRETER_MOST + 1, sizeof *program->words)};
    if (!program->words)
        return error_sys(error, -ENOMEM, "find its program");
    switch (node->kind) {
    case GRAPH_NODE_STANDARD:
        return find_file(request, program, error);
    case GRAPH_NODE_SHELL:
        return find_shell(request, program, error);
    case GRAPH_NODE_DYNAMIC:
        return error_set(error, -EINVAL, "it is dynamic: started by hand");
    case GRAPH_NODE_OPERATORS:
        return find_host(request, program, error);
    case GRAPH_NODE_OPERATOR:
        return error_set(error, -EINVAL, "it runs in its host");
    case GRAPH_NODE_ROS2:
        return error_set(error, -ENOTSUP, "the ROS 2 bridge is not supported yet");
    }
    return error_set(error, -EINVAL, "it is of an unknown kind");
}

void program_free(struct program *program)
{
    for (size_t i = 0; i < program->count; i++)
        free(program->words[i]);
    free(program->words);
    *program = (struct program){0};
}
