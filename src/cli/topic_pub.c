/* `dora topic pub`: sends messages as if a node's output did. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/arrow_make.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/remote.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/tap.h"
#include "params/from_json.h"

/* What is to be sent: bytes, or the elements of a value; and what goes beside it. */
struct content {
    struct buf bytes;
    json_t *value;
    dora_params *params; /* NULL: none */
};

static bool read_file(const char *path, struct buf *bytes)
{
    bool is_stdin = strcmp(path, "-") == 0;
    autofile FILE *file = is_stdin ? NULL : fopen(path, "re");
    FILE *source = is_stdin ? stdin : file;
    char *room;
    size_t len = 0;
    while (source && (room = buf_reserve(bytes, 1 << 16)) && (len = fread(room, 1, 1 << 16, source)) > 0)
        bytes->len += len;
    if (source && !ferror(source) && !bytes->failed)
        return true;
    report_error("can't read %s: %s", path, bytes->failed ? "out of memory" : strerror(errno));
    return false;
}

/* DATA: JSON; several values in a row, or separated by commas, are a list. */
static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
    if (value)
        return value;
    autofree char *list = NULL;
    json_t *values = asprintf(&list, "[%s]", text) > 0 ? json_loads(list, 0, NULL) : NULL;
    if (values)
        return values;
    report_error("the data is not JSON: %s", error.text);
    report_hint("a text has quotes of its own: '\"text\"'; --file sends a file's bytes");
    return NULL;
}

static bool read_metadata(const struct options *options, struct content *content)
{
    const char *text = options_value(options, "metadata");
    if (!text)
        return true;
    struct error error = ERROR_INIT;
    json_error_t json_error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &json_error);
    bool ok = json_is_object(object);
    if (!ok) {
        report_error("`--metadata` is no JSON object%s%s", object ? "" : ": ", object ? "" : json_error.text);
        report_hint("such as --metadata '{\"request_id\": \"1\", \"speed\": 2.5}'");
    } else if (params_from_json(object, &content->params, &error) < 0) {
        report_error("`--metadata`: %s", error.message);
        ok = false;
    }
    json_decref(object);
    return ok;
}

/* A file that is called JSON holds a value as DATA does; of any other the bytes are sent. */
static bool read_data_file(const char *path, struct content *content)
{
    const char *dot = strrchr(path, '.');
    if (!read_file(path, &content->bytes) || !dot || strcmp(dot, ".json") != 0)
        return !content->bytes.failed;
    if (content->bytes.data)
        content->bytes.data[content->bytes.len] = '\0'; /* buf_reserve has kept a byte for it */
    content->value = parse(content->bytes.data ? content->bytes.data : "");
    return content->value != NULL;
}

static bool read_content(const struct options *options, struct content *content)
{
    const char *file = options_value(options, "file");
    const char *data = options->operand_count > 1 ? options->operands[1] : NULL;
    if (!file == !data) {
        report_error(file ? "DATA and --file exclude each other" : "there is nothing to send");
        report_hint("give DATA as JSON, or --file PATH");
        return false;
    }
    if (!read_metadata(options, content) ||
        !(file ? read_data_file(file, content) : (content->value = parse(data)) != NULL))
        return false;
    struct ArrowArray array;
    struct ArrowSchema schema;
    struct error error = ERROR_INIT;
    if (!content->value)
        return true;
    if (arrow_make(content->value, &array, &schema, &error) < 0) {
        report_error("the data can't be sent: %s", error.message);
        return false;
    }
    array.release(&array);
    schema.release(&schema);
    return true;
}

static int send_once(dora_node *node, const char *topic, const struct content *content)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    if (!content->value)
        return dora_send(node, topic, content->bytes.data, content->bytes.len, content->params);
    int rc = arrow_make(content->value, &array, &schema, NULL);
    return rc < 0 ? rc : dora_send_arrow(node, topic, &array, &schema, content->params);
}

static bool send_all(dora_node *node, const char *topic, const struct content *content, int64_t count, int64_t pause)
{
    int64_t next = clock_now();
    for (int64_t i = 0; i < count && !interrupt_seen(); i++) {
        if (i) {
            next = clock_after(next, pause);
            /* Events (a stop) are looked for on the way. */
            dora_event *event;
            int rc = dora_next(node, &event, 0);
            if (rc == -ENODATA)
                break;
            if (rc == 0)
                dora_event_free(event);
            interrupt_sleep(next);
        }
        int rc = send_once(node, topic, content);
        if (rc == -ECANCELED)
            break;
        if (rc < 0) {
            report_error("can't send on %s: %s", topic, dora_node_error(node));
            return false;
        }
    }
    return true;
}

/* What is in a file here can go there as DATA only. */
static int publish_there(struct control_client *client, const struct options *options, const struct content *content,
                         const char *machine, const json_t *dataflow)
{
    autofree char *data = content->value ? json_dumps(content->value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (!content->value) {
        report_error("a file's bytes can be sent only where the node runs, on machine `%s`", machine);
        report_hint("run the command there, or give DATA, or a file *.json with a value");
        return COMMAND_FAILED;
    }
    json_t *words = remote_words(options);
    if (dataflow)
        remote_add(words, "--dataflow=%s", json_string_value(dataflow));
    remote_add(words, "--");
    remote_add(words, "%s", options->operands[0]);
    remote_add(words, "%s", data ? data : "");
    return remote_run(client, machine, words);
}

static int publish(const struct options *options, const struct content *content, int64_t count, int64_t pause)
{
    const char *topic = options->operands[0];
    autofree char *machine = NULL;
    int status = COMMAND_FAILED;
    struct control_client *client = session_open(options);
    json_t *params = json_pack("{s:s}", "topic", topic);
    dora_node *node = NULL;
    if (client && params && session_choose(client, options, -1, "dataflow", params))
        node = tap_join(client, "topic.publish", json_incref(params), &machine);
    if (machine)
        status = publish_there(client, options, content, machine, json_object_get(params, "dataflow"));
    json_decref(params);
    control_client_close(client);
    if (!node)
        return status;
    interrupt_catch();
    bool ok = send_all(node, topic, content, count, pause);
    dora_node_close(node);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

static int run(const struct options *options)
{
    int64_t count = 1, pause = CLOCK_SECOND;
    const char *rate = options_value(options, "rate");
    if (!ask_number(options, "count", 0, &count))
        return COMMAND_USAGE;
    if (count == 0)
        count = INT64_MAX;
    if (rate) {
        char *end;
        double hz = strtod(rate, &end);
        if (end == rate || *end || !(hz > 0 && hz <= 1e6)) {
            report_error("`--rate`: `%s` is no number of messages a second", rate);
            return COMMAND_USAGE;
        }
        pause = (int64_t)((double)CLOCK_SECOND / hz);
    }
    struct content content = {0};
    int status = COMMAND_USAGE;
    if (read_content(options, &content))
        status = publish(options, &content, count, pause);
    buf_free(&content.bytes);
    json_decref(content.value);
    dora_params_free(content.params);
    return status;
}

static const struct option_spec options[] = {
    ASK_DATAFLOW,
    {.name = "file",
     .value = "PATH",
     .help = "Send the bytes of this file, - for standard input; of one named *.json the value"},
    {.name = "metadata",
     .value = "JSON",
     .help = "Send these parameters beside the data: an object, as `dora topic echo` prints it"},
    {.name = "count", .value = "N", .help = "Send it so often (1); 0: until Ctrl-C"},
    {.name = "rate", .value = "HZ", .help = "How often a second, with --count (1)"},
    {0},
};

const struct command command_topic_pub = {
    .name = "topic pub",
    .operands = "NODE/OUTPUT [DATA]",
    .min_operands = 1,
    .max_operands = 2,
    .summary = "Send a message as if a node had sent it",
    .details =
        "The receivers of the output get it besides what the node itself sends.\n\n"
        "DATA is JSON: a list, or values with commas between them, all of a kind. It becomes an Arrow array of\n"
        "int64, float64, utf8 or bool; of lists (list), or of objects (struct, with all their keys). A negative\n"
        "number stands behind `--`.",
    .example =
        "dora topic pub keyboard/key '\"q\"'\n"
        "dora topic pub planner/goal '[1.5, 2, 0]' --count 10 --rate 5\n"
        "dora topic pub planner/goal '{\"x\": 1.5, \"path\": [[0, 0], [1, 2]]}' --metadata '{\"goal_id\": \"7\"}'\n"
        "dora topic pub camera/image --file picture.raw",
    .options = options,
    .run = run,
};
