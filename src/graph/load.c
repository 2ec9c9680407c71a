#include "graph/graph.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "graph/draft.h"
#include "graph/findings.h"

enum { DESCRIPTOR_MAX = 16 << 20 };

static int set_directory(struct graph *graph)
{
    const char *directory = path_directory(graph, graph->path);
    autofree char *absolute = realpath(*directory ? directory : ".", NULL);
    if (absolute) {
        graph->directory = graph_text(graph, absolute);
        return 0;
    }
    if (errno == ENOMEM)
        return -ENOMEM;
    /* A directory that isn't there: only the text is at hand, and its modules will be missing. */
    autofree char *here = *directory == '/' ? NULL : getcwd(NULL, 0);
    graph->directory = here ? graph_format(graph, "%s/%s", here, directory) : directory;
    return 0;
}

static void read_options_env(struct load *load)
{
    struct graph_place place = {"--env", 0, 0};
    for (size_t i = 0; i < load->options->env_count; i++) {
        const struct graph_env *var = &load->options->env[i];
        if (!env_is_utf8(var->name) || !env_is_utf8(var->value))
            finding_add(load->graph, GRAPH_ERROR, false, place, NULL, "an environment variable is not UTF-8");
        else if (env_name_ok(load->graph, var->name, place))
            env_set(load, &load->env, graph_text(load->graph, var->name), graph_text(load->graph, var->value));
    }
}

static void read_rules(struct load *load, const struct tree *list)
{
    for (size_t i = 0; list && i < list->count; i++) {
        struct graph_type_rule rule = {.place = list->items[i]->place}, *slot;
        keys_read(load->graph, list->items[i], &keys_type_rule, &rule, NULL, false);
        if (rule.from && rule.to &&
            (slot = graph_push(load->graph, load->graph->type_rules, &load->graph->type_rule_count)))
            *slot = rule;
    }
}

static void read_dataflow(struct load *load, const struct tree *tree)
{
    struct graph *graph = load->graph;
    struct dataflow_draft flow = {.health_check_interval_ns = 5000000000};
    if (tree->kind == TREE_LIST) {
        finding_add(graph, GRAPH_ERROR, false, tree->place, "put `nodes:` above it",
                    "a dataflow must be a mapping, not %s", tree_describe(tree));
        return;
    }
    if (!keys_read(graph, tree, &keys_dataflow, &flow, NULL, false))
        return;
    if (flow.debug)
        keys_read(graph, flow.debug, &keys_debug, &graph->enable_debug_inspection, NULL, false);
    if (flow.deploy)
        deploy_read(load, flow.deploy, &load->deploy);
    graph->health_check_interval_ns = flow.health_check_interval_ns;
    graph->strict_types = flow.strict_types || load->options->strict_types;
    graph->exit_when_nodes_finish = flow.exit_when_nodes_finish;
    read_rules(load, flow.type_rules);
    env_read(load, flow.env, &load->env);
    read_options_env(load);
    env_finish(graph, &load->env);
    graph->env = load->env.vars;
    graph->env_count = load->env.count;
    if (flow.nodes)
        nodes_read(load, load->root, flow.nodes);
}

static bool has_key(const struct tree *tree, const char *key)
{
    for (size_t i = 0; tree->kind == TREE_MAP && i < tree->count; i++)
        if (strcmp(tree->pairs[i].key->text, key) == 0)
            return true;
    return false;
}

/* A file that is no dataflow but part of one: of a module, or one node to add to a running dataflow. */
static void read_fragment(struct load *load, const struct tree *tree)
{
    struct graph *graph = load->graph;
    bool module = has_key(tree, "module") && !has_key(tree, "id");
    graph->health_check_interval_ns = 5000000000;
    if (!load->options->fragment) {
        finding_add(graph, GRAPH_ERROR, false, tree->place,
                    module ? "name it with `module:` in a node of a dataflow" : "put it into the list `nodes:`",
                    module ? "this is the file of a module, not a dataflow" : "this is one node, not a dataflow");
        return;
    }
    env_finish(graph, &load->env);
    if (!module) {
        node_read(load, load->root, tree);
        scope_finish(load, load->root);
        return;
    }
    struct draft *user = graph_alloc(graph, sizeof *user);
    if (!user)
        return;
    user->node.id = "_mod";
    load->root->module = user;
    user->scope = load->root->parent;
    module_read(load, load->root, tree);
}

static void read_graph(struct load *load, const struct tree *tree)
{
    struct graph *graph = load->graph;
    bool piece = !has_key(tree, "nodes") ? has_key(tree, "id") : has_key(tree, "module");
    if (piece)
        read_fragment(load, tree);
    else
        read_dataflow(load, tree);
    wiring_resolve(load);
    if (load->options->check_sources)
        sources_check(load);
    if (graph->error_count || graph->private->out_of_memory)
        return;
    if (types_check_notes(graph, load->notes, load->note_count) < 0 || types_check(graph) < 0)
        graph->private->out_of_memory = true;
}

struct graph *graph_parse(const char *text, size_t len, const char *path, const struct graph_options *options,
                          struct error *error)
{
    static const struct graph_options none;
    if (len > DESCRIPTOR_MAX) {
        error_set(error, -EFBIG, "%s is larger than 16 MiB", path);
        return NULL;
    }
    struct graph *graph = graph_new();
    struct graph_file *file = graph ? graph_file_add(graph, path, text, len) : NULL;
    if (!file)
        goto out_of_memory;
    graph->path = file->name;
    if (set_directory(graph) < 0)
        goto out_of_memory;
    struct scope outside = {.prefix = "", .directory = ""}, root = {.parent = &outside, .prefix = "", .directory = ""};
    struct load load = {.graph = graph, .options = options ? options : &none, .root = &root};
    const struct tree *tree = tree_read(graph, file);
    if (tree)
        read_graph(&load, tree);
    else if (graph->error_count == 0)
        finding_add(graph, GRAPH_ERROR, false, (struct graph_place){file->name, 1, 1},
                    "a dataflow begins with `nodes:`", "the file is empty");
    findings_sort(graph);
    if (!graph->private->out_of_memory)
        return graph;

out_of_memory:
    error_set(error, -ENOMEM, "%s: out of memory", path);
    graph_free(graph);
    return NULL;
}

struct graph *graph_load(const char *path, const struct graph_options *options, struct error *error)
{
    autofree char *text = NULL;
    size_t len = 0;
    int code = file_read(path, DESCRIPTOR_MAX, &text, &len);
    if (code == -EFBIG)
        error_set(error, code, "%s is larger than 16 MiB", path);
    else if (code == -EINVAL)
        error_set(error, code, "%s is not a regular file", path);
    else if (code < 0)
        error_sys(error, code, "%s", path);
    return code < 0 ? NULL : graph_parse(text, len, path, options, error);
}

const struct graph_node *graph_find(const struct graph *graph, const char *id)
{
    for (size_t i = 0; i < graph->node_count; i++)
        if (strcmp(graph->nodes[i].id, id) == 0)
            return &graph->nodes[i];
    return NULL;
}
