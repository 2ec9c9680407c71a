/* `dora cluster down`. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/cluster.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "cli/report.h"

/* A daemon that the coordinator could not tell: one that doesn't find it, or was left behind. */
static bool bring_down(const struct cluster_machine *machine)
{
    autobuf struct buf command = {0}, output = {0};
    buf_printf(&command, "exec %s down --force", machine->dora);
    if (command.failed) {
        report_error("out of memory");
        return false;
    }
    progress_show("%s: stopping …", machine->id);
    int status = cluster_run(machine, command.data, NULL, &output);
    progress_clear();
    if (status != 0) {
        cluster_report(machine, status, &output);
        return false;
    }
    printf("%s: stopped\n", machine->id);
    fflush(stdout);
    return true;
}

static int run(const struct options *options)
{
    struct cluster cluster = {0};
    const char *path = options->operand_count ? options->operands[0] : NULL;
    bool is_well = !path || cluster_load(&cluster, path, false);
    /* Here first: it refuses while dataflows run, and tells the daemons of all machines. */
    int status = is_well ? command_down.run(options) : COMMAND_FAILED;
    for (size_t i = 1; status == COMMAND_OK && i < cluster.machine_count; i++)
        is_well &= bring_down(&cluster.machines[i]);
    cluster_free(&cluster);
    return is_well ? status : COMMAND_FAILED;
}

static const struct option_spec options[] = {
    {.name = "force", .help = "Also while dataflows run: they are stopped first"},
    {.name = "timeout", .value = "DURATION", .help = "How long dataflows and daemons may take to end (30s)"},
    {.name = "coordinator-addr", .value = "IP", .env = "DORA_COORDINATOR_ADDR", .help = "This machine", .hidden = true},
    {.name = "coordinator-port", .value = "PORT", .help = "Not needed", .hidden = true},
    {0},
};

const struct command command_cluster_down = {
    .name = "cluster down",
    .operands = "[CLUSTER.yml]",
    .max_operands = 1,
    .summary = "End the coordinator here, and the daemons of all machines",
    .details =
        "As `dora down` on the coordinator's machine. With the file, each machine is also asked by ssh, so that a\n"
        "daemon ends too that does not find the coordinator.\n\n"
        "Exits with 0 when none runs any more, else with 1.",
    .example = "dora cluster down cluster.yml --force",
    .options = options,
    .run = run,
};
