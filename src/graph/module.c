#include "graph/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/findings.h"

enum { MODULE_MAX = 1 << 20, MODULES_BYTES_MAX = 64 << 20, MODULE_DEPTH_MAX = 8 };

/* A module file that was read; many nodes may use it. */
struct module_file {
    const char *path;
    const struct tree *tree; /* NULL: faulty, and reported */
};

bool module_lists(const struct tree *ports, const char *port)
{
    for (size_t i = 0; ports && i < ports->count; i++)
        if (ports->items[i]->kind == TREE_SCALAR && strcmp(ports->items[i]->text, port) == 0)
            return true;
    return false;
}

static bool sends(const struct draft *draft, const char *port)
{
    if (draft->is_module)
        return draft->inner && module_lists(draft->inner->ports_out, port);
    if (ports_find_out(draft, port))
        return true;
    /* A node with one operator may leave the operator's id out. */
    for (size_t i = 0; draft->single_operator && i < draft->out_count; i++) {
        const char *slash = strchr(draft->outs[i].id, '/');
        if (slash && strcmp(slash + 1, port) == 0)
            return true;
    }
    return false;
}

struct draft *module_producer(const struct scope *scope, const char *port)
{
    for (size_t i = 0; i < scope->draft_count; i++)
        if (sends(scope->drafts[i], port))
            return scope->drafts[i];
    return NULL;
}

static const struct tree *read_file(struct load *load, const char *path, struct graph_place place)
{
    struct graph *graph = load->graph;
    for (size_t i = 0; i < load->file_count; i++)
        if (strcmp(load->files[i].path, path) == 0)
            return load->files[i].tree;
    autofree char *text = NULL;
    size_t len = 0;
    const char *full = graph_format(graph, "%s/%s", graph->directory, path);
    const char *typed_directory = path_directory(graph, graph->path);
    const char *typed = *typed_directory ? graph_format(graph, "%s/%s", typed_directory, path) : path;
    int code = file_read(full, MODULE_MAX, &text, &len);
    if (code == -ENOMEM)
        graph->private->out_of_memory = true;
    else if (code == -EFBIG)
        finding_add(graph, GRAPH_ERROR, false, place, NULL, "the module `%s` is larger than 1 MiB", path);
    else if (code < 0)
        finding_add(graph, GRAPH_ERROR, false, place, path_near(graph, full), "can't read the module `%s`: %s", path,
                    strerror(-code));
    else if ((load->file_bytes += len) > MODULES_BYTES_MAX)
        finding_add(graph, GRAPH_ERROR, false, place, NULL, "the modules are larger than 64 MiB together");
    if (code < 0 || load->file_bytes > MODULES_BYTES_MAX)
        return NULL;
    struct graph_file *file = graph_file_add(graph, typed, text, len);
    struct module_file *slot = file ? graph_push(graph, load->files, &load->file_count) : NULL;
    if (!slot)
        return NULL;
    slot->path = path;
    size_t before = graph->error_count;
    const struct tree *tree = tree_read(graph, file);
    if (!tree && graph->error_count == before)
        finding_add(graph, GRAPH_ERROR, false, (struct graph_place){file->name, 1, 1}, NULL,
                    "the module file is empty");
    load->files[load->file_count - 1].tree = tree;
    return tree;
}

static void check_wired(struct load *load, const struct scope *scope)
{
    const struct draft *user = scope->module;
    for (size_t i = 0; scope->ports_in && i < scope->ports_in->count; i++) {
        const struct tree *port = scope->ports_in->items[i];
        if (port->kind == TREE_SCALAR && !ports_find_in(user, port->text))
            finding_add(load->graph, GRAPH_ERROR, false, user->node.place,
                        graph_format(load->graph, "add `%s: <node>/<output>` to its `inputs`", port->text),
                        "module `%s` needs the input `%s`, which node `%s` does not give it", scope->name, port->text,
                        user->node.id);
    }
    for (size_t i = 0; i < user->in_count; i++) {
        const char *id = user->ins[i].in.id;
        if (module_lists(scope->ports_in, id) || module_lists(scope->ports_optional, id))
            continue;
        const char *names[KEYS_MAX];
        size_t count = 0;
        for (size_t k = 0; k < 2; k++)
            for (size_t n = 0; n < (k ? scope->ports_optional : scope->ports_in)->count && count < KEYS_MAX; n++) {
                const struct tree *port = (k ? scope->ports_optional : scope->ports_in)->items[n];
                names[count] = port->text;
                count += port->kind == TREE_SCALAR;
            }
        finding_add(load->graph, GRAPH_ERROR, false, user->ins[i].in.place, keys_suggest(load->graph, id, names, count),
                    "module `%s` has no input `%s`", scope->name, id);
    }
}

static void check_outputs(struct load *load, const struct scope *scope)
{
    for (size_t i = 0; i < scope->ports_out->count; i++) {
        const struct tree *port = scope->ports_out->items[i];
        const char *names = NULL;
        size_t count = 0;
        if (port->kind != TREE_SCALAR)
            continue;
        for (size_t k = 0; k < scope->draft_count; k++)
            if (sends(scope->drafts[k], port->text) && ++count < 10)
                names = names ? graph_format(load->graph, "%s, `%s`", names, scope->drafts[k]->local_id)
                              : graph_format(load->graph, "`%s`", scope->drafts[k]->local_id);
        if (count == 0)
            finding_add(load->graph, GRAPH_ERROR, false, port->place, "list it in the `outputs` of one of them",
                        "no node of module `%s` has the output `%s`", scope->name, port->text);
        else if (count > 1)
            finding_add(load->graph, GRAPH_ERROR, false, port->place, "rename all but one",
                        "several nodes of module `%s` have the output `%s`: %s", scope->name, port->text, names);
    }
}

static const struct tree *port_list(struct load *load, const struct tree *list)
{
    static const struct tree none = {.kind = TREE_LIST};
    for (size_t i = 0; list && i < list->count; i++) {
        const char *text = keys_text(load->graph, list->items[i], "a port");
        const char *why = text ? id_port_fault(text) : NULL;
        if (why)
            finding_add(load->graph, GRAPH_ERROR, false, list->items[i]->place, NULL, "port `%s`: %s", text, why);
    }
    return list ? list : &none;
}

void module_read(struct load *load, struct scope *scope, const struct tree *tree)
{
    struct module_draft file = {0};
    if (!keys_read(load->graph, tree, &keys_module_file, &file, NULL, false))
        return;
    if (file.header)
        keys_read(load->graph, file.header, &keys_module_header, &file, NULL, false);
    scope->name = file.name ? file.name : "?";
    scope->build = file.build;
    scope->ports_in = port_list(load, file.inputs);
    scope->ports_optional = port_list(load, file.inputs_optional);
    scope->ports_out = port_list(load, file.outputs);
    if (file.header && scope->module->local_id) /* a file looked at alone has no user */
        check_wired(load, scope);
    if (file.nodes)
        nodes_read(load, scope, file.nodes);
    if (file.nodes && file.header)
        check_outputs(load, scope);
}

static bool is_circular(const struct scope *scope, const char *path)
{
    for (; scope; scope = scope->parent)
        if (scope->path && strcmp(scope->path, path) == 0)
            return true;
    return false;
}

void module_expand(struct load *load, struct draft *draft)
{
    struct graph *graph = load->graph;
    struct scope *outer = draft->scope;
    const struct tree *named = keys_given(&draft->given, &keys_node, "module");
    if (!draft->module)
        return;
    const char *path = *draft->module == '/' || path_is_url(draft->module)
                           ? NULL
                           : path_relative(graph, outer->directory, draft->module);
    if (!path || !*path) {
        finding_add(graph, GRAPH_ERROR, false, named->place, "write it relative to this file",
                    "the module `%s` must lie in the dataflow's directory", draft->module);
        return;
    }
    if (is_circular(outer, path)) {
        finding_add(graph, GRAPH_ERROR, false, named->place, NULL, "the module `%s` uses itself", path);
        return;
    }
    if (outer->depth == MODULE_DEPTH_MAX) {
        finding_add(graph, GRAPH_ERROR, false, named->place, NULL, "modules in modules more than 8 deep");
        return;
    }
    const struct tree *tree = read_file(load, path, named->place);
    struct scope *inner = tree ? graph_alloc(graph, sizeof *inner) : NULL;
    if (!inner)
        return;
    *inner = (struct scope){.parent = outer,
                            .module = draft,
                            .prefix = graph_format(graph, "%s.", draft->node.id),
                            .directory = path_directory(graph, path),
                            .path = path,
                            .depth = outer->depth + 1};
    params_read(load, inner, draft->params);
    draft->inner = inner;
    module_read(load, inner, tree);
    if (!inner->ports_out)
        draft->inner = NULL;
}
