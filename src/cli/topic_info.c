/* `dora topic info`: an output, its receivers, and what it sends within a few seconds. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/arrow_json.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/meter.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/tap.h"

enum { QUEUE = 10000 };

struct seen {
    struct meter meter;
    struct buf type; /* of the data, once there was some */
};

static void take(struct seen *seen, const dora_event *event)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    int64_t sent = clock_ntp64_to_ns(dora_event_timestamp(event));
    meter_add(&seen->meter, (struct meter_sample){sent, (int64_t)dora_event_size(event)});
    if (seen->type.len || dora_event_arrow(event, &array, &schema) < 0)
        return;
    arrow_json_type(&seen->type, &schema);
    array.release(&array);
    schema.release(&schema);
}

/* The topic among those of topic.list, NULL: reported. */
static json_t *find(const json_t *topics, const char *name)
{
    json_t *topic;
    size_t i;
    json_array_foreach(topics, i, topic) if (strcmp(json_text(topic, "name"), name) == 0) return topic;
    report_error("there is no topic `%s`", name);
    report_hint("`dora topic list` shows those there are");
    return NULL;
}

static void print_json(const json_t *topic, const struct seen *seen)
{
    struct meter_summary sizes = meter_values(&seen->meter), times = meter_intervals(&seen->meter);
    double hz = times.mean > 0 ? 1e9 / times.mean : 0;
    ask_print_line(json_pack(
        "{s:O?, s:O?, s:s?, s:O?, s:O?, s:{s:I, s:f, s:f, s:f}}", "topic", json_object_get(topic, "name"),
        "declared_type", json_object_get(topic, "type"), "type", seen->type.data, "publisher",
        json_object_get(topic, "node"), "subscribers", json_object_get(topic, "subscribers"), "statistics", "messages",
        (json_int_t)seen->meter.count, "avg_hz", hz, "avg_bytes", sizes.mean, "bytes_per_s", sizes.mean * hz));
}

static void print_text(const json_t *topic, const struct seen *seen, int64_t duration)
{
    struct meter_summary sizes = meter_values(&seen->meter), times = meter_intervals(&seen->meter);
    double hz = times.mean > 0 ? 1e9 / times.mean : 0;
    char size[ASK_BYTES_MOST], rate[ASK_BYTES_MOST];
    const char *declared = json_text(topic, "type");
    printf("Topic: %s\n", json_text(topic, "name"));
    printf("Type: %s%s%s%s\n",
           seen->type.len ? seen->type.data
           : *declared    ? declared
                          : "unknown, no data came",
           *declared && seen->type.len ? " (declared: " : "", *declared && seen->type.len ? declared : "",
           *declared && seen->type.len ? ")" : "");
    printf("Publisher: %s\n", json_text(topic, "node"));
    puts("Subscribers:");
    json_t *subscriber;
    size_t i;
    json_array_foreach(json_object_get(topic, "subscribers"), i, subscriber)
        printf("  %s\n", json_string_value(subscriber));
    printf("Statistics (%.1f s):\n", (double)duration / (double)CLOCK_SECOND);
    printf("  Messages: %zu\n", seen->meter.count);
    if (!seen->meter.count)
        return;
    printf("  Rate: %.2f Hz\n", hz);
    printf("  Size: %s on average, %.0f to %.0f B\n", ask_bytes(size, sizes.mean), sizes.least, sizes.most);
    printf("  Bandwidth: %s/s\n", ask_bytes(rate, sizes.mean * hz));
}

static int inspect(const struct options *options, const json_t *topic, int64_t duration)
{
    struct seen seen = {.meter = {.window = INT64_MAX}};
    struct tap tap;
    bool ok = tap_open(&tap, options, 0, QUEUE, false);
    int64_t end = clock_after(clock_now(), duration);
    dora_event *event;
    while (ok && (event = tap_next(&tap, end))) {
        take(&seen, event);
        dora_event_free(event);
    }
    int status = !ok ? tap.status : tap.is_faulty ? COMMAND_FAILED : COMMAND_OK;
    ok = ok && !tap.is_faulty;
    tap_close(&tap);
    if (ok && ask_wants_json(options))
        print_json(topic, &seen);
    else if (ok)
        print_text(topic, &seen, duration);
    meter_free(&seen.meter);
    buf_free(&seen.type);
    return status;
}

static int run(const struct options *options)
{
    int64_t duration = 5 * CLOCK_SECOND;
    if (!ask_duration(options, "duration", &duration))
        return COMMAND_USAGE;
    json_t *result = ask(options, "topic.list", NULL, SESSION_PATIENCE);
    if (!result)
        return COMMAND_FAILED;
    const json_t *topic = find(json_object_get(result, "topics"), options->operands[0]);
    int status = topic ? inspect(options, topic, duration) : COMMAND_FAILED;
    json_decref(result);
    return status;
}

static const struct option_spec options[] = {
    ASK_DATAFLOW,
    ASK_FORMAT,
    {.name = "duration", .value = "DURATION", .help = "How long to look at what it sends (5)"},
    {0},
};

const struct command command_topic_info = {
    .name = "topic info",
    .operands = "NODE/OUTPUT",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Show an output: its type, who receives it, what it sends",
    .details = "With --format json, one object:\n"
               "  {\"topic\", \"declared_type\", \"type\": \"list<float32>\", \"publisher\", \"subscribers\": [...],\n"
               "   \"statistics\": {\"messages\", \"avg_hz\", \"avg_bytes\", \"bytes_per_s\"}}",
    .example = "dora topic info camera/image --duration 2",
    .options = options,
    .run = run,
};
