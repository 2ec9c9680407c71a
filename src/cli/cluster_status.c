/* `dora cluster status`. */
#include <stdio.h>
#include <string.h>

#include "cli/cluster.h"
#include "cli/command.h"
#include "cli/json_value.h"
#include "cli/machines.h"
#include "cli/report.h"
#include "cli/session.h"

static bool is_alive(const json_t *status, const char *id)
{
    json_t *machine;
    size_t i;
    json_array_foreach(json_object_get(status, "daemons"), i,
                       machine) if (strcmp(json_text(machine, "machine"), id) ==
                                    0) return json_is_true(json_object_get(machine, "alive"));
    return false;
}

static int run(const struct options *options)
{
    struct cluster cluster = {0};
    const char *path = options->operand_count ? options->operands[0] : NULL;
    if (path && !cluster_load(&cluster, path, false)) {
        cluster_free(&cluster);
        return COMMAND_FAILED;
    }
    struct control_client *client = session_open(options);
    json_t *status = client ? session_call(client, "status", NULL, SESSION_PATIENCE) : NULL;
    bool is_well = status != NULL;
    if (status) {
        machines_print(status);
        printf("\nActive dataflows: %.0f\n", json_number(status, "running"));
    }
    for (size_t i = 0; status && i < cluster.machine_count; i++)
        if (!is_alive(status, cluster.machines[i].id)) {
            report_error("machine `%s` is not there", cluster.machines[i].id);
            is_well = false;
        }
    if (status && !is_well)
        report_hint("`dora cluster up %s` starts what is missing", path);
    json_decref(status);
    control_client_close(client);
    cluster_free(&cluster);
    return is_well ? COMMAND_OK : COMMAND_FAILED;
}

static const struct option_spec options[] = {SESSION_ADDRESS_OPTIONS, {0}};

const struct command command_cluster_status = {
    .name = "cluster status",
    .operands = "[CLUSTER.yml]",
    .max_operands = 1,
    .summary = "Show the machines of a cluster, and which of the file are missing",
    .details = "Round trip and skew (how far its clock is ahead) are those to the coordinator's machine.\n\n"
               "Exits with 0, or 1 when a machine of the file is missing or there is no coordinator.",
    .example = "dora cluster status cluster.yml",
    .options = options,
    .run = run,
};
