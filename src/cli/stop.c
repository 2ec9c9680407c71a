/* `dora stop`: ends dataflows. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/dataflow_outcome.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/stop_options.h"

static void on_event(void *context, json_t *event)
{
    (void)context;
    const json_t *dataflow = json_object_get(event, "dataflow");
    if (dataflow && !dataflow_has_ended(dataflow))
        progress_show("stopping %s …", session_name_of(dataflow));
}

/* Those that were stopped; NULL: reported. */
static json_t *stop(struct control_client *client, const struct options *options, json_t *params)
{
    if (options_has(options, "all"))
        json_object_set_new(params, "all", json_true());
    else if (!session_choose(client, options, 0, "name", params))
        return NULL;
    progress_show("stopping …");
    json_t *result = session_call_events(client, "dataflow.stop", json_incref(params), CLOCK_NEVER, on_event, NULL);
    progress_clear();
    return result;
}

static int report(const json_t *dataflows, bool all)
{
    size_t count = json_array_size(dataflows);
    int status = COMMAND_OK;
    if (all && !count)
        puts("No dataflows are running.");
    else if (all)
        printf("Stopped %zu dataflow(s).\n", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *dataflow = json_array_get(dataflows, i);
        if (!all)
            printf("dataflow stopped: %s\n", json_string_value(json_object_get(dataflow, "uuid")));
        if (!dataflow_report_outcome(dataflow))
            status = COMMAND_FAILED;
    }
    return status;
}

static int run(const struct options *options)
{
    bool all = options_has(options, "all");
    if (all && (options->operand_count || options_has(options, "name"))) {
        report_error("`--all` and the name of a dataflow don't go together");
        return COMMAND_USAGE;
    }
    json_t *params = json_object();
    if (!params || !stop_options_read(options, params)) {
        json_decref(params);
        return COMMAND_USAGE;
    }
    struct control_client *client = session_open(options);
    json_t *result = client ? stop(client, options, params) : NULL;
    int status = result ? report(json_object_get(result, "dataflows"), all) : COMMAND_FAILED;
    json_decref(params);
    json_decref(result);
    control_client_close(client);
    return status;
}

static const struct option_spec options[] = {
    {.name = "name", .letter = 'n', .value = "NAME", .help = "The dataflow's name"},
    {.name = "all", .help = "Stop every dataflow that runs"},
    STOP_GRACE_OPTION,
    STOP_FORCE_OPTION,
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_stop = {
    .name = "stop",
    .operands = "[NAME_OR_UUID]",
    .max_operands = 1,
    .summary = "Stop a dataflow",
    .details = "Asks its nodes to end and waits until they have.\n" SESSION_WHICH_HELP "\n\n"
               "Exits with 0 when it ended well, and with 1 when a node failed or there was nothing to stop.",
    .example = "dora stop vision\n"
               "dora stop 019ab3 --grace-duration 2s\n"
               "dora stop --all --force",
    .options = options,
    .run = run,
};
