/* `dora logs`: what nodes printed, from their log files. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/follow.h"
#include "cli/json_value.h"
#include "cli/log_folders.h"
#include "cli/log_options.h"
#include "cli/log_record.h"
#include "cli/log_remote.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/values.h"

struct reading {
    struct log_show show;
    struct pairs filters;
    struct log_files *files;
    const char *node; /* NULL: all */
    char *uuid;
    struct control_client *client; /* NULL: --local */
    const char *beside;            /* for another machine, which has read these places itself; NULL: for the user */
    struct log_remote remote;
    bool follow;
};

static bool read_time(const struct options *options, const char *name, int64_t *unix_ns)
{
    struct error error = ERROR_INIT;
    const char *text = options_value(options, name);
    int64_t ago;
    if (!text || log_record_time(text, unix_ns) == 0)
        return true;
    if (value_duration(text, &ago, &error) < 0) {
        report_error("`--%s`: %s", name, error.message);
        report_hint("or as a time, such as 2026-01-31T12:00:00Z");
        return false;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *unix_ns = now.tv_sec * CLOCK_SECOND + now.tv_nsec - ago;
    return true;
}

static bool read_tail(const struct options *options, long *tail)
{
    const char *text = options_value(options, "tail");
    char *end;
    if (!text)
        return true;
    errno = 0;
    *tail = strtol(text, &end, 10);
    if (errno == 0 && end != text && !*end && *tail >= 0 && *tail <= 100000000)
        return true;
    report_error("`--tail`: `%s` is not a number of lines", text);
    return false;
}

static bool read_options(const struct options *options, struct reading *reading)
{
    reading->follow = options_has(options, "follow");
    reading->node = options_value(options, "node");
    reading->show.grep = options_value(options, "grep");
    reading->beside = options_has(options, "beside") ? options_value(options, "beside") : NULL;
    if (options->operand_count > 1 && !reading->node)
        reading->node = options->operands[1];
    if (reading->node && options_has(options, "all-nodes")) {
        report_error("`--all-nodes` and the name of a node don't go together");
        return false;
    }
    bool ok = read_tail(options, &reading->show.tail) && read_time(options, "since", &reading->show.since_ns) &&
              read_time(options, "until", &reading->show.until_ns) &&
              log_options_read(options, "level", &reading->show.print, &reading->filters);
    if (reading->beside)
        reading->show.print.format = LOG_RECORD;
    return ok;
}

/* The folder in ./out that is meant: the newest, as UUIDs sort by time, of those that begin so. */
static bool find_local(struct reading *reading, const char *prefix, struct error *error)
{
    struct dirent **entries;
    int count = scandir("out", &entries, NULL, alphasort);
    if (count < 0) {
        report_error("there is no folder `out` in the current directory");
        report_hint("log files are in `out` beside the descriptor, or ask the coordinator: `dora logs DATAFLOW`");
        return false;
    }
    size_t found = 0;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        autofree char *path = NULL;
        struct stat stat_;
        if (name[0] == '.' || (prefix && strncmp(name, prefix, strlen(prefix)) != 0) ||
            asprintf(&path, "out/%s", name) < 0 || stat(path, &stat_) < 0 || !S_ISDIR(stat_.st_mode))
            continue;
        found++;
        free(reading->uuid);
        reading->uuid = strdup(name);
    }
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    if (!reading->uuid) {
        report_error(prefix ? "no dataflow in `out` begins with `%s`" : "`out` holds no dataflow%s",
                     prefix ? prefix : "");
        report_hint(prefix ? "names are known to the coordinator only: leave out `--local`"
                           : "run one first: dora run dataflow.yml");
        return false;
    }
    if (prefix && found > 1) {
        report_error("%zu dataflows in `out` begin with `%s`", found, prefix);
        return false;
    }
    autofree char *folder = NULL;
    if (asprintf(&folder, "out/%s", reading->uuid) < 0 || log_files_add(reading->files, folder, error) < 0) {
        report_error("out of memory");
        return false;
    }
    return true;
}

/* Where nothing runs, what ran last is meant. */
static bool choose_last(struct control_client *client, json_t *params)
{
    json_t *result = session_call(client, "dataflow.list", json_pack("{s:b}", "usage", 0), SESSION_PATIENCE);
    const json_t *list = json_object_get(result, "dataflows");
    bool is_running = false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *status = json_text(json_array_get(list, i), "status");
        is_running |= strcmp(status, "finished") != 0 && strcmp(status, "failed") != 0;
    }
    const json_t *last = json_array_get(list, 0);
    if (last && !is_running) {
        fprintf(stderr, "no dataflow is running; these are the lines of the last one, %s\n", session_name_of(last));
        json_object_set(params, "dataflow", json_object_get(last, "uuid"));
    }
    bool ok = result != NULL;
    json_decref(result);
    return ok;
}

static bool add_folders(struct reading *reading, const json_t *dataflow)
{
    struct error error = ERROR_INIT;
    json_t *descriptor = session_call(reading->client, "dataflow.descriptor",
                                      json_pack("{s:s}", "dataflow", reading->uuid), SESSION_PATIENCE);
    if (!descriptor)
        return false;
    autofree char *path = NULL;
    const char *yaml = json_text(descriptor, "yaml"), *directory = json_text(dataflow, "directory");
    struct graph *graph = NULL;
    if (asprintf(&path, "%s/dataflow.yml", directory) < 0)
        path = NULL;
    if (path)
        graph = graph_parse(yaml, strlen(yaml), path, NULL, &error);
    int rc = graph ? log_folders_add(reading->files, graph, reading->uuid, &error) : -EINVAL;
    if (rc < 0)
        report_error("%s", error.message);
    graph_free(graph);
    json_decref(descriptor);
    return rc == 0;
}

static bool has_node(const json_t *dataflow, const char *id)
{
    const json_t *nodes = json_object_get(dataflow, "nodes");
    for (size_t i = 0; i < json_array_size(nodes); i++)
        if (strcmp(json_text(json_array_get(nodes, i), "id"), id) == 0)
            return true;
    report_error("dataflow %s has no node `%s`", session_name_of(dataflow), id);
    report_hint("`dora node list -d %s` lists them", session_name_of(dataflow));
    return false;
}

static bool find_known(struct reading *reading, const struct options *options)
{
    json_t *params = json_object();
    if (!params || !session_choose(reading->client, options, 0, NULL, params) ||
        (!json_object_get(params, "dataflow") && !choose_last(reading->client, params))) {
        json_decref(params);
        return false;
    }
    json_t *dataflow = session_call(reading->client, "dataflow.get", params, SESSION_PATIENCE);
    if (!dataflow)
        return false;
    reading->uuid = strdup(json_text(dataflow, "uuid"));
    bool ok = reading->uuid && (!reading->node || has_node(dataflow, reading->node)) && add_folders(reading, dataflow);
    if (ok && !reading->beside)
        ok = log_remote_start(&reading->remote, reading->client, options, dataflow, reading->node, reading->files);
    json_decref(dataflow);
    return ok;
}

static int show(struct reading *reading)
{
    reading->show.print.dataflow_id = reading->uuid;
    if (!reading->follow) {
        if (!log_files_count(reading->files) && !reading->beside) {
            report_error("there are no log files of %s%s", reading->node ? "node " : "this dataflow",
                         reading->node ? reading->node : "");
            return COMMAND_FAILED;
        }
        follow_show(reading->files, &reading->show);
        log_show_flush(&reading->show);
        return COMMAND_OK;
    }
    struct follow follow = {.client = reading->client,
                            .uuid = reading->uuid,
                            .files = reading->files,
                            .show = &reading->show,
                            .marks = reading->beside};
    json_t *ended = follow_run(&follow);
    reading->client = follow.client;
    json_decref(ended);
    return ended || reading->show.is_closed ? COMMAND_OK : COMMAND_FAILED;
}

static int read_logs(const struct options *options, struct reading *reading)
{
    struct error error = ERROR_INIT;
    if (!read_options(options, reading))
        return COMMAND_USAGE;
    if (log_files_open(&reading->files, reading->node, &error) < 0) {
        report_error("%s", error.message);
        return COMMAND_FAILED;
    }
    if (reading->beside)
        log_files_leave_out(reading->files, reading->beside);
    bool local = options_has(options, "local");
    if (!local && !(reading->client = session_open(options))) {
        report_hint("`dora logs --local` reads the folder `out` of the current directory");
        return COMMAND_FAILED;
    }
    bool found = local ? find_local(reading, options->operand_count ? options->operands[0] : NULL, &error)
                       : find_known(reading, options);
    return found ? show(reading) : COMMAND_FAILED;
}

static int run(const struct options *options)
{
    struct reading reading = {0};
    log_show_init(&reading.show);
    int status = read_logs(options, &reading);
    control_client_close(reading.client);
    log_files_close(reading.files);
    if (!log_remote_end(&reading.remote, status == COMMAND_OK && !reading.show.is_closed))
        status = COMMAND_FAILED;
    log_show_free(&reading.show);
    pairs_free(&reading.filters);
    free(reading.uuid);
    return status;
}

static const struct option_spec options[] = {
    {.name = "node", .letter = 'n', .value = "NODE", .help = "Lines of this node only"},
    {.name = "all-nodes", .help = "Lines of all nodes, in the order of time [default]"},
    {.name = "tail", .value = "N", .help = "Only the last N of the lines that would be shown"},
    {.name = "follow", .letter = 'f', .help = "Show new lines as they come, until the dataflow has ended"},
    {.name = "since", .value = "TIME", .help = "Lines from then on: so long ago, as 5m, or since 2026-01-31T12:00:00Z"},
    {.name = "until", .value = "TIME", .help = "Lines up to then"},
    {.name = "level", .value = "LEVEL", .env = "DORA_LOG_LEVEL", .help = LOG_LEVEL_HELP},
    {.name = "grep", .value = "TEXT", .help = "Lines whose message has this in it, in upper or lower case"},
    LOG_FORMAT_OPTION,
    LOG_FILTER_OPTION,
    {.name = "local",
     .help = "Read `out` in the current directory instead of asking the coordinator; the newest dataflow by default"},
    {.name = "beside", .value = "PLACES", .optional = true, .help = "For another machine", .hidden = true},
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_logs = {
    .name = "logs",
    .operands = "[UUID_OR_NAME]",
    .max_operands = 2,
    .summary = "Show what nodes printed",
    .details = "Reads the log files of a dataflow that runs or has ended, the rotated ones too.\n" SESSION_WHICH_HELP
               " Where nothing runs, it is the dataflow that was started last.\n\n"
               "Log files are where their node is: lines of other machines' nodes come from there, where they are in "
               "reach.\n\n"
               "Lines are chosen by time, level and text first, then counted for --tail.\n\n" LOG_JSON_HELP "\n\n"
               "Exits with 0, or 1 when there is no such dataflow, node or log file.",
    .example = "dora logs vision --node camera --follow\n"
               "dora logs --since 5m --level warn --tail 20\n"
               "dora logs --local --log-format json",
    .options = options,
    .run = run,
};
