/* `dora topic echo`: what is sent, as it is sent. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "cli/arrow_json.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/params_json.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/tap.h"
#include "daemon/json_text.h"

enum { QUEUE = 1000, LINE_LEAST = 80, LINE_PLAIN = 400 };

/* Bytes that are meant to be read: as the nodes of dora's C, C++ and Python interfaces send text. */
static bool is_text(const dora_event *event, const struct ArrowArray *array, const char **text, size_t *len)
{
    *text = dora_event_data(event, len);
    return strcmp(dora_event_format(event), "C") == 0 && array->null_count == 0 && array->offset == 0 && *len &&
           json_text_is_plain(*text, *len);
}

static bool put_text(struct buf *out, const dora_event *event, const struct ArrowArray *array, size_t most)
{
    const char *text;
    size_t len;
    if (!is_text(event, array, &text, &len))
        return false;
    arrow_json_text(out, text, len, most);
    return true;
}

static void put_json_data(struct buf *out, const dora_event *event)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    if (dora_event_arrow(event, &array, &schema) < 0)
        return buf_puts(out, "\"type\":null,\"data\":null");
    autobuf struct buf type = {0};
    arrow_json_type(&type, &schema);
    buf_puts(out, "\"type\":");
    arrow_json_text(out, type.data ? type.data : "", type.len, SIZE_MAX);
    buf_puts(out, ",\"data\":");
    arrow_json(out, &array, &schema, SIZE_MAX);
    size_t len = out->len;
    buf_puts(out, ",\"text\":");
    if (!put_text(out, event, &array, SIZE_MAX))
        out->len = len;
    array.release(&array);
    schema.release(&schema);
}

static void put_json(struct buf *out, const dora_event *event)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    buf_printf(out, "{\"timestamp\":%" PRId64 ",\"name\":", (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    arrow_json_text(out, dora_event_id(event), strlen(dora_event_id(event)), SIZE_MAX);
    buf_putc(out, ',');
    put_json_data(out, event);
    buf_puts(out, ",\"metadata\":");
    params_json_put(out, dora_event_params(event));
    buf_puts(out, "}\n");
}

static void put_line_data(struct buf *out, const dora_event *event, size_t most)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    if (dora_event_arrow(event, &array, &schema) < 0)
        return buf_puts(out, "null");
    if (!put_text(out, event, &array, most))
        arrow_json(out, &array, &schema, most);
    array.release(&array);
    schema.release(&schema);
}

static void put_line(struct buf *out, const dora_event *event, size_t width)
{
    autobuf struct buf params = {0};
    if (dora_params_count(dora_event_params(event)))
        params_json_put(&params, dora_event_params(event));
    buf_printf(out, "%s\t data=", dora_event_id(event));
    size_t taken = out->len + params.len + 16;
    put_line_data(out, event, width > taken + LINE_LEAST / 2 ? width - taken : LINE_LEAST / 2);
    buf_printf(out, " metadata=%s\n", params.len ? params.data : "{}");
}

static int run(const struct options *options)
{
    int64_t count = INT64_MAX, duration = CLOCK_NEVER;
    if (!ask_number(options, "count", 1, &count) || !ask_duration(options, "duration", &duration))
        return COMMAND_USAGE;
    struct tap tap;
    bool ok = tap_open(&tap, options, 0, QUEUE, false), is_json = ask_wants_json(options);
    size_t width = table_terminal_width(STDOUT_FILENO);
    if (!width)
        width = LINE_PLAIN;
    int64_t deadline = clock_after(clock_now(), duration);
    autobuf struct buf line = {0};
    dora_event *event;
    while (ok && count > 0 && (event = tap_next(&tap, deadline))) {
        buf_clear(&line);
        if (is_json)
            put_json(&line, event);
        else
            put_line(&line, event, width);
        dora_event_free(event);
        if (line.failed)
            report_error("a message is too large to print");
        else if (fwrite(line.data, 1, line.len, stdout) < line.len)
            break; /* told by main */
        count--;
    }
    int status = !ok ? tap.status : tap.is_faulty ? COMMAND_FAILED : COMMAND_OK;
    tap_close(&tap);
    return status;
}

static const struct option_spec options[] = {
    ASK_DATAFLOW,
    ASK_FORMAT,
    {.name = "count", .value = "N", .help = "End after so many messages"},
    {.name = "duration", .value = "DURATION", .help = "End after this time, such as 10s"},
    {0},
};

const struct command command_topic_echo = {
    .name = "topic echo",
    .operands = "[NODE/OUTPUT ...]",
    .max_operands = 1000,
    .summary = "Print what nodes send",
    .details =
        "Prints the messages of these outputs, or of all, until the dataflow ends, or Ctrl-C. A line shows\n"
        "the beginning of long data, and bytes that are text as text; the JSON has all of it.\n\n"
        "With --format json, each line is an object:\n"
        "  {\"timestamp\": ms since 1970 when it came, \"name\": \"node/output\", \"type\": \"uint8\" or another\n"
        "   or null, \"data\": [row, ...] or null, \"text\": \"...\", \"metadata\": {parameter: value, ...}}\n"
        "Arrow data is written as JSON numbers, texts, lists and objects; bytes of binary types in hexadecimal,\n"
        "dates and times in ISO 8601. The text is there where the data are bytes (uint8) that are UTF-8 without\n"
        "control characters other than tab and line breaks; the data are numbers then as well.",
    .example = "dora topic echo camera/image\n"
               "dora topic echo -d vision --count 1 --format json detector/boxes",
    .options = options,
    .run = run,
};
