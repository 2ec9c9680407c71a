/* `dora node list`: the nodes of one or all running dataflows. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"

struct listing {
    bool is_quiet, is_json, is_one;
    struct table table;
};

static const struct table_column columns[] = {
    {.title = "NODE", .least = 16},
    {.title = "STATUS"},
    {.title = "PID", .is_right = true, .is_dispensable = true},
    {.title = "CPU", .is_right = true},
    {.title = "MEMORY", .is_right = true},
    {.title = "RESTARTS", .is_right = true, .is_dispensable = true},
    {.title = "MACHINE", .least = 7, .is_dispensable = true, .is_optional = true},
    {.title = "DATAFLOW", .least = 8, .is_dispensable = true},
};
enum { COLUMNS = sizeof columns / sizeof *columns };

static bool add_node(struct listing *listing, const json_t *node, const char *dataflow)
{
    char pid[24] = "-", cpu[24], memory[ASK_BYTES_MOST] = "-", restarts[24];
    const bool shares = strcmp(json_text(node, "kind"), "operator") == 0; /* its memory is in its host's */
    if (json_integer_value(json_object_get(node, "pid")) > 0)
        snprintf(pid, sizeof pid, "%lld", (long long)json_integer_value(json_object_get(node, "pid")));
    snprintf(cpu, sizeof cpu, "%.1f%%", json_number(node, "cpu"));
    if (!shares)
        ask_bytes(memory, json_number(node, "memory"));
    snprintf(restarts, sizeof restarts, "%lld", (long long)json_integer_value(json_object_get(node, "restarts")));
    const char *id = json_text(node, "id"), *status = json_text(node, "status");
    if (listing->is_quiet) {
        puts(id);
        return true;
    }
    if (listing->is_json) {
        json_t *line = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "node", id, "status", status, "pid", pid, "cpu", cpu,
                                 "memory", memory, "restarts", restarts);
        if (line && !listing->is_one)
            json_object_set_new(line, "dataflow", json_string(dataflow));
        if (line && json_object_get(node, "machine"))
            json_object_set(line, "machine", json_object_get(node, "machine"));
        return ask_print_line(line);
    }
    const char *cells[] = {id, status, pid, cpu, memory, restarts, json_text(node, "machine"), dataflow};
    for (size_t i = 0; i < listing->table.column_count; i++)
        table_add(&listing->table, "%s", cells[i]);
    return true;
}

static bool list_dataflow(struct listing *listing, struct control_client *client, json_t *params, const char *name)
{
    json_t *result = session_call(client, "node.list", params, SESSION_PATIENCE);
    bool ok = result != NULL;
    json_t *node;
    size_t i;
    json_array_foreach(json_object_get(result, "nodes"), i, node) ok = ok && add_node(listing, node, name);
    json_decref(result);
    return ok;
}

static bool list_all(struct listing *listing, struct control_client *client)
{
    json_t *result = session_call(client, "dataflow.list", json_pack("{s:s, s:b}", "status", "running", "usage", 0),
                                  SESSION_PATIENCE);
    bool ok = result != NULL;
    json_t *dataflow;
    size_t i;
    json_array_foreach(json_object_get(result, "dataflows"), i, dataflow) ok =
        ok && list_dataflow(listing, client, json_pack("{s:s}", "dataflow", json_text(dataflow, "uuid")),
                            session_name_of(dataflow));
    json_decref(result);
    return ok;
}

static int run(const struct options *options)
{
    const char *dataflow = options_value(options, "dataflow");
    struct listing listing = {
        .is_quiet = options_has(options, "quiet"), .is_json = ask_wants_json(options), .is_one = dataflow != NULL};
    table_init(&listing.table, columns, dataflow ? COLUMNS - 1 : COLUMNS);
    struct control_client *client = session_open(options);
    bool ok = client && (dataflow ? list_dataflow(&listing, client, json_pack("{s:s}", "dataflow", dataflow), dataflow)
                                  : list_all(&listing, client));
    if (ok && !listing.is_quiet && !listing.is_json)
        ok = table_print(&listing.table) == 0;
    table_free(&listing.table);
    control_client_close(client);
    return ok ? COMMAND_OK : COMMAND_FAILED;
}

static const struct option_spec options[] = {
    ASK_DATAFLOW,
    ASK_FORMAT,
    {.name = "quiet", .letter = 'q', .help = "Print the nodes' ids alone"},
    {0},
};

const struct command command_node_list = {
    .name = "node list",
    .summary = "List nodes",
    .details = "The nodes of all running dataflows, or of one.\n\n"
               "With --format json, each line is an object of texts:\n"
               "  {\"node\", \"status\", \"pid\", \"cpu\": \"12.3%\", \"memory\": \"34.0 MB\", \"restarts\",\n"
               "   \"dataflow\" (without --dataflow), \"machine\" (where there are several)}",
    .example = "dora node list\n"
               "dora node list -d vision --format json",
    .options = options,
    .run = run,
};
