/* `dora list`: the dataflows that the coordinator knows. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"

static bool is_wanted(const json_t *dataflow, const struct options *options)
{
    const char *status = options_value(options, "status"), *name = options_value(options, "name");
    const char *is = json_text(dataflow, "status");
    bool has_ended = strcmp(is, "finished") == 0 || strcmp(is, "failed") == 0;
    if (status && (strcmp(status, "running") == 0 ? has_ended : strcmp(status, is) != 0))
        return false;
    return !name || strcasestr(json_text(dataflow, "name"), name);
}

/* Most first; equals stay as they are. */
static void sort_by(json_t **dataflows, size_t count, const char *key)
{
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && json_number(dataflows[k], key) > json_number(dataflows[k - 1], key); k--) {
            json_t *other = dataflows[k];
            dataflows[k] = dataflows[k - 1];
            dataflows[k - 1] = other;
        }
}

/* The machines that its nodes are on, each once. */
static json_t *machines_of(const json_t *dataflow)
{
    json_t *machines = json_array(), *node, *other;
    size_t i, k;
    json_array_foreach(json_object_get(dataflow, "nodes"), i, node)
    {
        const char *machine = json_text(node, "machine");
        bool is_known = !*machine;
        json_array_foreach(machines, k, other) is_known |= strcmp(json_string_value(other), machine) == 0;
        if (!is_known)
            json_array_append_new(machines, json_string(machine));
    }
    return machines;
}

/* Whether it is worth saying. */
static bool are_on_several(json_t *const *dataflows, size_t count)
{
    autobuf struct buf first = {0};
    bool are_several = false;
    for (size_t i = 0; i < count; i++) {
        json_t *machines = machines_of(dataflows[i]);
        const char *machine = json_string_value(json_array_get(machines, 0));
        are_several |= json_array_size(machines) > 1 || (machine && first.len && strcmp(first.data, machine) != 0);
        if (machine && !first.len)
            buf_puts(&first, machine);
        json_decref(machines);
    }
    return are_several;
}

static void add_machines(struct table *table, const json_t *dataflow)
{
    autobuf struct buf text = {0};
    json_t *machines = machines_of(dataflow), *machine;
    size_t i;
    json_array_foreach(machines, i, machine) buf_printf(&text, "%s%s", i ? ", " : "", json_string_value(machine));
    table_add(table, "%s", text.data ? text.data : "");
    json_decref(machines);
}

static void print_json(json_t *const *dataflows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *dataflow = dataflows[i], *name = json_object_get(dataflow, "name");
        json_t *line = json_pack("{s:s, s:O?, s:s, s:I, s:f, s:f}", "uuid", json_text(dataflow, "uuid"), "name",
                                 json_is_string(name) ? name : NULL, "status", json_text(dataflow, "status"), "nodes",
                                 (json_int_t)json_number(dataflow, "node_count"), "cpu", json_number(dataflow, "cpu"),
                                 "memory", json_number(dataflow, "memory") / 1e9);
        if (line && json_array_size(json_object_get(dataflow, "nodes")) > 0)
            json_object_set_new(line, "machines", machines_of(dataflow));
        autofree char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
        if (text)
            puts(text);
        json_decref(line);
    }
}

static int print_table(json_t *const *dataflows, size_t count)
{
    static const struct table_column columns[] = {
        {.title = "UUID", .least = 14},
        {.title = "Name", .least = 4},
        {.title = "Status", .least = 8},
        {.title = "Nodes", .is_right = true},
        {.title = "CPU", .is_right = true, .is_dispensable = true},
        {.title = "Memory", .is_right = true, .is_dispensable = true},
        {.title = "Machines", .is_dispensable = true, .is_optional = true},
    };
    struct table table;
    bool with_machines = are_on_several(dataflows, count);
    table_init(&table, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < count; i++) {
        const json_t *dataflow = dataflows[i];
        bool is_alive = json_object_get(dataflow, "memory") && json_number(dataflow, "memory") > 0;
        char memory[ASK_BYTES_MOST];
        table_add(&table, "%s", json_text(dataflow, "uuid"));
        table_add(&table, "%s", json_text(dataflow, "name"));
        table_add(&table, "%s", json_text(dataflow, "status"));
        table_add(&table, "%.0f", json_number(dataflow, "node_count"));
        table_add(&table, is_alive ? "%.1f%%" : "-", json_number(dataflow, "cpu"));
        table_add(&table, "%s", is_alive ? ask_bytes(memory, json_number(dataflow, "memory")) : "-");
        if (with_machines)
            add_machines(&table, dataflow);
        else
            table_add(&table, "%s", "");
    }
    int rc = table_print(&table);
    table_free(&table);
    return rc;
}

static int print(const json_t *result, const struct options *options)
{
    const json_t *list = json_object_get(result, "dataflows");
    autofree json_t **dataflows = calloc(json_array_size(list) + 1, sizeof *dataflows);
    if (!dataflows) {
        report_error("out of memory");
        return COMMAND_FAILED;
    }
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        if (is_wanted(json_array_get(list, i), options))
            dataflows[count++] = json_array_get(list, i);
    const char *key = options_value(options, "sort-by"), *format = options_value(options, "format");
    if (key)
        sort_by(dataflows, count, key);
    if (options_has(options, "quiet"))
        for (size_t i = 0; i < count; i++)
            puts(json_text(dataflows[i], "uuid"));
    else if (format && strcmp(format, "json") == 0)
        print_json(dataflows, count);
    else if (print_table(dataflows, count) < 0)
        return COMMAND_FAILED;
    return COMMAND_OK;
}

static int run(const struct options *options)
{
    struct control_client *client = session_open(options);
    if (!client)
        return COMMAND_FAILED;
    /* What nothing is shown of need not be measured. */
    bool usage = !options_has(options, "quiet") || options_has(options, "sort-by");
    json_t *result = session_call(client, "dataflow.list", json_pack("{s:b}", "usage", usage), SESSION_PATIENCE);
    int status = result ? print(result, options) : COMMAND_FAILED;
    json_decref(result);
    control_client_close(client);
    return status;
}

static const struct option_spec options[] = {
    {.name = "format", .letter = 'f', .value = "FORMAT", .choices = "table|json", .help = "How to print them"},
    {.name = "status",
     .value = "STATUS",
     .choices = "running|finished|failed",
     .help = "Only those; running includes those that start or stop"},
    {.name = "name", .value = "TEXT", .help = "Only those whose name has this in it, in upper or lower case"},
    {.name = "sort-by", .value = "KEY", .choices = "cpu|memory", .help = "Those that use most of it first"},
    {.name = "quiet", .letter = 'q', .help = "Print UUIDs only"},
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_list = {
    .name = "list",
    .alias = "ps",
    .summary = "List dataflows, the newest first",
    .details =
        "Shows the dataflows that run and those that have ended, until `dora clean` forgets them. CPU is in percent "
        "of\none core; it and memory are summed over the nodes. On a narrow terminal UUIDs are cut: their "
        "beginning is\nenough for other commands, as long as it fits one dataflow only.\n\n"
        "With --format json, each line is an object:\n"
        "  {\"uuid\": …, \"name\": …|null, \"status\": \"starting\"|\"running\"|\"stopping\"|\"finished\"|\"failed\",\n"
        "   \"nodes\": N, \"cpu\": PERCENT, \"memory\": GB, \"machines\": [NAME, …] (while it runs)}\n\n"
        "Exits with 0, or 1 when there is no coordinator to ask.",
    .example = "dora list --status running\n"
               "dora list -q | head -n 1 | xargs dora logs",
    .options = options,
    .run = run,
};
