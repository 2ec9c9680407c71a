/* `dora run`: a dataflow, here and now, until its nodes have ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/build_step.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "cli/run_daemon.h"
#include "daemon/keeper.h"

static bool bad_value(const char *option, const struct error *error)
{
    report_error("`--%s`: %s", option, error->message);
    return false;
}

static bool read_level(const char *option, const char *text, enum graph_log_level *level)
{
    *level = text ? graph_log_level_parse(text) : GRAPH_LOG_STDOUT;
    if (*level != GRAPH_LOG_UNSET)
        return true;
    report_error("`--%s`: there is no log level `%s`", option, text);
    report_hint("the levels are error, warn, info, debug, trace and stdout");
    return false;
}

static bool read_log_options(const struct options *options, struct wishes *wishes)
{
    struct error error = ERROR_INIT;
    struct log_print_options *print = &wishes->print;
    if (!read_level("log-level", options_value(options, "log-level"), &print->level))
        return false;
    const char *format = options_value(options, "log-format"), *filter = options_value(options, "log-filter");
    print->format = !format || strcmp(format, "pretty") == 0 ? LOG_PRETTY
                    : strcmp(format, "json") == 0            ? LOG_JSON
                                                             : LOG_COMPACT;
    if (filter && pairs_add(&wishes->filters, filter, ',', &error) < 0)
        return bad_value("log-filter", &error);
    enum graph_log_level level;
    for (size_t i = 0; i < wishes->filters.count; i++)
        if (!read_level("log-filter", wishes->filters.items[i].value, &level))
            return false;
    print->filters = &wishes->filters;
    return true;
}

static bool read_options(const struct options *options, struct wishes *wishes)
{
    struct error error = ERROR_INIT;
    bool value = false;
    const char *text = options_value(options, "stop-after");
    if (text && value_duration(text, &wishes->stop_after_ns, &error) < 0)
        return bad_value("stop-after", &error);
    for (size_t i = 0; (text = options_value_at(options, "env", i)); i++)
        if (pairs_add(&wishes->env, text, '\0', &error) < 0)
            return bad_value("env", &error);
    wishes->daemon.exit_when_nodes_finish = -1;
    if ((text = options_value(options, "exit-when-nodes-finish"))) {
        if (value_bool(text, &value, &error) < 0)
            return bad_value("exit-when-nodes-finish", &error);
        wishes->daemon.exit_when_nodes_finish = value;
    }
    const char *allowed = getenv("DORA_ALLOW_SHELL_NODES");
    wishes->daemon.allow_shell =
        options_has(options, "allow-shell-nodes") || (allowed && value_bool(allowed, &value, NULL) == 0 && value);
    wishes->daemon.uv = options_has(options, "uv");
    static const char *const later[] = {"locked", "write-lockfile", "lockfile", "hub-override"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (options_has(options, later[i]))
            fprintf(stderr, "warning: `--%s` is not acted on yet\n", later[i]);
    return read_log_options(options, wishes);
}

static bool load(const char *path, const struct options *options, struct wishes *wishes)
{
    autofree struct graph_env *env = calloc(wishes->env.count + 1, sizeof *env);
    if (!env) {
        report_error("out of memory");
        return false;
    }
    for (size_t i = 0; i < wishes->env.count; i++)
        env[i] = (struct graph_env){wishes->env.items[i].key, wishes->env.items[i].value};
    struct graph_options how = {.check_sources = true, .env = env, .env_count = wishes->env.count};
    wishes->graph = findings_load(path, &how);
    if (wishes->graph && options_has(options, "debug"))
        wishes->graph->enable_debug_inspection = true;
    return wishes->graph != NULL;
}

/* out/, where the logs go, is no part of anybody's repository. Failing is for the log files to report. */
static void make_out_folder(const char *directory)
{
    autofree char *path = NULL;
    if (asprintf(&path, "%s/out", directory) < 0)
        return;
    mkdir(path, 0777);
    autoclose int out = open(path, O_DIRECTORY | O_PATH | O_CLOEXEC);
    autoclose int ignore = openat(out, ".gitignore", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (ignore >= 0)
        (void)!write(ignore, "*\n", 2);
}

static int run_wishes(const struct options *options, struct wishes *wishes)
{
    const char *path = options->operands[0];
    if (strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0) {
        report_error("a dataflow that is a URL is not supported yet");
        report_hint("download it: curl -LO %s", path);
        return COMMAND_FAILED;
    }
    if (!read_options(options, wishes))
        return COMMAND_USAGE;
    if (!load(path, options, wishes) || !build_run(wishes->graph, wishes->daemon.uv))
        return COMMAND_FAILED;
    uuid_make(wishes->id);
    make_out_folder(wishes->graph->directory);
    return keeper_run(run_daemon, wishes);
}

static int run(const struct options *options)
{
    struct wishes wishes = {0};
    int status = run_wishes(options, &wishes);
    graph_free(wishes.graph);
    pairs_free(&wishes.env);
    pairs_free(&wishes.filters);
    return status;
}

static const struct option_spec options[] = {
    {.name = "stop-after", .value = "DURATION", .help = "Stop the dataflow after this time, such as 30s or 5m"},
    {.name = "log-level",
     .value = "LEVEL",
     .env = "DORA_LOG_LEVEL",
     .help = "Show lines of this level and those more severe: error, warn, info, debug, trace, or stdout for all"},
    {.name = "log-format",
     .value = "FORMAT",
     .choices = "pretty|json|compact",
     .env = "DORA_LOG_FORMAT",
     .help = "How to print lines; json prints one object a line"},
    {.name = "log-filter",
     .value = "NODE=LEVEL,...",
     .env = "DORA_LOG_FILTER",
     .help = "Levels for single nodes, over --log-level"},
    {.name = "env", .value = "KEY=VALUE", .repeatable = true, .help = "Set a variable for all nodes"},
    {.name = "exit-when-nodes-finish",
     .value = "BOOL",
     .optional = true,
     .help = "Whether nodes end when nothing but timers and logs is left to feed them"},
    {.name = "allow-shell-nodes", .help = "Let nodes with `path: shell` run (also by DORA_ALLOW_SHELL_NODES=true)"},
    {.name = "uv", .help = "Run Python nodes and pip through uv"},
    {.name = "debug", .help = "Let `dora topic` and `dora record` look at all outputs"},
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
        "killed.\n\n"
        "With --log-format json, each line is an object:\n"
        "  {\"build_id\": null, \"dataflow_id\": …, \"node_id\": …, \"daemon_id\": null, \"level\": "
        "\"INFO\"|…|\"stdout\",\n"
        "   \"target\": …|null, \"module_path\": null, \"file\": null, \"line\": null, \"message\": …, \"timestamp\": "
        "…,\n"
        "   \"fields\": {…}|null}",
    .example = "dora run dataflow.yml\n"
               "dora run dataflow.yml --stop-after 10s --log-level info",
    .options = options,
    .run = run,
};
