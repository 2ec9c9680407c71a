#include "graph/draft.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/findings.h"

static const char *allowed(const char *name, size_t len)
{
    static const char *const names[] = {"HOME", "USER", "DORA_WORKSPACE", "CARGO_MANIFEST_DIR", "PWD"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return getenv(names[i]);
    return NULL;
}

static void expand(const char *path, struct buf *out)
{
    while (*path) {
        size_t plain = strcspn(path, "$");
        buf_add(out, path, plain);
        path += plain;
        if (!*path)
            return;
        bool braces = path[1] == '{';
        const char *name = path + 1 + braces;
        size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
        const char *value = !braces || name[len] == '}' ? allowed(name, len) : NULL;
        size_t size = value ? len + 1 + 2 * (size_t)braces : 1;
        if (value)
            buf_puts(out, value);
        else
            buf_add(out, path, size);
        path += size;
    }
}

static bool is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

static bool is_file(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISDIR(status.st_mode);
}

static int on_path(const char *name, struct buf *out)
{
    const char *path = getenv("PATH");
    for (const char *end; path && *path; path = *end ? end + 1 : end) {
        end = strchrnul(path, ':');
        buf_clear(out);
        buf_add(out, path, (size_t)(end - path));
        buf_printf(out, "/%s", name);
        if (out->failed)
            return -ENOMEM;
        if (is_file(out->data) && access(out->data, X_OK) == 0)
            return 0;
    }
    return -ENOENT;
}

int graph_find_program(const struct graph *graph, const char *path, struct buf *out)
{
    autobuf struct buf expanded = {0}, found = {0};
    expand(path, &expanded);
    if (expanded.failed)
        return -ENOMEM;
    const char *name = expanded.data ? expanded.data : "";
    if (*name == '/')
        buf_puts(&found, name);
    else
        buf_printf(&found, "%s/%s", graph->directory, strncmp(name, "./", 2) == 0 ? name + 2 : name);
    if (found.failed)
        return -ENOMEM;
    if (!is_file(found.data)) {
        int code = strchr(name, '/') || !*name ? -ENOENT : on_path(name, &found);
        if (code < 0)
            return code;
    }
    buf_puts(out, found.data);
    return out->failed ? -ENOMEM : 0;
}

static void check_program(struct load *load, const struct draft *draft)
{
    struct graph *graph = load->graph;
    const struct graph_node *node = &draft->node;
    const struct tree *path = keys_given(&draft->given, &keys_node, "path");
    if (node->path && path && path_is_url(node->path) && keys_url_path_later)
        finding_add(graph, GRAPH_ERROR, false, path->place, "download it, and name the file here",
                    "node `%s`: its `path` is a URL, and this version doesn't fetch those", node->id);
    if (!node->path || !path || path_is_url(node->path) || node->build || node->git || node->hub)
        return;
    autobuf struct buf found = {0}, expanded = {0};
    expand(node->path, &expanded);
    if (expanded.data && strchr(expanded.data, '$'))
        finding_add(graph, GRAPH_WARNING, false, path->place,
                    "HOME, USER, DORA_WORKSPACE, CARGO_MANIFEST_DIR and PWD are, where they are set",
                    "node `%s`: a variable in `%s` is not expanded", node->id, node->path);
    int code = graph_find_program(graph, node->path, &found);
    const char *full = *node->path == '/' ? node->path : graph_format(graph, "%s/%s", graph->directory, node->path);
    const char *extension = strrchr(node->path, '.');
    if (code == -ENOMEM)
        graph->private->out_of_memory = true;
    else if (code < 0 && is_folder(full))
        finding_add(graph, GRAPH_ERROR, false, path->place, "name the program in it", "node `%s`: `%s` is a folder",
                    node->id, node->path);
    else if (code < 0)
        finding_add(graph, GRAPH_ERROR, false, path->place, path_near(graph, full),
                    "node `%s`: there is no file `%s`%s", node->id, node->path,
                    strchr(node->path, '/') ? "" : ", nor a command of this name on PATH");
    else if ((!extension || strcmp(extension, ".py") != 0) && access(found.data, X_OK) < 0)
        finding_add(graph, GRAPH_ERROR, false, path->place, graph_format(graph, "chmod +x %s", found.data),
                    "node `%s`: the file `%s` is not executable", node->id, node->path);
}

static void check_operator(struct load *load, const struct draft *draft, const struct graph_operator *op)
{
    struct graph *graph = load->graph;
    if (!op->path || op->build || path_is_url(op->path) || op->source == GRAPH_OPERATOR_WASM)
        return;
    bool library = op->source == GRAPH_OPERATOR_LIBRARY;
    const char *directory = path_directory(graph, op->path), *slash = strrchr(op->path, '/');
    const char *name = slash ? slash + 1 : op->path;
    const char *file = graph_format(graph, "%s%s%s%s%s", directory, *directory ? "/" : "", library ? "lib" : "", name,
                                    library ? ".so" : "");
    const char *full = *file == '/' ? file : graph_format(graph, "%s/%s", graph->directory, file);
    if (!is_file(full))
        finding_add(graph, GRAPH_ERROR, false, op->place, path_near(graph, full),
                    "node `%s`, operator `%s`: there is no %s `%s`", draft->node.id, op->id,
                    library ? "shared library" : "Python file", file);
}

/* What may be on another machine, or below another folder, is looked for there, when it is started. */
static bool is_elsewhere(const struct graph_node *node)
{
    return node->machine || node->label_count || node->working_dir;
}

void sources_check(struct load *load)
{
    for (size_t i = 0; i < load->draft_count; i++) {
        const struct draft *draft = load->drafts[i];
        if (is_elsewhere(&draft->node))
            continue;
        if (draft->node.kind == GRAPH_NODE_STANDARD)
            check_program(load, draft);
        for (size_t k = 0; k < draft->node.operator_count; k++)
            check_operator(load, draft, &draft->node.operators[k]);
    }
}
