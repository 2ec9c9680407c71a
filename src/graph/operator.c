#include "graph/draft.h"

#include <string.h>

#include "graph/findings.h"

static const struct key_table *table_of(const struct draft *draft)
{
    return draft->single_operator ? &keys_single_operator : &keys_operator;
}

/* A file named in a module is written relative to the module's file. */
static const char *relative(struct load *load, const struct draft *draft, const char *path, const struct tree *place)
{
    if (!scope_moves_files(draft->scope) || *path == '/' || path_is_url(path))
        return path;
    const char *moved = path_relative(load->graph, draft->scope->directory, path);
    if (!moved)
        finding_add(load->graph, GRAPH_ERROR, false, place->place, NULL, "`%s` leads out of the dataflow's directory",
                    path);
    return moved ? moved : path;
}

static void read_source(struct load *load, struct draft *draft, struct operator_draft *op,
                        const struct keys_given *given, struct graph_place place, size_t errors)
{
    struct graph *graph = load->graph;
    const struct key_table *table = table_of(draft);
    const struct tree *library = keys_given(given, table, "shared-library"), *wasm = keys_given(given, table, "wasm");
    bool none = !op->library && !op->python && !op->wasm;
    if (none && graph->error_count > errors) /* a source that is written wrong is reported already */
        return;
    if ((op->library != NULL) + (op->python != NULL) + (op->wasm != NULL) != 1) {
        finding_add(graph, GRAPH_ERROR, false, place, "exactly one of them says what the operator runs",
                    "an operator needs `shared-library` or `python`%s", none ? "" : ", and only one");
        return;
    }
    if (op->python) {
        op->op.source = GRAPH_OPERATOR_PYTHON;
        op->op.path = op->python->text;
        if (op->python->kind == TREE_MAP)
            keys_read(graph, op->python, &keys_python, &op->op, NULL, true);
        if (op->op.path)
            op->op.path = relative(load, draft, op->op.path, op->python);
        return;
    }
    op->op.source = op->library ? GRAPH_OPERATOR_LIBRARY : GRAPH_OPERATOR_WASM;
    op->op.path = relative(load, draft, op->library ? op->library : op->wasm, op->library ? library : wasm);
    if (!op->library || path_is_url(op->library))
        return;
    const char *slash = strrchr(op->library, '/'), *name = slash ? slash + 1 : op->library;
    if (strncmp(name, "lib", 3) == 0)
        finding_add(graph, GRAPH_ERROR, false, library->place, "leave `lib` out, it is put before the name",
                    "the file name of a shared library can't start with `lib` here");
    else if (strrchr(name, '.') && strrchr(name, '.') != name)
        finding_add(graph, GRAPH_ERROR, false, library->place, "leave the extension out, `.so` is put behind the name",
                    "the file name of a shared library can't have an extension here");
}

/* What one operator says of logs holds for its whole process, so that two can't say it. */
static void read_logs(struct load *load, struct draft *draft, const struct operator_draft *op,
                      const struct keys_given *given, const char *prefix)
{
    struct graph_node *node = &draft->node;
    const struct {
        const char *key;
        bool taken;
    } once[] = {
        {"send_stdout_as", node->send_stdout_as},     {"send_logs_as", node->send_logs_as},
        {"min_log_level", draft->logs_given & 1},     {"max_log_size", draft->logs_given & 2},
        {"max_rotated_files", draft->logs_given & 4},
    };
    for (size_t i = 0; i < sizeof once / sizeof *once; i++) {
        const struct tree *value = keys_given(given, table_of(draft), once[i].key);
        if (!value || (i == 0 && !op->send_stdout_as) || (i == 1 && !op->send_logs_as))
            continue;
        if (once[i].taken)
            finding_add(load->graph, GRAPH_ERROR, false, value->place, "keep it on one of the operators",
                        "more than one operator of node `%s` has `%s`", node->id, once[i].key);
        else if (i == 0)
            node->send_stdout_as = graph_format(load->graph, "%s%s", prefix, op->send_stdout_as);
        else if (i == 1)
            node->send_logs_as = graph_format(load->graph, "%s%s", prefix, op->send_logs_as);
        else if (i == 2)
            node->min_log_level = op->min_log_level;
        else if (i == 3)
            node->max_log_size = op->max_log_size;
        else
            node->max_rotated_files = op->max_rotated_files;
        if (i == 4 && (op->max_rotated_files < 1 || op->max_rotated_files > 100))
            finding_add(load->graph, GRAPH_ERROR, false, value->place, NULL,
                        "`max_rotated_files` must be from 1 to 100");
        draft->logs_given |= i >= 2 ? 1u << (i - 2) : 0;
    }
}

static void read_one(struct load *load, struct draft *draft, const struct tree *tree)
{
    struct operator_draft op = {.min_log_level = GRAPH_LOG_UNSET, .max_rotated_files = 5};
    struct keys_given given = {0};
    size_t errors = load->graph->error_count;
    op.op.place = tree->place;
    if (!keys_read(load->graph, tree, table_of(draft), &op, &given, true))
        return;
    if (!op.op.id)
        op.op.id = "op";
    const struct tree *pattern = keys_given(&given, table_of(draft), "pattern");
    const struct tree *id = keys_given(&given, table_of(draft), "id");
    const char *why = strchr(op.op.id, '/') ? "a slash can't be in it" : id_port_fault(op.op.id);
    if (why)
        finding_add(load->graph, GRAPH_ERROR, false, id ? id->place : tree->place, NULL, "operator `%s`: %s", op.op.id,
                    why);
    for (size_t i = 0; i < draft->node.operator_count; i++)
        if (strcmp(draft->node.operators[i].id, op.op.id) == 0)
            finding_add(load->graph, GRAPH_ERROR, false, id ? id->place : tree->place, NULL,
                        "duplicate operator id `%s` in node `%s`", op.op.id, draft->node.id);
    const char *prefix = graph_format(load->graph, "%s/", op.op.id);
    op.op.pattern = op.ports.pattern;
    if (pattern)
        op.op.pattern_place = op.ports.pattern_place = pattern->place;
    read_source(load, draft, &op, &given, tree->place, errors);
    read_logs(load, draft, &op, &given, prefix);
    ports_read(load, draft, prefix, &op.ports);
    struct graph_operator *slot = graph_push(load->graph, draft->node.operators, &draft->node.operator_count);
    if (slot)
        *slot = op.op;
}

void operators_read(struct load *load, struct draft *draft)
{
    const struct tree *list = draft->operators;
    if (draft->single_operator) {
        read_one(load, draft, draft->lone_operator);
        return;
    }
    if (list->count == 0 || list->count > 1000)
        finding_add(load->graph, GRAPH_ERROR, false, list->place, NULL,
                    list->count ? "node `%s` has more than 1000 operators" : "node `%s` has no operator in `operators`",
                    draft->node.id);
    for (size_t i = 0; i < list->count && i < 1000; i++)
        read_one(load, draft, list->items[i]);
}
