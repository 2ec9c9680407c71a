#include "graph/describe.h"

#include <string.h>

#include "base/cleanup.h"

/* Every set_… does nothing once something failed: `object` is NULL then, or becomes incomplete and `failed` says so. */
struct writer {
    json_t *object;
    bool *failed;
};

static void set(struct writer *to, const char *key, json_t *value)
{
    if (json_object_set_new_nocheck(to->object, key, value) < 0)
        *to->failed = true;
}

static void set_text(struct writer *to, const char *key, const char *text)
{
    if (text)
        set(to, key, json_string(text));
}

static void set_count(struct writer *to, const char *key, uint64_t value)
{
    if (value)
        set(to, key, json_integer((json_int_t)value));
}

static void set_seconds(struct writer *to, const char *key, int64_t ns)
{
    if (ns > 0)
        set(to, key, json_real((double)ns / 1e9));
}

static void add(json_t *list, json_t *value, bool *failed)
{
    if (json_array_append_new(list, value) < 0)
        *failed = true;
}

static struct writer child(struct writer *to, const char *key)
{
    json_t *object = json_object();
    set(to, key, object);
    return (struct writer){*to->failed ? NULL : object, to->failed};
}

/* An operator's ports stand without its id in its own block. */
static const char *own(const char *id, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(id, prefix, len) == 0 ? id + len : NULL;
}

void graph_print_source(const struct graph_input *input, struct buf *out)
{
    static const struct {
        const char *unit;
        int64_t ns;
    } units[] = {{"secs", 1000000000}, {"millis", 1000000}, {"micros", 1000}, {"nanos", 1}};
    size_t i = 0;
    switch (input->kind) {
    case GRAPH_INPUT_TIMER:
        while (input->interval_ns % units[i].ns)
            i++;
        buf_printf(out, "dora/timer/%s/%lld", units[i].unit, (long long)(input->interval_ns / units[i].ns));
        break;
    case GRAPH_INPUT_LOGS:
        buf_puts(out, "dora/logs");
        if (input->log_level != GRAPH_LOG_UNSET)
            buf_printf(out, "/%s", graph_log_level_name(input->log_level));
        if (input->log_node)
            buf_printf(out, "/%s", input->log_node);
        break;
    default:
        buf_printf(out, "%s/%s", input->source, input->source_output);
    }
}

static void set_input(struct writer *inputs, const char *id, const struct graph_input *input)
{
    autobuf struct buf source = {0};
    graph_print_source(input, &source);
    if (source.failed) {
        *inputs->failed = true;
    } else if (input->queue_size == 10 && input->queue_policy == GRAPH_DROP_OLDEST && input->timeout_ns == 0) {
        set_text(inputs, id, source.data);
    } else {
        struct writer entry = child(inputs, id);
        set_text(&entry, "source", source.data);
        set_count(&entry, "queue_size", input->queue_size);
        if (input->queue_policy == GRAPH_BACKPRESSURE)
            set_text(&entry, "queue_policy", "backpressure");
        set_seconds(&entry, "input_timeout", input->timeout_ns);
    }
}

static void set_ports(struct writer *to, const struct graph_node *node, const char *prefix)
{
    struct writer inputs = {json_object(), to->failed}, input_types = {json_object(), to->failed};
    struct writer output_types = {json_object(), to->failed}, metadata = {json_object(), to->failed};
    json_t *outputs = json_array();
    for (size_t i = 0; i < node->input_count; i++) {
        const char *id = own(node->inputs[i].id, prefix);
        if (!id)
            continue;
        set_input(&inputs, id, &node->inputs[i]);
        set_text(&input_types, id, node->inputs[i].type);
    }
    for (size_t i = 0; i < node->output_count; i++) {
        const struct graph_output *output = &node->outputs[i];
        const char *id = own(output->id, prefix);
        if (!id)
            continue;
        add(outputs, json_string(id), to->failed);
        set_text(&output_types, id, output->type);
        json_t *keys = output->metadata_count ? json_array() : NULL;
        for (size_t k = 0; k < output->metadata_count; k++)
            add(keys, json_string(output->metadata[k]), to->failed);
        if (output->metadata_count)
            set(&metadata, id, keys);
    }
    const struct {
        const char *key;
        json_t *value;
    } parts[] = {{"inputs", inputs.object},
                 {"input_types", input_types.object},
                 {"outputs", outputs},
                 {"output_types", output_types.object},
                 {"output_metadata", metadata.object}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!parts[i].value || json_array_size(parts[i].value) + json_object_size(parts[i].value) > 0)
            set(to, parts[i].key, parts[i].value);
        else
            json_decref(parts[i].value);
}

/* `id` is an operator's; NULL for a node's own. */
static void set_logs(struct writer *to, const struct graph_node *node, const char *prefix)
{
    const char *stdout_as = node->send_stdout_as ? own(node->send_stdout_as, prefix) : NULL;
    const char *logs_as = node->send_logs_as ? own(node->send_logs_as, prefix) : NULL;
    set_text(to, "send_stdout_as", stdout_as);
    set_text(to, "send_logs_as", logs_as);
}

/* These hold for the whole process; on a node of operators the first one carries them. */
static void set_log_files(struct writer *to, const struct graph_node *node)
{
    set_text(to, "min_log_level", graph_log_level_name(node->min_log_level));
    set_count(to, "max_log_size", node->max_log_size);
    if (node->max_rotated_files != 5)
        set_count(to, "max_rotated_files", node->max_rotated_files);
}

/* `node` is the one that has its ports; `logs` (may be NULL) whose settings for log files it carries. */
static json_t *describe_operator(const struct graph_node *node, const struct graph_operator *op,
                                 const struct graph_node *logs, bool *failed)
{
    static const char *const sources[] = {"shared-library", "python", "wasm"};
    struct writer to = {json_object(), failed};
    autobuf struct buf prefix = {0};
    buf_puts(&prefix, "");
    if (!node->is_split)
        buf_printf(&prefix, "%s/", op->id);
    set_text(&to, "id", op->id);
    set_text(&to, "name", op->name);
    set_text(&to, "description", op->description);
    set_text(&to, "thread", op->thread);
    if (op->conda_env) {
        struct writer python = child(&to, "python");
        set_text(&python, "source", op->path);
        set_text(&python, "conda_env", op->conda_env);
    } else {
        set_text(&to, sources[op->source], op->path);
    }
    set_text(&to, "build", op->build);
    set_text(&to, "pattern", op->pattern);
    if (prefix.failed) {
        *failed = true;
    } else {
        set_ports(&to, node, prefix.data);
        set_logs(&to, node, prefix.data);
    }
    if (logs)
        set_log_files(&to, logs);
    return to.object;
}

static void set_args(struct writer *to, const struct graph_node *node)
{
    autobuf struct buf line = {0};
    if (node->kind == GRAPH_NODE_SHELL && node->arg_count)
        buf_puts(&line, node->args[0]);
    for (size_t i = 0; node->kind != GRAPH_NODE_SHELL && i < node->arg_count; i++) {
        const char *word = node->args[i];
        bool bare = *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%") ==
                                 strlen(word);
        if (i)
            buf_putc(&line, ' ');
        if (bare) {
            buf_puts(&line, word);
            continue;
        }
        buf_putc(&line, '\'');
        for (; *word; word++)
            if (*word == '\'')
                buf_puts(&line, "'\\''");
            else
                buf_putc(&line, *word);
        buf_putc(&line, '\'');
    }
    if (line.failed)
        *to->failed = true;
    else
        set_text(to, "args", line.data);
}

static bool is_in(const struct graph_env *var, const struct graph_env *vars, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(vars[i].name, var->name) == 0)
            return strcmp(vars[i].value, var->value) == 0;
    return false;
}

/* Without those that `all`, the dataflow's, gives to every node. */
static void set_env(struct writer *to, const struct graph_env *vars, size_t count, const struct graph_env *all,
                    size_t all_count)
{
    struct writer env = {NULL, to->failed};
    for (size_t i = 0; i < count; i++) {
        if (is_in(&vars[i], all, all_count))
            continue;
        if (!env.object)
            env = child(to, "env");
        /* A dollar is doubled, since reading a descriptor expands variables. */
        autobuf struct buf value = {0};
        for (const char *c = vars[i].value; *c; c++)
            buf_puts(&value, *c == '$' ? "$$" : (char[]){*c, '\0'});
        if (value.failed)
            *to->failed = true;
        else
            set_text(&env, vars[i].name, value.data ? value.data : "");
    }
}

static void set_deploy(struct writer *to, const struct graph_node *node)
{
    if (!node->machine && !node->working_dir && !node->distribute && !node->label_count)
        return;
    struct writer deploy = child(to, "deploy");
    set_text(&deploy, "machine", node->machine);
    set_text(&deploy, "working_dir", node->working_dir);
    set_text(&deploy, "distribute", node->distribute);
    if (node->label_count) {
        struct writer labels = child(&deploy, "labels");
        for (size_t i = 0; i < node->label_count; i++)
            set_text(&labels, node->labels[i].key, node->labels[i].value);
    }
}

static void set_process(struct writer *to, const struct graph_node *node)
{
    static const char *const restarts[] = {NULL, "on-failure", "always"};
    set_ports(to, node, "");
    set_text(to, "pattern", node->pattern);
    set_text(to, "restart_policy", restarts[node->restart]);
    set_count(to, "max_restarts", node->max_restarts);
    set_seconds(to, "restart_delay", node->restart_delay_ns);
    set_seconds(to, "max_restart_delay", node->max_restart_delay_ns);
    set_seconds(to, "restart_window", node->restart_window_ns);
    set_seconds(to, "health_check_timeout", node->health_check_timeout_ns);
    if (node->finish_grace_ns >= 0)
        set(to, "finish_grace_secs", json_real((double)node->finish_grace_ns / 1e9));
    set_count(to, "shared_memory_pool_size", node->shared_memory_pool_size);
    set_logs(to, node, "");
    set_log_files(to, node);
}

/* Of a host that is split they are nodes of their own. */
static json_t *describe_operators(const struct graph *graph, const struct graph_node *host, bool *failed)
{
    json_t *operators = json_array();
    for (size_t i = 0; i < host->operator_count && !host->is_split; i++)
        add(operators, describe_operator(host, &host->operators[i], i ? NULL : host, failed), failed);
    for (size_t i = 0; i < graph->node_count && host->is_split; i++) {
        const struct graph_node *node = &graph->nodes[i];
        if (node->host && strcmp(node->host, host->id) == 0)
            add(operators, describe_operator(node, node->operators, json_array_size(operators) ? NULL : host, failed),
                failed);
    }
    return operators;
}

static json_t *describe_node(const struct graph *graph, const struct graph_node *node, bool *failed)
{
    struct writer to = {json_object(), failed};
    set_text(&to, "id", node->id);
    set_text(&to, "name", node->name);
    set_text(&to, "description", node->description);
    set_text(&to, "path", node->path);
    set_text(&to, "path_sha256", node->sha256);
    set_text(&to, "git", node->git);
    set_text(&to, "branch", node->branch);
    set_text(&to, "tag", node->tag);
    set_text(&to, "rev", node->rev);
    set_text(&to, "build", node->build);
    set_args(&to, node);
    set_env(&to, node->env, node->env_count, graph->env, graph->env_count);
    set_deploy(&to, node);
    if (node->cpu_affinity_count) {
        json_t *cores = json_array();
        for (size_t i = 0; i < node->cpu_affinity_count; i++)
            add(cores, json_integer(node->cpu_affinity[i]), failed);
        set(&to, "cpu_affinity", cores);
    }
    if (node->ros2)
        set(&to, "ros2", json_loads(node->ros2, 0, NULL));
    if (node->is_lone_operator)
        set(&to, "operator", describe_operator(node, node->operators, node, failed));
    else if (node->kind == GRAPH_NODE_OPERATORS)
        set(&to, "operators", describe_operators(graph, node, failed));
    else
        set_process(&to, node);
    return to.object;
}

static void set_rules(struct writer *to, const struct graph *graph)
{
    json_t *rules = graph->type_rule_count ? json_array() : NULL;
    for (size_t i = 0; i < graph->type_rule_count; i++)
        add(rules, json_pack("{s:s, s:s}", "from", graph->type_rules[i].from, "to", graph->type_rules[i].to),
            to->failed);
    if (rules)
        set(to, "type_rules", rules);
}

json_t *describe(const struct graph *graph)
{
    bool failed = false;
    json_t *nodes = json_array();
    struct writer to = {json_object(), &failed};
    for (size_t i = 0; i < graph->node_count; i++)
        if (!graph->nodes[i].host)
            add(nodes, describe_node(graph, &graph->nodes[i], &failed), &failed);
    if (graph->health_check_interval_ns != 5000000000)
        set_seconds(&to, "health_check_interval", graph->health_check_interval_ns);
    if (graph->strict_types)
        set(&to, "strict_types", json_true());
    if (graph->exit_when_nodes_finish)
        set(&to, "exit_when_nodes_finish", json_true());
    if (graph->enable_debug_inspection) {
        struct writer debug = child(&to, "debug");
        set(&debug, "enable_debug_inspection", json_true());
    }
    set_env(&to, graph->env, graph->env_count, NULL, 0);
    set_rules(&to, graph);
    set(&to, "nodes", nodes);
    if (failed) {
        json_decref(to.object);
        return NULL;
    }
    return to.object;
}
