/* The agent's dataflows: how they begin and end, and what the coordinator is told of them. */
#include "agent/parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "graph/model.h"

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (double)time.tv_sec + (double)(time.tv_nsec / CLOCK_MILLI) / 1000;
}

/* ---- Telling ---- */

/* `result` where it has ended. */
static json_t *describe(const struct run *run, const struct dataflow_result *result)
{
    const struct dataflow *dataflow = run->dataflow;
    const char *status = result                        ? result->ok ? "finished" : "failed"
                         : dataflow->step != STOP_NONE ? "stopping"
                         : dataflow->has_started       ? "running"
                                                       : "starting";
    json_t *nodes = json_array();
    for (uint32_t i = 0; i < dataflow->count; i++)
        if (population_is_own(dataflow->participants[i]))
            json_array_append_new(nodes, node_describe(dataflow->participants[i]));
    return json_pack("{s:s, s:o, s:o, s:o, s:s, s:f, s:o, s:o, s:o}", "uuid", run->uuid, "name",
                     json_from_bytes(run->name), "path", json_from_bytes(run->path), "directory",
                     json_from_bytes(run->directory), "status", status, "started", run->started, "ended",
                     result ? json_real(now()) : json_null(), "error",
                     json_from_bytes(result ? result->error : dataflow->error), "nodes", nodes);
}

json_t *run_describe(const struct run *run)
{
    return run->dataflow ? describe(run, NULL) : json_incref(run->last);
}

void run_told(struct run *run)
{
    if (run->is_dirty)
        run_tell(run);
    else if (!run->dataflow)
        run_free(run);
}

static void on_told(void *context, json_t *result, const struct control_fault *fault)
{
    struct run *run = context;
    struct agent *agent = run->agent;
    run->is_telling = false;
    if (!result && strcmp(fault->code, "lost") == 0) {
        run->is_dirty = true; /* the next coordinator is told */
        return;
    }
    run_told(run);
    agent_check(agent);
}

void run_tell(struct run *run)
{
    run->is_dirty = true;
    if (!run->agent->is_registered || run->is_telling)
        return;
    json_t *params = json_pack("{s:o}", "dataflow", run_describe(run));
    if (control_send(run->agent->coordinator, "daemon.update", params, &(struct control_calls){.done = on_told}, run) <
        0)
        return; /* it is ending, and the next one is told */
    run->is_dirty = false;
    run->is_telling = true;
}

/* ---- What happens to it ---- */

static void answer_start(struct run *run)
{
    if (run->start)
        control_answer(take_ptr(run->start), run_describe(run));
}

static void on_changed(void *context)
{
    struct run *run = context;
    if (run->dataflow->is_spawned)
        answer_start(run);
    gateway_offer(run);
    run_tell(run);
}

static void on_notice(void *context, const char *text)
{
    const struct run *run = context;
    agent_notice(run->agent, "%s: %s", run->name ? run->name : run->uuid, text);
}

static void on_finished(void *context, const struct dataflow_result *result)
{
    struct run *run = context;
    struct agent *agent = run->agent;
    run->last = describe(run, result);
    run->dataflow = NULL;
    run_part_over(run);
    gateway_withdraw(run);
    answer_start(run);
    run_tell(run);
    agent_check(agent);
}

void run_free(struct run *run)
{
    struct run **at = &run->agent->runs;
    while (*at && *at != run)
        at = &(*at)->next;
    if (*at)
        *at = run->next;
    run_part_over(run);
    json_decref(run->last);
    json_decref(run->files);
    graph_free(run->graph);
    for (size_t i = 0; run->env && run->env[i]; i++)
        free(run->env[i]);
    free(run->env);
    free(run->name);
    free(run->path);
    free(run->directory);
    free(run);
}

/* ---- Starting ---- */

static int read_env(struct run *run, json_t *env, struct error *error)
{
    const char *key;
    json_t *value;
    size_t count = 0;
    if (env && !json_is_object(env) && !json_is_null(env))
        return error_set(error, -EINVAL, "`env` is no mapping");
    run->env = calloc(json_object_size(env) + 1, sizeof *run->env);
    if (!run->env)
        return error_set(error, -ENOMEM, "no memory for the dataflow");
    json_object_foreach(env, key, value)
    {
        if (!json_is_string(value) || strchr(key, '=') || !*key)
            return error_set(error, -EINVAL, "`env`: `%s` is no variable with a text", key);
        if (asprintf(&run->env[count], "%s=%s", key, json_string_value(value)) < 0) {
            run->env[count] = NULL;
            return error_set(error, -ENOMEM, "no memory for the dataflow");
        }
        count++;
    }
    return 0;
}

static int read_graph(struct run *run, const char *yaml, struct error *error)
{
    run->graph = graph_parse(yaml, strlen(yaml), run->path, NULL, error);
    if (!run->graph)
        return error->code < 0 ? error->code : -ENOMEM;
    run->graph->directory = graph_text(run->graph, run->directory);
    for (size_t i = 0; i < run->graph->finding_count; i++)
        if (run->graph->findings[i].severity == GRAPH_ERROR)
            return error_set(error, -EINVAL, "%s: %s", run->path, run->graph->findings[i].message);
    return graph_split(run->graph) < 0 || run->graph->private->out_of_memory
               ? error_set(error, -ENOMEM, "no memory for the dataflow")
               : 0;
}

static int read_params(struct run *run, json_t *params, struct error *error)
{
    const char *yaml = json_get_text(params, "yaml"), *uuid = json_get_text(params, "uuid"),
               *path = json_get_text(params, "path"), *directory = json_get_text(params, "directory"),
               *name = json_get_text(params, "name");
    if (!yaml || !uuid || !path || !directory || *directory != '/' || strlen(uuid) >= sizeof run->uuid)
        return error_set(error, -EINVAL, "`dataflow.start` needs `yaml`, `uuid`, `path` and an absolute `directory`");
    for (const struct run *other = run->agent->runs; other; other = other->next)
        if (strcmp(other->uuid, uuid) == 0)
            return error_set(error, -EEXIST, "dataflow %s runs already", uuid);
    strcpy(run->uuid, uuid);
    run->path = strdup(path);
    run->directory = strdup(directory);
    run->name = name ? strdup(name) : NULL;
    if (!run->path || !run->directory || (name && !run->name))
        return error_set(error, -ENOMEM, "no memory for the dataflow");
    return read_graph(run, yaml, error);
}

static int start(struct run *run, json_t *params, struct error *error)
{
    json_t *wishes = json_object_get(params, "options"), *finish = json_object_get(wishes, "exit_when_nodes_finish");
    struct daemon_options options = run->agent->options.daemon;
    struct daemon_observer observer = {.context = run,
                                       .notice = on_notice,
                                       .finished = on_finished,
                                       .changed = on_changed,
                                       .ready = run_part_ready,
                                       .stop_all = run_part_stop_all,
                                       .edges = run_part_edges};
    struct daemon_part part;
    if (run->agent->is_ending)
        return error_set(error, -EPERM, "the daemon is ending");
    int rc = read_params(run, params, error);
    if (rc == 0)
        rc = read_env(run, json_object_get(wishes, "env"), error);
    if (rc < 0)
        return rc;
    options.allow_shell = options.allow_shell || json_is_true(json_object_get(wishes, "allow_shell"));
    options.uv = options.uv || json_is_true(json_object_get(wishes, "uv"));
    options.hot_reload = json_is_true(json_object_get(wishes, "hot_reload"));
    if (json_is_boolean(finish))
        options.exit_when_nodes_finish = json_is_true(finish);
    options.env = (const char *const *)run->env;
    run->started = now();
    rc = run_part_read(run, params, &part, error);
    if (rc == 0)
        rc = run_files_read(run, json_object_get(wishes, "files"), &part, error);
    if (rc == 0 && run->is_part)
        rc = run_part_begin(run, error);
    if (rc == 0)
        rc = daemon_start_with(run->agent->daemon, run->graph, run->uuid, &options, run->is_part ? &part : NULL,
                               &observer, &run->dataflow, error);
    run_part_list_free(&part);
    return rc;
}

void run_start(struct agent *agent, struct control_request *request, json_t *params)
{
    struct error error = ERROR_INIT;
    struct run *run = calloc(1, sizeof *run);
    if (!run) {
        control_refusef(request, "failed", NULL, "the daemon has no memory left");
        return;
    }
    run->agent = agent;
    if (start(run, params, &error) < 0) {
        agent_refuse(request, &error);
        run_free(run);
        return;
    }
    run->start = request;
    run->next = agent->runs;
    agent->runs = run;
}

/* Whether it has, and the coordinator is yet to hear how: to be told that there is no such dataflow, it would take it
 * for lost. */
static bool has_ended(const struct agent *agent, const char *uuid)
{
    for (const struct run *run = agent->runs; run && uuid; run = run->next)
        if (!run->dataflow && strcmp(run->uuid, uuid) == 0)
            return true;
    return false;
}

void run_stop(struct agent *agent, struct control_request *request, json_t *params)
{
    int64_t grace_ns = node_grace(params);
    if (has_ended(agent, json_get_text(params, "dataflow"))) {
        control_answer(request, json_object());
        return;
    }
    struct run *run = agent_run(agent, request, params);
    if (!run)
        return;
    if (grace_ns < 0) {
        control_refusef(request, "invalid", NULL, "`grace` is no number of seconds");
        return;
    }
    if (json_is_true(json_object_get(params, "force")))
        dataflow_kill(run->dataflow);
    else
        dataflow_stop(run->dataflow, grace_ns);
    control_answer(request, json_object());
}

void run_descriptor(struct run *run, struct control_request *request, json_t *params)
{
    (void)params;
    struct error error = ERROR_INIT;
    autobuf struct buf yaml = {0}, json = {0};
    if (description_write(run->dataflow, &yaml, &json, &error) < 0)
        agent_refuse(request, &error);
    else
        control_answer(request, json_pack("{s:s, s:s}", "yaml", yaml.data, "json", json.data));
}
