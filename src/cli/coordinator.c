/* `dora coordinator`, also under the name dora-coordinator. */
#include <errno.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/report.h"
#include "cli/values.h"
#include "coordinator/coordinator.h"

static int print_crash_points(void)
{
    for (const char *const *point = coordinator_crash_points; *point; point++)
        puts(*point);
    return COMMAND_OK;
}

static int run(const struct options *options)
{
    if (options_has(options, "crash-points"))
        return print_crash_points();
    bool quiet = options_has(options, "quiet");
    if (!quiet && (options_has(options, "interface") || options_has(options, "port") || options_has(options, "auth")))
        report_hint(
            "--interface, --port and --auth mean nothing yet: the coordinator listens at a socket that only you "
            "can reach, on this machine");
    struct coordinator_options wishes = {
        .version = DORA_VERSION, .store = options_value(options, "store"), .quiet = quiet};
    struct error error = ERROR_INIT;
    const char *lost_after = options_value(options, "lost-after");
    if (lost_after && value_duration(lost_after, &wishes.lost_after_ns, &error) < 0) {
        report_error("`--lost-after`: %s", error.message);
        return COMMAND_USAGE;
    }
    int rc = coordinator_run(&wishes, &error);
    if (rc == 0)
        return COMMAND_OK;
    report_error("%s", error.message);
    if (rc == -EBUSY)
        report_hint("`dora status` says what runs, `dora down` ends it");
    return COMMAND_FAILED;
}

static const struct option_spec option_specs[] = {
    {.name = "store", .value = "PATH", .help = "Keep the state in this file; `memory`: nowhere"},
    {.name = "lost-after",
     .value = "DURATION",
     .help = "Take another machine for lost that is out of reach for so long [default: 15s]"},
    {.name = "quiet", .help = "Print errors only"},
    {.name = "interface", .value = "IP", .help = "Accepted for later", .env = "DORA_COORDINATOR_INTERFACE"},
    {.name = "port", .value = "PORT", .help = "Accepted for later"},
    {.name = "auth", .help = "Accepted for later"},
    {.name = "crash-points", .help = "List the values of DORA_COORDINATOR_CRASH_AT, for tests", .hidden = true},
    {0},
};

const struct command command_coordinator = {
    .name = "coordinator",
    .summary = "Run the coordinator in the foreground, for service managers",
    .details =
        "The coordinator knows your dataflows and keeps them in the state folder. `dora up` starts it in the\n"
        "background, with a daemon. SIGTERM ends it, and dataflows go on; started again, it finds them. It tells a\n"
        "service manager when it is ready (sd_notify), and takes a socket from one (socket activation).",
    .example = "dora coordinator\ndora coordinator --store memory",
    .options = option_specs,
    .hidden = true,
    .run = run,
};
