/* `dora node info`: all that is known of one node. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/session.h"
#include "cli/table.h"

static void print_inputs(const json_t *inputs)
{
    static const struct table_column columns[] = {
        {.title = "INPUT", .least = 8},          {.title = "FROM", .least = 8},
        {.title = "RECEIVED", .is_right = true}, {.title = "BYTES", .is_right = true},
        {.title = "DROPPED", .is_right = true},  {.title = "QUEUED", .is_right = true},
    };
    struct table table;
    table_init(&table, columns, sizeof columns / sizeof *columns);
    json_t *input;
    size_t i;
    json_array_foreach(inputs, i, input)
    {
        char bytes[ASK_BYTES_MOST];
        table_add(&table, "%s", json_text(input, "id"));
        table_add(&table, "%s", json_text(input, "source"));
        table_add(&table, "%lld", (long long)json_integer_value(json_object_get(input, "received")));
        table_add(&table, "%s", ask_bytes(bytes, json_number(input, "bytes")));
        table_add(&table, "%lld", (long long)json_integer_value(json_object_get(input, "dropped")));
        table_add(&table, "%lld", (long long)json_integer_value(json_object_get(input, "queued")));
    }
    if (json_array_size(inputs)) {
        putchar('\n');
        table_print(&table);
    }
    table_free(&table);
}

static void print_outputs(const json_t *outputs)
{
    static const struct table_column columns[] = {
        {.title = "OUTPUT", .least = 8},
        {.title = "SENT", .is_right = true},
        {.title = "BYTES", .is_right = true},
        {.title = "SUBSCRIBERS", .is_right = true},
    };
    struct table table;
    table_init(&table, columns, sizeof columns / sizeof *columns);
    json_t *output;
    size_t i;
    json_array_foreach(outputs, i, output)
    {
        char bytes[ASK_BYTES_MOST];
        table_add(&table, "%s", json_text(output, "id"));
        table_add(&table, "%lld", (long long)json_integer_value(json_object_get(output, "sent")));
        table_add(&table, "%s", ask_bytes(bytes, json_number(output, "bytes")));
        table_add(&table, "%lld", (long long)json_integer_value(json_object_get(output, "subscribers")));
    }
    if (json_array_size(outputs)) {
        putchar('\n');
        table_print(&table);
    }
    table_free(&table);
}

static void print_field(const json_t *node, const char *title, const char *key)
{
    const json_t *value = json_object_get(node, key);
    if (json_is_string(value))
        printf("%-10s %s\n", title, json_string_value(value));
    else if (json_is_integer(value))
        printf("%-10s %lld\n", title, (long long)json_integer_value(value));
}

static void print_node(const json_t *node)
{
    char memory[ASK_BYTES_MOST];
    print_field(node, "Node:", "id");
    print_field(node, "Kind:", "kind");
    print_field(node, "Status:", "status");
    print_field(node, "Machine:", "machine");
    print_field(node, "Path:", "path");
    print_field(node, "PID:", "pid");
    print_field(node, "Restarts:", "restarts");
    print_field(node, "Message:", "message");
    printf("%-10s %.1f%%\n", "CPU:", json_number(node, "cpu"));
    if (strcmp(json_text(node, "kind"), "operator") != 0) /* its memory is in its host's */
        printf("%-10s %s\n", "Memory:", ask_bytes(memory, json_number(node, "memory")));
    print_inputs(json_object_get(node, "inputs"));
    print_outputs(json_object_get(node, "outputs"));
}

static int run(const struct options *options)
{
    json_t *result = ask(options, "node.info", json_pack("{s:s}", "node", options->operands[0]), SESSION_PATIENCE);
    if (!result)
        return COMMAND_FAILED;
    const json_t *node = json_array_get(json_object_get(result, "nodes"), 0);
    if (ask_wants_json(options)) {
        json_dumpf(node, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_node(node);
    }
    json_decref(result);
    return COMMAND_OK;
}

static const struct option_spec options[] = {ASK_DATAFLOW, ASK_FORMAT, {0}};

const struct command command_node_info = {
    .name = "node info",
    .operands = "NODE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Show all that is known of a node",
    .details =
        "With --format json, one object:\n"
        "  {\"id\", \"kind\", \"status\", \"pid\", \"restarts\", \"message\", \"stderr\", \"cpu\": percent,\n"
        "   \"memory\": bytes, \"path\", \"generation\", \"inputs\": [{\"id\", \"source\", \"received\",\n"
        "   \"dropped\", \"queued\", \"bytes\"}], \"outputs\": [{\"id\", \"sent\", \"bytes\", \"subscribers\"}]}",
    .example = "dora node info camera",
    .options = options,
    .run = run,
};
