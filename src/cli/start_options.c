#include "cli/start_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/findings.h"
#include "cli/report.h"

static bool bad_value(const char *option, const struct error *error)
{
    report_error("`--%s`: %s", option, error->message);
    return false;
}

bool start_options_read(const struct options *options, struct start_options *start)
{
    struct error error = ERROR_INIT;
    bool value = false;
    const char *text;
    *start = (struct start_options){.exit_when_nodes_finish = -1};
    for (size_t i = 0; (text = options_value_at(options, "env", i)); i++)
        if (pairs_add(&start->env, text, '\0', &error) < 0)
            return bad_value("env", &error);
    if ((text = options_value(options, "exit-when-nodes-finish"))) {
        if (value_bool(text, &value, &error) < 0)
            return bad_value("exit-when-nodes-finish", &error);
        start->exit_when_nodes_finish = value;
    }
    const char *allowed = getenv("DORA_ALLOW_SHELL_NODES");
    start->allow_shell =
        options_has(options, "allow-shell-nodes") || (allowed && value_bool(allowed, &value, NULL) == 0 && value);
    start->uv = options_has(options, "uv");
    start->hot_reload = options_has(options, "hot-reload");
    start->debug = options_has(options, "debug");
    return true;
}

void start_options_free(struct start_options *start)
{
    pairs_free(&start->env);
}

struct graph *start_options_load(const struct start_options *start, const char *path)
{
    if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0) {
        report_error("a dataflow that is a URL is not supported yet");
        report_hint("download it: curl -LO %s", path);
        return NULL;
    }
    autofree struct graph_env *env = calloc(start->env.count + 1, sizeof *env);
    if (!env) {
        report_error("out of memory");
        return NULL;
    }
    for (size_t i = 0; i < start->env.count; i++)
        env[i] = (struct graph_env){start->env.items[i].key, start->env.items[i].value};
    struct graph_options how = {.check_sources = true, .env = env, .env_count = start->env.count};
    struct graph *graph = findings_load(path, &how);
    if (graph && start->debug)
        graph->enable_debug_inspection = true;
    return graph;
}
