/* `dora run`: a dataflow, here and now, until its nodes have ended. */
#include <stdio.h>

#include "cli/build_step.h"
#include "cli/command.h"
#include "cli/log_options.h"
#include "cli/out_folder.h"
#include "cli/report.h"
#include "cli/run_daemon.h"
#include "cli/start_options.h"
#include "daemon/keeper.h"

static bool read_options(const struct options *options, struct wishes *wishes, struct start_options *start)
{
    struct error error = ERROR_INIT;
    const char *text = options_value(options, "stop-after");
    if (text && value_duration(text, &wishes->stop_after_ns, &error) < 0) {
        report_error("`--stop-after`: %s", error.message);
        return false;
    }
    if (!start_options_read(options, start))
        return false;
    wishes->daemon.exit_when_nodes_finish = start->exit_when_nodes_finish;
    wishes->daemon.allow_shell = start->allow_shell;
    wishes->daemon.uv = start->uv;
    wishes->daemon.hot_reload = start->hot_reload;
    static const char *const later[] = {"locked", "write-lockfile", "lockfile", "hub-override"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (options_has(options, later[i]))
            fprintf(stderr, "warning: `--%s` is not acted on yet\n", later[i]);
    return log_options_read(options, "log-level", &wishes->print, &wishes->filters);
}

static void warn_of_machines(const struct graph *graph)
{
    for (size_t i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].machine || graph->nodes[i].label_count) {
            fprintf(stderr,
                    "warning: `dora run` runs all nodes here, whatever `deploy` says; `dora start` places them\n");
            return;
        }
}

static int run_wishes(const struct options *options, struct wishes *wishes, struct start_options *start)
{
    if (!read_options(options, wishes, start))
        return COMMAND_USAGE;
    wishes->graph = start_options_load(start, options->operands[0]);
    if (!wishes->graph || !build_run(wishes->graph, wishes->daemon.uv))
        return COMMAND_FAILED;
    if (graph_split(wishes->graph) < 0) {
        report_error("no memory for the dataflow");
        return COMMAND_FAILED;
    }
    warn_of_machines(wishes->graph);
    uuid_make(wishes->id);
    out_folder_make(wishes->graph->directory);
    return keeper_run(run_daemon, wishes);
}

static int run(const struct options *options)
{
    struct wishes wishes = {0};
    struct start_options start = {0};
    int status = run_wishes(options, &wishes, &start);
    graph_free(wishes.graph);
    pairs_free(&wishes.filters);
    start_options_free(&start);
    return status;
}

static const struct option_spec options[] = {
    {.name = "stop-after", .value = "DURATION", .help = "Stop the dataflow after this time, such as 30s or 5m"},
    {.name = "log-level", .value = "LEVEL", .env = "DORA_LOG_LEVEL", .help = LOG_LEVEL_HELP},
    LOG_FORMAT_OPTION,
    LOG_FILTER_OPTION,
    START_ENV_OPTION,
    START_EXIT_OPTION,
    START_SHELL_OPTION,
    START_UV_OPTION,
    START_RELOAD_OPTION,
    START_DEBUG_OPTION,
    {.name = "locked", .help = "Not acted on yet"},
    {.name = "write-lockfile", .help = "Not acted on yet"},
    {.name = "lockfile", .value = "PATH", .help = "Not acted on yet"},
    {.name = "hub-override", .value = "PACKAGE=PATH", .repeatable = true, .help = "Not acted on yet"},
    {0},
};

const struct command command_run = {
    .name = "run",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Run a dataflow here until its nodes have ended",
    .details =
        "Builds the nodes that have `build` commands, starts all nodes, prints what they print, and ends when they "
        "have\n"
        "ended. Exits with 0 when every node ended well. Log files go to out/<dataflow id>/ beside the descriptor.\n\n"
        "Ctrl-C asks the nodes to end, a second one kills them. Nothing is left behind, even if this process is "
        "killed.\n\n" LOG_JSON_HELP,
    .example = "dora run dataflow.yml\n"
               "dora run dataflow.yml --stop-after 10s --log-level info",
    .options = options,
    .run = run,
};
