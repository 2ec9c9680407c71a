/* `dora clean`: forgets the dataflows that have ended. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/table.h"

static int print_table(const json_t *dataflows)
{
    static const struct table_column columns[] = {
        {.title = "UUID", .least = 14}, {.title = "Name", .least = 4}, {.title = "Status", .least = 8}};
    struct table table;
    table_init(&table, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < json_array_size(dataflows); i++) {
        const json_t *dataflow = json_array_get(dataflows, i);
        table_add(&table, "%s", json_text(dataflow, "uuid"));
        table_add(&table, "%s", json_text(dataflow, "name"));
        table_add(&table, "%s", json_text(dataflow, "status"));
    }
    int rc = table_print(&table);
    table_free(&table);
    return rc;
}

static void print_line(const json_t *dataflow, bool is_quiet)
{
    const json_t *name = json_object_get(dataflow, "name");
    json_t *line = is_quiet ? NULL
                            : json_pack("{s:s, s:O?, s:s}", "uuid", json_text(dataflow, "uuid"), "name",
                                        json_is_string(name) ? name : NULL, "status", json_text(dataflow, "status"));
    autofree char *text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    puts(text ? text : json_text(dataflow, "uuid"));
    json_decref(line);
}

static int run(const struct options *options)
{
    struct control_client *client = session_open(options);
    if (!client)
        return COMMAND_FAILED;
    json_t *result = session_call(client, "dataflow.clean", NULL, SESSION_PATIENCE);
    control_client_close(client);
    if (!result)
        return COMMAND_FAILED;
    const json_t *dataflows = json_object_get(result, "dataflows");
    const char *format = options_value(options, "format");
    bool is_quiet = options_has(options, "quiet"), is_json = format && strcmp(format, "json") == 0;
    int status = COMMAND_OK;
    if (is_quiet || is_json)
        for (size_t i = 0; i < json_array_size(dataflows); i++)
            print_line(json_array_get(dataflows, i), is_quiet);
    else if (print_table(dataflows) < 0)
        status = COMMAND_FAILED;
    json_decref(result);
    return status;
}

static const struct option_spec options[] = {
    {.name = "format", .letter = 'f', .value = "FORMAT", .choices = "table|json", .help = "How to print them"},
    {.name = "quiet", .letter = 'q', .help = "Print UUIDs only"},
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_clean = {
    .name = "clean",
    .summary = "Forget the dataflows that have ended",
    .details =
        "Prints those that are forgotten. Their log files stay. Programs that were carried to other machines for them\n"
        "(`deploy.distribute`) are removed there.\n\n"
        "With --format json, each line is an object:\n"
        "  {\"uuid\": …, \"name\": …|null, \"status\": \"finished\"|\"failed\"}\n\n"
        "Exits with 0, or 1 when they could not be taken from the state.",
    .options = options,
    .run = run,
};
