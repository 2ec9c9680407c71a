/* `dora restart`: stops a dataflow and starts the same one anew. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/dataflow_outcome.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/stop_options.h"

static void on_event(void *context, json_t *event)
{
    (void)context;
    const json_t *dataflow = json_object_get(event, "dataflow");
    const char *status = json_string_value(json_object_get(dataflow, "status"));
    if (status)
        progress_show("%s: %s …", session_name_of(dataflow), status);
}

static int restart(struct control_client *client, const struct options *options, json_t *params)
{
    if (!session_choose(client, options, 0, "name", params))
        return COMMAND_FAILED;
    progress_show("restarting …");
    json_t *dataflow =
        session_call_events(client, "dataflow.restart", json_incref(params), CLOCK_NEVER, on_event, NULL);
    progress_clear();
    if (!dataflow)
        return COMMAND_FAILED;
    bool is_well = dataflow_report_outcome(dataflow);
    if (is_well)
        printf("dataflow restarted: %s\n", json_string_value(json_object_get(dataflow, "uuid")));
    json_decref(dataflow);
    return is_well ? COMMAND_OK : COMMAND_FAILED;
}

static int run(const struct options *options)
{
    json_t *params = json_object();
    if (!params || !stop_options_read(options, params)) {
        json_decref(params);
        return COMMAND_USAGE;
    }
    struct control_client *client = session_open(options);
    int status = client ? restart(client, options, params) : COMMAND_FAILED;
    json_decref(params);
    control_client_close(client);
    return status;
}

static const struct option_spec options[] = {
    {.name = "name", .letter = 'n', .value = "NAME", .help = "The dataflow's name"},
    STOP_GRACE_OPTION,
    STOP_FORCE_OPTION,
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_restart = {
    .name = "restart",
    .operands = "[NAME_OR_UUID]",
    .max_operands = 1,
    .summary = "Stop a dataflow and start it again as it was started first",
    .details = "The descriptor is the one that was given to `dora start`, even if its file has changed since. The new "
               "dataflow\nhas the same name and a new UUID, which is printed.\n" SESSION_WHICH_HELP "\n\n"
               "Exits with 0 when the new one runs, else with 1.",
    .options = options,
    .run = run,
};
