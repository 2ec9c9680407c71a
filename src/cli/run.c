/* `dora run`: a dataflow, here and now, until its nodes have ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/build_step.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/log_print.h"
#include "cli/report.h"
#include "cli/summary.h"
#include "cli/uuid.h"
#include "cli/values.h"
#include "daemon/daemon.h"
#include "daemon/descendants.h"
#include "daemon/keeper.h"

/* What the command line asks for. */
struct wishes {
    struct daemon_options daemon;
    struct log_print_options print;
    struct pairs env, filters;
    int64_t stop_after_ns; /* 0: never */
    struct graph *graph;
    char id[UUID_TEXT];
};

/* The daemon process. */
struct run {
    const struct wishes *wishes;
    uv_loop_t loop;
    uv_poll_t control; /* the keeper's requests */
    uv_timer_t stop_after;
    int control_fd;
    struct daemon *daemon;
    struct dataflow *dataflow; /* NULL when it has ended */
    struct log_print *print;
    bool is_stopping;
    int status;
};

/* ---- The command line ---- */

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

/* ---- What is done before the first process ---- */

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

/* ---- The daemon process ---- */

static void say(struct run *run, const char *text)
{
    log_print_flush(run->print); /* what was said first stands first */
    fprintf(stderr, "%s\n", text);
}

static void stop(struct run *run)
{
    if (run->dataflow)
        dataflow_stop(run->dataflow, DAEMON_STOP_GRACE);
    run->is_stopping = true;
}

static void on_request(uv_poll_t *control, int status, int events)
{
    (void)status;
    (void)events;
    struct run *run = control->data;
    char request;
    ssize_t len = read(run->control_fd, &request, 1);
    if (len == 0) {
        /* The keeper is gone, and nobody waits for this process: nothing may outlive it. */
        descendants_kill(CLOCK_SECOND);
        _exit(COMMAND_FAILED);
    }
    if (len < 0 || !run->dataflow)
        return;
    if (request == KEEPER_KILL) {
        say(run, "killing all nodes");
        dataflow_kill(run->dataflow);
        return;
    }
    say(run, run->is_stopping ? "already stopping; Ctrl-C again kills all nodes at once"
                              : "stopping: the nodes have 10 s to end by themselves; Ctrl-C again kills them at once");
    stop(run);
}

static void on_stop_after(uv_timer_t *timer)
{
    stop(timer->data);
}

static void on_log(void *context, const struct log_line *line)
{
    log_print_line(((struct run *)context)->print, line);
}

/* As any program ends when its reader has had enough (`| head`), but in good order. */
static void on_stdout_closed(void *context)
{
    stop(context);
}

static void on_notice(void *context, const char *text)
{
    struct run *run = context;
    log_print_flush(run->print);
    fprintf(stderr, "[dora]: %s\n", text);
}

static void on_finished(void *context, const struct dataflow_result *result)
{
    struct run *run = context;
    run->dataflow = NULL;
    run->status = result->ok ? COMMAND_OK : COMMAND_FAILED;
    log_print_drain(run->print, run->control_fd);
    if (!result->ok)
        summary_print(result, run->wishes->id);
    daemon_close(run->daemon);
    log_print_close(run->print);
    uv_close((uv_handle_t *)&run->control, NULL);
    uv_close((uv_handle_t *)&run->stop_after, NULL);
}

static int start(struct run *run, struct error *error)
{
    const struct wishes *wishes = run->wishes;
    int rc = daemon_open(&run->daemon, &run->loop, &wishes->daemon, error);
    if (rc < 0)
        return rc;
    struct log_print_options print = wishes->print;
    print.graph = wishes->graph;
    print.dataflow_id = wishes->id;
    print.on_closed = on_stdout_closed;
    print.context = run;
    run->print = log_print_open(&run->loop, &print);
    if (!run->print)
        return error_sys(error, -ENOMEM, "can't print logs");
    fprintf(stderr, "dataflow %s started\n", wishes->id);
    static const struct daemon_observer calls = {.log = on_log, .notice = on_notice, .finished = on_finished};
    struct daemon_observer observer = calls;
    observer.context = run;
    return daemon_start(run->daemon, wishes->graph, wishes->id, &observer, &run->dataflow, error);
}

static int run_daemon(int control_fd, void *context)
{
    struct wishes *wishes = context;
    struct run run = {.wishes = wishes, .control_fd = control_fd, .status = COMMAND_FAILED};
    struct error error = ERROR_INIT;
    int rc = uv_loop_init(&run.loop);
    if (rc < 0) {
        report_error("can't make an event loop: %s", uv_strerror(rc));
        return COMMAND_FAILED;
    }
    rc = start(&run, &error);
    if (rc < 0) {
        report_error("%s", error.message);
        daemon_close(run.daemon);
        log_print_close(run.print);
    } else {
        uv_poll_init(&run.loop, &run.control, control_fd);
        uv_timer_init(&run.loop, &run.stop_after);
        run.control.data = run.stop_after.data = &run;
        uv_poll_start(&run.control, UV_READABLE | UV_DISCONNECT, on_request);
        if (wishes->stop_after_ns)
            uv_timer_start(&run.stop_after, on_stop_after, (uint64_t)(wishes->stop_after_ns / CLOCK_MILLI), 0);
    }
    uv_run(&run.loop, UV_RUN_DEFAULT);
    uv_loop_close(&run.loop);
    graph_free(wishes->graph);
    wishes->graph = NULL;
    return run.status;
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
