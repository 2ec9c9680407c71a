#include "cli/trace_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "cli/ask.h"
#include "cli/table.h"

/* Columns of the bars that show a message's time, and what stands beside them. */
enum { BAR_LEAST = 8, BAR_MOST = 40, BESIDE = 36 };

static int bar_width(void)
{
    size_t width = table_terminal_width(STDOUT_FILENO);
    return !width || width > BAR_MOST + BESIDE ? BAR_MOST
           : width < BAR_LEAST + BESIDE        ? BAR_LEAST
                                               : (int)width - BESIDE;
}

bool trace_print_has(const struct trace_path *path, const char *topic)
{
    for (size_t i = 0; i < path->step_count; i++)
        if (strcmp(path->steps[i].topic, topic) == 0)
            return true;
    return strcmp(path->first, topic) == 0;
}

void trace_print_id(const struct trace_path *path, char id[TRACE_ID])
{
    uint32_t hash = 2166136261; /* FNV-1a */
    for (size_t i = 0; i <= path->step_count; i++) {
        const char *texts[] = {i ? path->steps[i - 1].topic : path->first, i ? path->steps[i - 1].node : "",
                               i ? path->steps[i - 1].input : ""};
        for (size_t k = 0; k < 3; k++)
            for (const char *at = texts[k];; at++) {
                hash = (hash ^ (unsigned char)*at) * 16777619u;
                if (!*at)
                    break;
            }
    }
    snprintf(id, TRACE_ID, "%08x", (unsigned)hash);
}

const struct table_column trace_list_columns[TRACE_LIST_COLUMNS] = {
    {.title = "TRACE ID", .least = 8},       {.title = "ROOT SPAN", .least = 12},
    {.title = "SPANS", .is_right = true},    {.title = "MESSAGES", .is_right = true},
    {.title = "DURATION", .is_right = true},
};

void trace_print_row(const struct trace_path *path, struct table *table)
{
    char id[TRACE_ID], text[ASK_TIME_MOST];
    trace_print_id(path, id);
    table_add(table, "%s", id);
    table_add(table, "%s", path->first);
    table_add(table, "%zu", path->step_count);
    table_add(table, "%zu", path->count);
    table_add(table, "%s", ask_time(text, trace_percentile(path->totals, path->count, 0.5)));
}

json_t *trace_print_row_json(const struct trace_path *path)
{
    char id[TRACE_ID];
    trace_print_id(path, id);
    return json_pack("{s:s, s:s, s:I, s:I, s:I}", "trace_id", id, "root_span", path->first, "spans",
                     (json_int_t)path->step_count, "messages", (json_int_t)path->count, "duration_ns",
                     (json_int_t)trace_percentile(path->totals, path->count, 0.5));
}

static void add_times(struct table *table, const int64_t *sorted, size_t count)
{
    char text[ASK_TIME_MOST];
    table_add(table, "%s", ask_time(text, trace_percentile(sorted, count, 0.5)));
    table_add(table, "%s", ask_time(text, trace_percentile(sorted, count, 0.99)));
    table_add(table, "%s", ask_time(text, sorted[count - 1]));
}

/* "detector: image" waits in a queue; "detector → boxes" is sent. */
static void put_step(struct buf *out, const struct trace_step *step)
{
    /* What a node sends while it handles is its own. */
    const size_t len = strlen(step->node);
    const bool is_own = strncmp(step->topic, step->node, len) == 0 && step->topic[len] == '/';
    buf_clear(out);
    if (step->kind == TRACE_QUEUE)
        buf_printf(out, "%s → %s (%s)", step->topic, step->node, step->input);
    else
        buf_printf(out, "%s (%s → %s)", step->node, step->input, is_own ? step->topic + len + 1 : step->topic);
}

static const char *kind(const struct trace_step *step)
{
    return step->kind == TRACE_QUEUE ? "queue" : "handling";
}

static void print_title(const struct trace_path *path)
{
    printf("%s", path->first);
    for (size_t i = 0; i < path->step_count; i++)
        if (path->steps[i].kind == TRACE_HANDLING)
            printf(" → %s", path->steps[i].topic);
    const struct trace_step *last = &path->steps[path->step_count - 1];
    if (last->kind == TRACE_QUEUE)
        printf(" → %s", last->node);
    char id[TRACE_ID];
    trace_print_id(path, id);
    printf(": %zu message%s (%s)\n", path->count, path->count == 1 ? "" : "s", id);
}

static void print_steps(const struct trace_path *path)
{
    static const struct table_column columns[] = {
        {.title = "  HOP", .least = 20},    {.title = "SPENT IN"},
        {.title = "P50", .is_right = true}, {.title = "P99", .is_right = true},
        {.title = "MAX", .is_right = true},
    };
    struct table table;
    autobuf struct buf name = {0};
    table_init(&table, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < path->step_count; i++) {
        put_step(&name, &path->steps[i]);
        table_add(&table, "  %s", name.data ? name.data : "");
        table_add(&table, "%s", kind(&path->steps[i]));
        add_times(&table, path->steps[i].durations, path->count);
    }
    table_add(&table, "  total");
    table_add(&table, "%s", "");
    add_times(&table, path->totals, path->count);
    table_print(&table);
    table_free(&table);
}

/* The slowest message, step under step, each where its time begins. */
static void print_slowest(const struct trace_path *path)
{
    char total[ASK_TIME_MOST], text[ASK_TIME_MOST];
    printf("  slowest: message %" PRIu64 " of %s, %s\n", path->slowest_sequence, path->first,
           ask_time(total, path->slowest));
    int64_t start = 0;
    const int bar = bar_width();
    for (size_t i = 0; i < path->step_count; i++) {
        int64_t length = path->slowest_durations[i], all = path->slowest > 0 ? path->slowest : 1;
        int from = (int)((double)start / (double)all * bar), to = (int)((double)(start + length) / (double)all * bar);
        from = from < bar ? from : bar - 1;
        to = to > from ? to : from + 1;
        printf("  %*s", from, "");
        for (int column = from; column < to; column++)
            fputs(path->steps[i].kind == TRACE_QUEUE ? "░" : "█", stdout);
        printf("%*s  %10s  %s %s\n", bar - to, "", ask_time(text, length), kind(&path->steps[i]), path->steps[i].node);
        start += length;
    }
}

void trace_print(const struct trace_path *path, bool another)
{
    if (another)
        putchar('\n');
    print_title(path);
    print_steps(path);
    print_slowest(path);
}

static void set_times(json_t *object, const int64_t *sorted, size_t count)
{
    json_object_set_new(object, "p50_ns", json_integer(trace_percentile(sorted, count, 0.5)));
    json_object_set_new(object, "p99_ns", json_integer(trace_percentile(sorted, count, 0.99)));
    json_object_set_new(object, "max_ns", json_integer(sorted[count - 1]));
}

json_t *trace_print_json(const struct trace_path *path)
{
    json_t *total = json_object(), *steps = json_array(), *slowest = json_array();
    int64_t start = 0;
    set_times(total, path->totals, path->count);
    for (size_t i = 0; i < path->step_count; i++) {
        const struct trace_step *step = &path->steps[i];
        json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "kind", kind(step), "node", step->node, "input", step->input,
                                   "topic", step->topic);
        set_times(object, step->durations, path->count);
        json_array_append_new(steps, object);
        json_array_append_new(slowest, json_pack("{s:I, s:I}", "start_ns", (json_int_t)start, "duration_ns",
                                                 (json_int_t)path->slowest_durations[i]));
        start += path->slowest_durations[i];
    }
    char id[TRACE_ID];
    trace_print_id(path, id);
    return json_pack("{s:s, s:s, s:I, s:o, s:o, s:{s:I, s:I, s:o}}", "id", id, "first", path->first, "messages",
                     (json_int_t)path->count, "total", total, "steps", steps, "slowest", "sequence",
                     (json_int_t)path->slowest_sequence, "total_ns", (json_int_t)path->slowest, "steps", slowest);
}
