/* `dora param list|get|set|delete`: parameters of nodes. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"

enum { KEY_MOST = 256, VALUE_MOST = 64 << 10 };

static int run_list(const struct options *options)
{
    static const struct table_column columns[] = {{.title = "KEY", .least = 8}, {.title = "VALUE", .least = 8}};
    json_t *result = ask(options, "param.list", json_pack("{s:s}", "node", options->operands[0]), SESSION_PATIENCE);
    if (!result)
        return COMMAND_FAILED;
    bool is_json = ask_wants_json(options), ok = true;
    struct table table;
    table_init(&table, columns, 2);
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(result, "params"), key, value)
    {
        if (is_json) {
            ok = ok && ask_print_line(json_pack("{s:s, s:O}", "key", key, "value", value));
            continue;
        }
        autofree char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        table_add(&table, "%s", key);
        table_add(&table, "%s", text ? text : "");
    }
    if (!is_json)
        ok = table_print(&table) == 0;
    table_free(&table);
    json_decref(result);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

static int run_get(const struct options *options)
{
    json_t *params = json_pack("{s:s, s:s}", "node", options->operands[0], "key", options->operands[1]);
    json_t *result = ask(options, "param.get", params, SESSION_PATIENCE);
    if (!result)
        return COMMAND_FAILED;
    json_dumpf(json_object_get(result, "value"), stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    putchar('\n');
    json_decref(result);
    return COMMAND_OK;
}

static int run_set(const struct options *options)
{
    const char *key = options->operands[1], *text = options->operands[2];
    if (!*key || strlen(key) > KEY_MOST) {
        report_error("a parameter's key has 1 to %d bytes", KEY_MOST);
        return COMMAND_USAGE;
    }
    if (strlen(text) > VALUE_MOST) {
        report_error("the value is over %d KiB", VALUE_MOST >> 10);
        return COMMAND_USAGE;
    }
    json_error_t error;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &error);
    if (!value) {
        report_error("the value is not JSON: %s", error.text);
        report_hint("a text has quotes of its own: dora param set %s %s '\"text\"'", options->operands[0], key);
        return COMMAND_USAGE;
    }
    json_t *result =
        ask(options, "param.set",
            json_pack("{s:s, s:s, s:o}", "node", options->operands[0], "key", key, "value", value), SESSION_PATIENCE);
    json_decref(result);
    return result ? COMMAND_OK : COMMAND_FAILED;
}

static int run_delete(const struct options *options)
{
    json_t *params = json_pack("{s:s, s:s}", "node", options->operands[0], "key", options->operands[1]);
    json_t *result = ask(options, "param.delete", params, SESSION_PATIENCE);
    json_decref(result);
    return result ? COMMAND_OK : COMMAND_FAILED;
}

static const struct option_spec list_options[] = {ASK_DATAFLOW, ASK_FORMAT, {0}};
static const struct option_spec only_dataflow[] = {ASK_DATAFLOW, {0}};

const struct command command_param_list = {
    .name = "param list",
    .operands = "NODE",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "List a node's parameters",
    .details = "With --format json, each line is an object: {\"key\": …, \"value\": …}",
    .example = "dora param list detector",
    .options = list_options,
    .run = run_list,
};

const struct command command_param_get = {
    .name = "param get",
    .operands = "NODE KEY",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "Print a parameter, as JSON",
    .example = "dora param get detector threshold",
    .options = only_dataflow,
    .run = run_get,
};

const struct command command_param_set = {
    .name = "param set",
    .operands = "NODE KEY VALUE",
    .min_operands = 3,
    .max_operands = 3,
    .summary = "Set a parameter; a running node is told",
    .details = "The value is JSON. The coordinator keeps it: the node has it after a restart too.\n"
               "A negative number stands behind `--`, so that it is not taken for an option.",
    .example = "dora param set detector threshold 0.5\n"
               "dora param set detector classes '[\"cat\", \"dog\"]'\n"
               "dora param set detector offset -- -3",
    .options = only_dataflow,
    .run = run_set,
};

const struct command command_param_delete = {
    .name = "param delete",
    .operands = "NODE KEY",
    .min_operands = 2,
    .max_operands = 2,
    .summary = "Delete a parameter; a running node is told",
    .example = "dora param delete detector threshold",
    .options = only_dataflow,
    .run = run_delete,
};
