#include "graph/draft.h"

#include <string.h>

#include "graph/findings.h"

static const struct tree *given(const struct draft *draft, const char *key)
{
    return keys_given(&draft->given, &keys_node, key);
}

/* A key with nothing in it, or with the value it has anyway, is as good as absent. */
static bool says_something(const struct tree *value, const struct key *key)
{
    if (value->kind != TREE_SCALAR)
        return value->count > 0 || key->type == KEY_BLOCK;
    if (strcmp(key->name, "restart_policy") == 0)
        return strcmp(value->text, "never") != 0;
    return strcmp(key->name, "max_restarts") != 0 || strcmp(value->text, "0") != 0;
}

static unsigned kind_of(struct load *load, struct draft *draft)
{
    static const struct {
        const char *key;
        unsigned kind;
    } discriminators[] = {{"path", ON_STANDARD},
                          {"operators", ON_OPERATORS},
                          {"operator", ON_OPERATORS},
                          {"ros2", ON_ROS2},
                          {"module", ON_MODULE}};
    unsigned kind = 0;
    bool is_meant = false; /* one was misspelt, and reported */
    for (size_t i = 0; i < sizeof discriminators / sizeof *discriminators; i++) {
        const struct tree *value = given(draft, discriminators[i].key);
        if (value && kind) {
            finding_add(load->graph, GRAPH_ERROR, false, value->place, NULL,
                        "node `%s` can have only one of `path`, `operators`, `operator`, `ros2` and `module`",
                        draft->node.id);
            return 0;
        }
        if (value)
            kind = discriminators[i].kind;
        is_meant |= keys_is_meant(&draft->given, &keys_node, discriminators[i].key);
    }
    if (kind)
        return kind;
    if (is_meant)
        return 0;
    if (given(draft, "hub"))
        finding_add(load->graph, GRAPH_ERROR, false, given(draft, "hub")->place, "name the executable with `path`",
                    "node `%s` names a package of the hub, which this version can't fetch", draft->node.id);
    else
        finding_add(load->graph, GRAPH_ERROR, false, draft->node.place, NULL,
                    "node `%s` needs one of `path`, `operators`, `operator`, `ros2` and `module`", draft->node.id);
    return 0;
}

static void check_allowed(struct load *load, struct draft *draft, unsigned kind)
{
    const char *name = kind == ON_STANDARD    ? "a standard node"
                       : kind == ON_OPERATORS ? "a node of operators"
                       : kind == ON_ROS2      ? "a ROS2 bridge"
                                              : "a module";
    for (size_t i = 0; i < keys_node.count; i++) {
        const struct key *key = &keys_node.keys[i];
        const struct tree *value = draft->given.value[i];
        if (!value || key->kinds & kind || !says_something(value, key))
            continue;
        const char *hint = NULL;
        for (size_t k = 0; kind == ON_OPERATORS && k < keys_operator.count; k++)
            if (strcmp(keys_operator.keys[k].name, key->name) == 0)
                hint = "write it inside the operator";
        if (kind == ON_MODULE && strcmp(key->name, "build") == 0)
            hint = "write it in the module's file";
        if (kind == ON_MODULE && strcmp(key->name, "outputs") == 0)
            hint = "the module's file lists them";
        if (strcmp(key->name, "params") == 0)
            hint = "params are for nodes with `module`; use `args` or `env`";
        finding_add(load->graph, GRAPH_ERROR, false, value->place, hint, "node `%s` is %s and can't have `%s`",
                    draft->node.id, name, key->name);
    }
}

static void check_source(struct load *load, struct draft *draft)
{
    struct graph *graph = load->graph;
    struct graph_node *node = &draft->node;
    const char *const parts[] = {"branch", "tag", "rev"};
    size_t count = 0;
    for (size_t i = 0; i < 3; i++) {
        const struct tree *part = given(draft, parts[i]);
        if (part && !node->git)
            finding_add(graph, GRAPH_ERROR, false, part->place, "add `git: <repository>`", "`%s` needs `git`",
                        parts[i]);
        else if (part && ++count == 2)
            finding_add(graph, GRAPH_ERROR, false, part->place, NULL,
                        "only one of `branch`, `tag` and `rev` is allowed");
    }
    if (node->hub)
        finding_add(graph, GRAPH_ERROR, false, given(draft, "hub")->place, "keep one of them",
                    "node `%s` can't have both `hub` and `path`", node->id);
    if (node->sha256) {
        size_t len = strlen(node->sha256);
        if (!path_is_url(node->path))
            finding_add(graph, GRAPH_ERROR, false, given(draft, "path_sha256")->place, NULL,
                        "`path_sha256` is only for a `path` that is a URL");
        else if (len != 64 || strspn(node->sha256, "0123456789abcdefABCDEF") != 64)
            finding_add(graph, GRAPH_ERROR, false, given(draft, "path_sha256")->place, NULL,
                        "`path_sha256` must be 64 hexadecimal digits");
    }
    if (path_is_url(node->path) && keys_url_path_later && !load->options->check_sources)
        finding_add(graph, GRAPH_WARNING, false, given(draft, "path")->place, NULL,
                    "a `path` that is a URL has no effect yet in this version");
}

static void read_path(struct load *load, struct draft *draft)
{
    struct graph_node *node = &draft->node;
    if (!*node->path) {
        finding_add(load->graph, GRAPH_ERROR, false, given(draft, "path")->place, NULL, "`path` is empty");
        return;
    }
    check_source(load, draft);
    node->kind = strcmp(node->path, "dynamic") == 0 ? GRAPH_NODE_DYNAMIC
                 : strcmp(node->path, "shell") == 0 ? GRAPH_NODE_SHELL
                                                    : GRAPH_NODE_STANDARD;
    if (!scope_moves_files(draft->scope) || node->kind != GRAPH_NODE_STANDARD || path_is_url(node->path) || node->git ||
        *node->path == '/')
        return;
    const char *moved = path_relative(load->graph, draft->scope->directory, node->path);
    if (moved)
        node->path = moved;
    else
        finding_add(load->graph, GRAPH_ERROR, false, given(draft, "path")->place, NULL,
                    "`%s` leads out of the dataflow's directory", node->path);
}

static void read_affinity(struct load *load, struct draft *draft)
{
    const struct tree *list = draft->cpu_affinity;
    for (size_t i = 0; list && i < list->count; i++) {
        int64_t core;
        uint32_t *slot;
        if (!tree_int(list->items[i], &core) || core < 0 || core > UINT32_MAX)
            finding_add(load->graph, GRAPH_ERROR, false, list->items[i]->place, NULL,
                        "a processor must be a whole number, 0 or more, not %s", tree_describe(list->items[i]));
        else if ((slot = graph_push(load->graph, draft->node.cpu_affinity, &draft->node.cpu_affinity_count)))
            *slot = (uint32_t)core;
    }
}

/* Weakest first: the dataflow's and --env, the modules' from outside in, the node's own; params are above all. */
static void add_module_env(struct load *load, struct env_list *list, const struct scope *scope)
{
    if (!scope->module)
        return;
    add_module_env(load, list, scope->module->scope);
    env_read(load, scope->module->env, list);
}

static void add_params(struct load *load, struct env_list *list, const struct scope *scope)
{
    if (!scope->module)
        return;
    add_params(load, list, scope->module->scope);
    for (size_t i = 0; i < scope->param_count; i++)
        env_set(load, list, scope->params[i].variable, scope->params[i].value);
}

static void read_env(struct load *load, struct draft *draft)
{
    struct env_list list = {0};
    if (!draft->env && !draft->scope->module) {
        draft->node.env = load->env.vars; /* shared by all nodes that add nothing */
        draft->node.env_count = load->env.count;
        return;
    }
    env_add(load, &list, load->env.vars, load->env.count);
    add_module_env(load, &list, draft->scope);
    env_read(load, draft->env, &list);
    add_params(load, &list, draft->scope);
    env_finish(load->graph, &list);
    draft->node.env = list.vars;
    draft->node.env_count = list.count;
}

static const char *joined_builds(struct load *load, const struct scope *scope, const char *build)
{
    for (; scope->module; scope = scope->parent)
        if (scope->build)
            build = build ? graph_format(load->graph, "%s\n%s", scope->build, build) : scope->build;
    return build;
}

static void read_process(struct load *load, struct draft *draft)
{
    struct graph_node *node = &draft->node;
    node->restart = (enum graph_restart)draft->restart_policy;
    node->pattern = draft->ports.pattern;
    node->pattern_place = draft->ports.pattern_place;
    if (given(draft, "max_rotated_files") && (node->max_rotated_files < 1 || node->max_rotated_files > 100))
        finding_add(load->graph, GRAPH_ERROR, false, given(draft, "max_rotated_files")->place, NULL,
                    "`max_rotated_files` must be from 1 to 100");
    for (size_t i = 0; i < 2; i++) {
        const char *key = i ? "send_logs_as" : "send_stdout_as", *id = i ? node->send_logs_as : node->send_stdout_as;
        if (id && id_port_fault(id))
            finding_add(load->graph, GRAPH_ERROR, false, given(draft, key)->place, NULL, "`%s`: %s", key,
                        id_port_fault(id));
    }
    if (draft->args) {
        struct graph_place place = given(draft, "args")->place;
        args_split(load, draft, params_substitute(load, draft->scope, draft->args, place), place);
    }
}

static void read_kind(struct load *load, struct draft *draft, unsigned kind)
{
    switch (kind) {
    case ON_STANDARD:
        if (draft->node.path)
            read_path(load, draft);
        draft->node.build = joined_builds(load, draft->scope, draft->node.build);
        break;
    case ON_OPERATORS:
        draft->node.kind = GRAPH_NODE_OPERATORS;
        draft->single_operator = draft->node.is_lone_operator = draft->lone_operator != NULL;
        if (draft->lone_operator || draft->operators)
            operators_read(load, draft);
        break;
    case ON_ROS2:
        draft->node.kind = GRAPH_NODE_ROS2;
        if (draft->ros2)
            ros2_read(load, draft);
        break;
    default: /* reported; what else it says is read as far as it goes */
        break;
    }
    if (kind != ON_OPERATORS)
        read_process(load, draft);
}

static void read_id(struct load *load, struct draft *draft)
{
    const struct tree *id = given(draft, "id");
    const char *why = draft->local_id ? id_node_fault(draft->local_id) : NULL;
    draft->id_place = id ? id->place : draft->node.place;
    if (!draft->local_id) /* reported; no other node can have this name */
        draft->local_id = graph_format(load->graph, "<node in line %u>", draft->node.place.line);
    else if (why)
        finding_add(load->graph, GRAPH_ERROR, false, draft->id_place, NULL, "id `%s`: %s", draft->local_id, why);
    draft->node.id = graph_format(load->graph, "%s%s", draft->scope->prefix, draft->local_id);
}

void node_read(struct load *load, struct scope *scope, const struct tree *tree)
{
    struct draft *draft = graph_alloc(load->graph, sizeof *draft), **slot;
    if (!draft)
        return;
    draft->scope = scope;
    draft->node.place = tree->place;
    draft->node.finish_grace_ns = -1;
    draft->node.min_log_level = GRAPH_LOG_UNSET;
    draft->node.max_rotated_files = 5;
    if (!keys_read(load->graph, tree, &keys_node, draft, &draft->given, false))
        return;
    read_id(load, draft);
    unsigned kind = kind_of(load, draft);
    if (kind)
        check_allowed(load, draft, kind);
    draft->is_module = kind == ON_MODULE;
    draft->order = load->order++;
    draft->index = load->draft_count;
    if (load->order == NODES_MAX + 1)
        finding_add(load->graph, GRAPH_ERROR, false, tree->place, NULL, "more than 20000 nodes, with those of modules");
    slot = load->order > NODES_MAX ? NULL : graph_push(load->graph, scope->drafts, &scope->draft_count);
    if (!slot)
        return;
    *slot = draft;
    slot = draft->is_module ? graph_push(load->graph, load->modules, &load->module_count)
                            : graph_push(load->graph, load->drafts, &load->draft_count);
    if (!slot)
        return;
    *slot = draft;

    size_t first_note = load->note_count;
    if (given(draft, "pattern"))
        draft->ports.pattern_place = given(draft, "pattern")->place;
    if (kind != ON_OPERATORS)
        ports_read(load, draft, "", &draft->ports);
    if (draft->is_module) {
        ports_finish(load, draft, first_note);
        module_expand(load, draft);
        return;
    }
    read_kind(load, draft, kind);
    read_affinity(load, draft);
    deploy_settle(load, draft);
    read_env(load, draft);
    ports_finish(load, draft, first_note);
}

void nodes_read(struct load *load, struct scope *scope, const struct tree *list)
{
    for (size_t i = 0; i < list->count && load->order <= NODES_MAX; i++)
        node_read(load, scope, list->items[i]);
    scope_finish(load, scope);
}
