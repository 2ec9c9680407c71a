/* `dora start`: a dataflow in the hands of the coordinator. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/uuid.h"
#include "cli/carry.h"
#include "cli/command.h"
#include "cli/dataflow_outcome.h"
#include "cli/follow.h"
#include "cli/json_value.h"
#include "cli/log_folders.h"
#include "cli/log_options.h"
#include "cli/log_remote.h"
#include "cli/out_folder.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/start_options.h"

struct start {
    struct start_options how;
    struct pairs filters;
    struct log_show show;
    struct graph *graph;
    const char *name;
    char uuid[UUID_TEXT];
    bool attach, is_triggered;
};

static bool read_options(const struct options *options, struct start *start)
{
    bool attach = options_has(options, "attach"), detach = options_has(options, "detach");
    start->attach = attach;
    start->name = options_value(options, "name");
    if (attach && detach) {
        report_error("`--attach` and `--detach` don't go together");
        return false;
    }
    if (start->name && !*start->name) {
        report_error("`--name`: a dataflow's name can't be empty");
        return false;
    }
    if (!start_options_read(options, &start->how) ||
        !log_options_read(options, "log-level", &start->show.print, &start->filters))
        return false;
    if (!attach && !detach) {
        start->attach = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
        fprintf(stderr, start->attach ? "attaching to dataflow (use `--detach` to run in background)\n"
                                      : "non-interactive mode: running in background\n");
    }
    return true;
}

/* NULL: reported. */
static json_t *make_params(const struct start *start, const char *path)
{
    struct error error = ERROR_INIT;
    autobuf struct buf yaml = {0};
    autofree char *absolute = realpath(path, NULL);
    if (!absolute || graph_expand(start->graph, &yaml, &error) < 0) {
        report_error("%s: %s", path, absolute ? error.message : "can't be found any more");
        return NULL;
    }
    json_t *params = json_pack("{s:s#, s:s, s:s, s:s*, s:s, s:{s:b, s:b, s:b}, s:s}", "yaml", yaml.data, yaml.len,
                               "path", absolute, "directory", start->graph->directory, "name", start->name, "uuid",
                               start->uuid, "options", "allow_shell", start->how.allow_shell, "uv", start->how.uv,
                               "hot_reload", start->how.hot_reload, "wait", start->attach ? "accepted" : "started");
    if (!params) {
        report_error("the dataflow's path or name is not UTF-8");
        return NULL;
    }
    if (start->how.exit_when_nodes_finish >= 0)
        json_object_set_new(json_object_get(params, "options"), "exit_when_nodes_finish",
                            json_boolean(start->how.exit_when_nodes_finish));
    return params;
}

static void say_triggered(struct start *start)
{
    if (start->is_triggered)
        return;
    start->is_triggered = true;
    progress_clear();
    printf("dataflow start triggered: %s\n", start->uuid);
    fflush(stdout);
}

static void on_event(void *context, json_t *event)
{
    struct start *start = context;
    const json_t *dataflow = json_object_get(event, "dataflow");
    if (!dataflow)
        return;
    say_triggered(start);
    size_t all, started = dataflow_count_started(dataflow, &all);
    progress_show("starting: %zu of %zu nodes", started, all);
}

static int attach(struct start *start, struct control_client **client)
{
    struct error error = ERROR_INIT;
    struct log_files *files = NULL;
    if (log_files_open(&files, NULL, &error) < 0 || log_folders_add(files, start->graph, start->uuid, &error) < 0) {
        report_error("%s", error.message);
        log_files_close(files);
        return COMMAND_FAILED;
    }
    struct log_remote remote = {0};
    json_t *dataflow =
        session_call(*client, "dataflow.get", json_pack("{s:s}", "dataflow", start->uuid), SESSION_PATIENCE);
    if (dataflow)
        log_remote_start(&remote, *client, NULL, dataflow, NULL, files);
    json_decref(dataflow);
    start->show.print.dataflow_id = start->uuid;
    struct follow follow = {
        .client = *client, .uuid = start->uuid, .files = files, .show = &start->show, .stops = true};
    json_t *ended = follow_run(&follow);
    *client = follow.client;
    log_files_close(files);
    log_remote_end(&remote, ended && !start->show.is_closed);
    int status = ended && dataflow_report_outcome(ended) ? COMMAND_OK : COMMAND_FAILED;
    json_decref(ended);
    return status;
}

static int report_start(struct start *start, const json_t *dataflow)
{
    if (!dataflow_report_outcome(dataflow))
        return COMMAND_FAILED;
    printf("dataflow %s: %s\n", dataflow_has_ended(dataflow) ? "started and finished" : "started", start->uuid);
    return COMMAND_OK;
}

static int start_it(struct start *start, const struct options *options)
{
    const char *path = options->operands[0];
    if (!(start->graph = start_options_load(&start->how, path)))
        return COMMAND_FAILED;
    uuid_make(start->uuid);
    json_t *params = make_params(start, path);
    struct control_client *client = params ? session_open(options) : NULL;
    if (!client) {
        json_decref(params);
        return COMMAND_FAILED;
    }
    if (!carry(client, start->graph, params)) {
        json_decref(params);
        control_client_close(client);
        return COMMAND_FAILED;
    }
    out_folder_make(start->graph->directory);
    progress_show("starting …");
    json_t *dataflow = session_call_events(client, "dataflow.start", params, CLOCK_NEVER, on_event, start);
    progress_clear();
    int status = COMMAND_FAILED;
    if (dataflow) {
        say_triggered(start);
        status = start->attach ? attach(start, &client) : report_start(start, dataflow);
    }
    json_decref(dataflow);
    control_client_close(client);
    return status;
}

static int run(const struct options *options)
{
    struct start start = {0};
    log_show_init(&start.show);
    int status = read_options(options, &start) ? start_it(&start, options) : COMMAND_USAGE;
    graph_free(start.graph);
    log_show_free(&start.show);
    pairs_free(&start.filters);
    start_options_free(&start.how);
    return status;
}

static const struct option_spec options[] = {
    {.name = "name", .letter = 'n', .value = "NAME", .help = "A name for it, that no other running dataflow has"},
    {.name = "attach", .help = "Show its log lines and wait until it has ended [default: on a terminal]"},
    {.name = "detach", .help = "Return once the nodes' processes run [default: elsewhere]"},
    START_ENV_OPTION,
    START_EXIT_OPTION,
    START_SHELL_OPTION,
    START_UV_OPTION,
    START_DEBUG_OPTION,
    {.name = "log-level", .value = "LEVEL", .env = "DORA_LOG_LEVEL", .help = LOG_LEVEL_HELP},
    LOG_FORMAT_OPTION,
    LOG_FILTER_OPTION,
    START_RELOAD_OPTION,
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_start = {
    .name = "start",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Start a dataflow that lives on when the terminal closes",
    .details =
        "The coordinator and a daemon that `dora up` has started run it. Nothing is built: `dora build` does that.\n"
        "The programs of nodes with `deploy: {distribute: scp}` are brought to their machines first.\n\n"
        "Attached, it prints what the nodes print, and ends with the dataflow. Ctrl-C then stops the dataflow, a "
        "second\none kills its nodes, a third one leaves them to the coordinator. If this command is killed, the "
        "dataflow runs on.\n\n"
        "Exits with 0 when the processes of all nodes run (`dora list` says what became of them) or, attached, when "
        "every\nnode ended well; else with 1, and with 2 for wrong usage.\n\n" LOG_JSON_HELP,
    .example = "dora start dataflow.yml --name vision --detach",
    .options = options,
    .run = run,
};
