/* `dora trace`: where messages spend their time between source and sink. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/json_value.h"
#include "cli/progress.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/trace_paths.h"
#include "cli/trace_print.h"

/* Nodes keep few notes: who reads them late, loses some. */
static const int64_t PAUSE = 20 * CLOCK_MILLI;

struct reading {
    struct control_client *client;
    json_t *params;
    struct trace_paths paths;
    int64_t lost;
    char *machine; /* where the nodes are, if not here; else NULL */
};

/* False: reported, or to be done on another machine. */
static bool read_spans(struct reading *reading, bool on)
{
    json_object_set_new(reading->params, "on", json_boolean(on));
    json_t *result = session_call_here(reading->client, "trace.read", json_incref(reading->params), SESSION_PATIENCE,
                                       &reading->machine);
    if (!result)
        return false;
    int rc = trace_paths_add(&reading->paths, json_object_get(result, "spans"));
    reading->lost += json_integer_value(json_object_get(result, "lost"));
    json_decref(result);
    if (rc < 0)
        report_error("can't read what the nodes noted: %s", strerror(-rc));
    return rc == 0;
}

static bool read_all(struct reading *reading, int64_t duration)
{
    int64_t begin = clock_now(), end = clock_after(begin, duration);
    if (!read_spans(reading, true))
        return false;
    interrupt_catch();
    for (int64_t now; (now = clock_now()) < end && !interrupt_seen();) {
        progress_show("tracing for %lld s more", (long long)((end - now + CLOCK_SECOND - 1) / CLOCK_SECOND));
        interrupt_sleep(clock_after(now, PAUSE) < end ? clock_after(now, PAUSE) : end);
        if (!read_spans(reading, true))
            return false;
    }
    progress_clear();
    return read_spans(reading, false);
}

/* What of the paths is wanted. */
struct wish {
    bool is_list;
    const char *topic; /* those that it is on; NULL: all */
    const char *id;    /* those whose id begins so; NULL: all */
};

/* False: reported. */
static bool read_wish(const struct options *options, struct wish *wish)
{
    const char *first = options->operand_count ? options->operands[0] : NULL;
    const char *second = options->operand_count > 1 ? options->operands[1] : NULL;
    bool is_view = first && strcmp(first, "view") == 0;
    *wish = (struct wish){.is_list = first && strcmp(first, "list") == 0, .id = is_view ? second : NULL};
    if (!is_view && !wish->is_list)
        wish->topic = first;
    if (is_view != (second != NULL)) {
        report_error(is_view ? "`dora trace view` needs the ID of a path" : "`dora trace` has no use for `%s`", second);
        report_hint(is_view ? "`dora trace list` shows them" : "see `dora trace --help`");
        return false;
    }
    if (wish->topic && !strchr(wish->topic, '/')) {
        report_error("`%s` is no topic", wish->topic);
        report_hint("a topic is NODE/OUTPUT; there are `dora trace list` and `dora trace view ID` as well");
        return false;
    }
    return true;
}

static bool is_wanted(const struct trace_path *path, const struct wish *wish)
{
    char id[TRACE_ID];
    trace_print_id(path, id);
    return (!wish->topic || trace_print_has(path, wish->topic)) &&
           (!wish->id || strncmp(id, wish->id, strlen(wish->id)) == 0);
}

static size_t print_paths(const struct trace_paths *paths, const struct wish *wish, bool is_json)
{
    size_t count = 0;
    struct table table;
    table_init(&table, trace_list_columns, TRACE_LIST_COLUMNS);
    for (size_t i = 0; i < paths->count; i++) {
        const struct trace_path *path = paths->paths[i];
        if (!is_wanted(path, wish))
            continue;
        if (is_json)
            ask_print_line(wish->is_list ? trace_print_row_json(path) : trace_print_json(path));
        else if (wish->is_list)
            trace_print_row(path, &table);
        else
            trace_print(path, count > 0);
        count++;
    }
    if (count && wish->is_list && !is_json)
        table_print(&table);
    table_free(&table);
    return count;
}

static void say_none(const struct wish *wish)
{
    if (wish->id)
        fprintf(stderr, "No message took the path %s.\n", wish->id);
    else if (wish->topic)
        fprintf(stderr, "No message of %s was followed to its end.\n", wish->topic);
    else
        fprintf(stderr, "No message was followed to its end.\n");
}

/* Clocks and causes are a machine's own. */
static void say_where(struct reading *reading)
{
    json_t *params = json_pack("{s:O*}", "dataflow", json_object_get(reading->params, "dataflow")), *topic;
    json_t *result = params ? session_call(reading->client, "topic.list", params, SESSION_PATIENCE) : NULL;
    const char *here = json_text(result, "here");
    size_t i;
    json_array_foreach(json_object_get(result, "topics"), i, topic)
    {
        if (!*here || strcmp(json_text(topic, "machine"), here) == 0)
            continue;
        fprintf(stderr, "Only messages between nodes of machine %s were followed; for those of %s: dora trace %s\n",
                here, json_text(topic, "machine"), json_text(topic, "name"));
        break;
    }
    json_decref(result);
}

static int trace_there(const struct options *options, struct reading *reading)
{
    json_t *words = remote_words(options);
    remote_add_rest(words, json_object_get(reading->params, "dataflow"), options);
    return remote_run(reading->client, reading->machine, words);
}

static int trace(const struct options *options, const struct wish *wish, struct reading *reading, int64_t duration)
{
    if (!reading->client || !reading->params || trace_paths_init(&reading->paths) < 0 ||
        !session_choose(reading->client, options, -1, "dataflow", reading->params))
        return COMMAND_FAILED;
    if (wish->topic)
        json_object_set_new(reading->params, "topic", json_string(wish->topic));
    if (!read_all(reading, duration))
        return reading->machine ? trace_there(options, reading) : COMMAND_FAILED;
    if (trace_paths_join(&reading->paths) < 0) {
        report_error("out of memory");
        return COMMAND_FAILED;
    }
    if (!print_paths(&reading->paths, wish, ask_wants_json(options)))
        say_none(wish);
    if (reading->lost)
        fprintf(stderr, "%lld notes were overwritten before they were read; their messages are left out.\n",
                (long long)reading->lost);
    if (!wish->topic)
        say_where(reading);
    return COMMAND_OK;
}

static int run(const struct options *options)
{
    int64_t duration = 5 * CLOCK_SECOND;
    struct wish wish;
    if (!ask_duration(options, "duration", &duration) || !read_wish(options, &wish))
        return COMMAND_USAGE;
    struct reading reading = {.client = session_open(options), .params = json_object()};
    int status = trace(options, &wish, &reading, duration);
    trace_paths_free(&reading.paths);
    json_decref(reading.params);
    control_client_close(reading.client);
    free(reading.machine);
    return status;
}

static const struct option_spec options[] = {
    ASK_DATAFLOW,
    ASK_FORMAT,
    {.name = "duration", .value = "DURATION", .help = "How long to look (5)"},
    {0},
};

const struct command command_trace = {
    .name = "trace",
    .operands = "[NODE/OUTPUT | list | view ID]",
    .max_operands = 2,
    .summary = "Show where messages spend their time between source and sink",
    .details =
        "Follows messages that are caused by one another: a message is caused by the one that its node had taken\n"
        "last when it sent it. For every way from a first message to the node that sends nothing for it any more,\n"
        "and every hop on it, it shows how long messages waited to be taken (queue) and how long the node took\n"
        "until it sent the next (handling), and the slowest message as an example. With a topic, only the ways it is\n"
        "on. `list` shows each way in one line with an ID that it always has, and its median time; `view` shows the\n"
        "one whose ID begins so. Nothing is traced while nobody looks: each of them looks for --duration first.\n\n"
        "Of a dataflow on several machines, messages are followed between nodes of one of them, not across: of the\n"
        "topic's machine, else of this one.\n\n"
        "With --format json, each line is an object for one way, times in ns:\n"
        "  {\"id\", \"first\": topic, \"messages\", \"total\": {\"p50_ns\", \"p99_ns\", \"max_ns\"}, \"steps\": "
        "[{\"kind\":\n"
        "   \"queue\"|\"handling\", \"node\", \"input\", \"topic\", \"p50_ns\", \"p99_ns\", \"max_ns\"}], "
        "\"slowest\":\n"
        "   {\"sequence\", \"total_ns\", \"steps\": [{\"start_ns\", \"duration_ns\"}]}}\n"
        "and of a list: {\"trace_id\", \"root_span\": topic, \"spans\", \"messages\", \"duration_ns\"}.",
    .example = "dora trace\n"
               "dora trace -d vision --duration 10 camera/image\n"
               "dora trace list",
    .options = options,
    .run = run,
};
