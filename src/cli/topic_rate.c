/* `dora topic hz|bw|delay`: how often an output sends, how much, and how late it arrives. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/meter.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/tap.h"

enum { QUEUE = 10000, FIELDS = 6 };

/* What the three commands have of their own. */
struct measure {
    const char *json_keys[FIELDS]; /* what --format json calls the fields; also the TSV's titles */
    struct table_column columns[FIELDS + 1];
    bool is_prompt;
    int64_t (*value)(const dora_event *event, int64_t sent);
    /* Fills in the fields. */
    void (*summarize)(const struct meter *meter, double fields[FIELDS]);
};

struct topic {
    const char *name;
    struct meter meter;
};

struct run {
    const struct measure *measure;
    struct tap tap;
    struct topic *topics;
    size_t count;
    bool is_json, is_live;
    size_t lines; /* of the live table */
    bool has_title;
};

static int64_t unix_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * CLOCK_SECOND + now.tv_nsec;
}

static struct topic *find(struct run *run, const char *name)
{
    for (size_t i = 0; i < run->count; i++)
        if (strcmp(run->topics[i].name, name) == 0)
            return &run->topics[i];
    return NULL;
}

/* Times are the senders': when this process got to read a message says nothing of its rate. */
static void take(struct run *run, const dora_event *event)
{
    struct topic *topic = find(run, dora_event_id(event));
    if (!topic)
        return;
    int64_t sent = clock_ntp64_to_ns(dora_event_timestamp(event));
    struct meter *meter = &topic->meter;
    if (meter->count && sent < meter->samples[(meter->first + meter->count - 1) & (meter->capacity - 1)].time)
        return; /* of another publisher, a little behind */
    if (meter_add(meter, (struct meter_sample){sent, run->measure->value(event, sent)}) < 0)
        report_error("out of memory");
}

static void print_json(const struct run *run, const struct topic *topic, const double fields[FIELDS])
{
    json_t *line = json_pack("{s:s}", "topic", topic->name);
    for (size_t i = 0; i < FIELDS && run->measure->json_keys[i]; i++)
        json_object_set_new(line, run->measure->json_keys[i],
                            i == FIELDS - 1 ? json_integer((json_int_t)fields[i]) : json_real(fields[i]));
    ask_print_line(line);
}

static void print_tsv(struct run *run, const struct topic *topic, const double fields[FIELDS])
{
    if (!run->has_title) {
        run->has_title = true;
        fputs("topic", stdout);
        for (size_t i = 0; i < FIELDS; i++)
            printf("\t%s", run->measure->json_keys[i]);
        putchar('\n');
    }
    fputs(topic->name, stdout);
    for (size_t i = 0; i < FIELDS; i++)
        printf(i == FIELDS - 1 ? "\t%.0f" : "\t%.3f", fields[i]);
    putchar('\n');
}

/* Over the last one, where that is a table on the terminal. */
static void print_table(struct run *run)
{
    struct table table;
    table_init(&table, run->measure->columns, FIELDS + 1);
    for (size_t i = 0; i < run->count; i++) {
        double fields[FIELDS];
        run->measure->summarize(&run->topics[i].meter, fields);
        table_add(&table, "%s", run->topics[i].name);
        for (size_t k = 0; k < FIELDS; k++)
            table_add(&table, k == FIELDS - 1 ? "%.0f" : "%.3f", fields[k]);
    }
    if (run->lines)
        printf("\033[%zuA\033[J", run->lines);
    table_print(&table);
    run->lines = run->count + 1;
    table_free(&table);
}

static void print_all(struct run *run)
{
    int64_t now = unix_now();
    for (size_t i = 0; i < run->count; i++) {
        double fields[FIELDS];
        meter_forget(&run->topics[i].meter, now);
        if (run->is_live)
            continue;
        run->measure->summarize(&run->topics[i].meter, fields);
        (run->is_json ? print_json(run, &run->topics[i], fields) : print_tsv(run, &run->topics[i], fields));
    }
    if (run->is_live)
        print_table(run);
    fflush(stdout);
}

/* Once a second without an end, else once at the end; a table on the terminal is always up to date. */
static void watch_rates(struct run *run, int64_t duration)
{
    int64_t end = clock_after(clock_now(), duration), next = clock_now();
    bool is_steady = run->is_live || duration == CLOCK_NEVER;
    while (tap_goes_on(&run->tap) && clock_now() < end) {
        next += CLOCK_SECOND;
        int64_t until = is_steady && next < end ? next : end;
        dora_event *event;
        while (clock_now() < until && (event = tap_next(&run->tap, until))) {
            take(run, event);
            dora_event_free(event);
        }
        if (is_steady && tap_goes_on(&run->tap))
            print_all(run);
    }
    if (!is_steady || run->is_live)
        print_all(run);
}

static int measure(const struct options *options, const struct measure *how)
{
    int64_t window = 10 * CLOCK_SECOND, duration = CLOCK_NEVER;
    if (!ask_duration(options, "window", &window) || !ask_duration(options, "duration", &duration))
        return COMMAND_USAGE;
    struct run run = {.measure = how, .is_json = ask_wants_json(options)};
    run.is_live = !run.is_json && table_terminal_width(STDOUT_FILENO) > 0;
    bool is_open = tap_open(&run.tap, options, 0, QUEUE, how->is_prompt), ok = is_open;
    size_t count = json_array_size(run.tap.topics);
    ok = ok && (run.topics = calloc(count, sizeof *run.topics));
    for (; ok && run.count < count; run.count++)
        run.topics[run.count] = (struct topic){.name = json_string_value(json_array_get(run.tap.topics, run.count)),
                                               .meter = {.window = window}};
    if (ok)
        watch_rates(&run, duration);
    int status = !is_open ? run.tap.status : ok && !run.tap.is_faulty ? COMMAND_OK : COMMAND_FAILED;
    for (size_t i = 0; i < run.count; i++)
        meter_free(&run.topics[i].meter);
    free(run.topics);
    tap_close(&run.tap);
    return status;
}

/* ---- hz ---- */

static int64_t no_value(const dora_event *event, int64_t sent)
{
    (void)event, (void)sent;
    return 0;
}

static void summarize_hz(const struct meter *meter, double fields[FIELDS])
{
    struct meter_summary all = meter_intervals(meter);
    fields[0] = all.mean / 1e6;
    fields[1] = all.mean > 0 ? 1e9 / all.mean : 0;
    fields[2] = all.least / 1e6;
    fields[3] = all.most / 1e6;
    fields[4] = all.deviation / 1e6;
    fields[5] = (double)meter->count;
}

static const struct measure hz = {
    .json_keys = {"avg_ms", "avg_hz", "min_ms", "max_ms", "std_ms", "samples"},
    .columns = {{.title = "Topic", .least = 12},
                {.title = "Avg (ms)", .is_right = true},
                {.title = "Avg (Hz)", .is_right = true},
                {.title = "Min (ms)", .is_right = true, .is_dispensable = true},
                {.title = "Max (ms)", .is_right = true, .is_dispensable = true},
                {.title = "Std (ms)", .is_right = true, .is_dispensable = true},
                {.title = "Samples", .is_right = true, .is_dispensable = true}},
    .value = no_value,
    .summarize = summarize_hz,
};

static int run_hz(const struct options *options)
{
    return measure(options, &hz);
}

/* ---- bw ---- */

static int64_t size_value(const dora_event *event, int64_t sent)
{
    (void)sent;
    return (int64_t)dora_event_size(event);
}

static void summarize_bw(const struct meter *meter, double fields[FIELDS])
{
    struct meter_summary sizes = meter_values(meter), intervals = meter_intervals(meter);
    double a_second = intervals.mean > 0 ? 1e9 / intervals.mean : 0;
    fields[0] = sizes.mean * a_second / 1e6;
    fields[1] = a_second;
    fields[2] = sizes.mean;
    fields[3] = sizes.least;
    fields[4] = sizes.most;
    fields[5] = (double)meter->count;
}

static const struct measure bw = {
    .json_keys = {"mb_per_s", "avg_hz", "avg_bytes", "min_bytes", "max_bytes", "samples"},
    .columns = {{.title = "Topic", .least = 12},
                {.title = "MB/s", .is_right = true},
                {.title = "Avg (Hz)", .is_right = true},
                {.title = "Avg (B)", .is_right = true, .is_dispensable = true},
                {.title = "Min (B)", .is_right = true, .is_dispensable = true},
                {.title = "Max (B)", .is_right = true, .is_dispensable = true},
                {.title = "Samples", .is_right = true, .is_dispensable = true}},
    .value = size_value,
    .summarize = summarize_bw,
};

static int run_bw(const struct options *options)
{
    return measure(options, &bw);
}

/* ---- delay ---- */

static int64_t delay_value(const dora_event *event, int64_t sent)
{
    (void)event;
    return unix_now() - sent;
}

static void summarize_delay(const struct meter *meter, double fields[FIELDS])
{
    struct meter_summary delays = meter_values(meter), intervals = meter_intervals(meter);
    fields[0] = delays.mean / 1e6;
    fields[1] = intervals.mean > 0 ? 1e9 / intervals.mean : 0;
    fields[2] = delays.least / 1e6;
    fields[3] = delays.most / 1e6;
    fields[4] = delays.deviation / 1e6;
    fields[5] = (double)meter->count;
}

static const struct measure delay = {
    .json_keys = {"avg_ms", "avg_hz", "min_ms", "max_ms", "std_ms", "samples"},
    .columns = {{.title = "Topic", .least = 12},
                {.title = "Avg (ms)", .is_right = true},
                {.title = "Avg (Hz)", .is_right = true},
                {.title = "Min (ms)", .is_right = true, .is_dispensable = true},
                {.title = "Max (ms)", .is_right = true, .is_dispensable = true},
                {.title = "Std (ms)", .is_right = true, .is_dispensable = true},
                {.title = "Samples", .is_right = true, .is_dispensable = true}},
    .is_prompt = true,
    .value = delay_value,
    .summarize = summarize_delay,
};

static int run_delay(const struct options *options)
{
    return measure(options, &delay);
}

static const struct option_spec options[] = {
    ASK_DATAFLOW,
    ASK_FORMAT,
    {.name = "window", .value = "DURATION", .help = "Count the messages of the last so many seconds (10)"},
    {.name = "duration", .value = "DURATION", .help = "End after this time, such as 10s"},
    {0},
};

#define HOW_SHOWN                                                                                                      \
    "On a terminal, a table that is renewed every second; otherwise lines with tabs between the fields, every\n"       \
    "second, or with --duration once at the end. Without operands, all outputs.\n\n"

const struct command command_topic_hz = {
    .name = "topic hz",
    .operands = "[NODE/OUTPUT ...]",
    .max_operands = 1000,
    .summary = "Show how often nodes send",
    .details = HOW_SHOWN "The times are those when messages were sent.\n\n"
                         "With --format json, each line is an object:\n"
                         "  {\"topic\", \"avg_ms\", \"avg_hz\", \"min_ms\", \"max_ms\", \"std_ms\", \"samples\"}",
    .example = "dora topic hz camera/image\n"
               "dora topic hz -d vision --window 2 --duration 5",
    .options = options,
    .run = run_hz,
};

const struct command command_topic_bw = {
    .name = "topic bw",
    .operands = "[NODE/OUTPUT ...]",
    .max_operands = 1000,
    .summary = "Show how much data nodes send",
    .details =
        HOW_SHOWN "With --format json, each line is an object:\n"
                  "  {\"topic\", \"mb_per_s\", \"avg_hz\", \"avg_bytes\", \"min_bytes\", \"max_bytes\", \"samples\"}",
    .example = "dora topic bw camera/image",
    .options = options,
    .run = run_bw,
};

const struct command command_topic_delay = {
    .name = "topic delay",
    .operands = "[NODE/OUTPUT ...]",
    .max_operands = 1000,
    .summary = "Show how late messages arrive here",
    .details =
        HOW_SHOWN "The delay is the time from a message's sending to this command, which is one more receiver.\n\n"
                  "With --format json, each line is an object:\n"
                  "  {\"topic\", \"avg_ms\", \"avg_hz\", \"min_ms\", \"max_ms\", \"std_ms\", \"samples\"}",
    .example = "dora topic delay camera/image",
    .options = options,
    .run = run_delay,
};
