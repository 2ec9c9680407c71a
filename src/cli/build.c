/* `dora build`: the build commands of a dataflow's nodes. */
#include <stdio.h>
#include <string.h>

#include "cli/build_step.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "cli/session.h"

static int run(const struct options *options)
{
    const char *path = options->operands[0];
    static const char *const later[] = {"locked", "write-lockfile", "lockfile", "parallel", "offline", "hub-override"};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++)
        if (options_has(options, later[i]))
            fprintf(stderr, "warning: `--%s` is not acted on yet\n", later[i]);
    struct graph_options how = {.strict_types = options_has(options, "strict-types")};
    struct graph *graph = findings_load(path, &how);
    if (!graph)
        return COMMAND_FAILED;
    bool is_built = build_run(graph, options_has(options, "uv"));
    graph_free(graph);
    return is_built ? COMMAND_OK : COMMAND_FAILED;
}

static const struct option_spec options[] = {
    {.name = "uv", .help = "Let `pip` be `uv pip`"},
    {.name = "strict-types", .help = "Treat warnings about types as errors"},
    {.name = "local", .help = "Build here, as is always done", .hidden = true},
    {.name = "parallel", .help = "Not acted on yet"},
    {.name = "offline", .help = "Not acted on yet"},
    {.name = "locked", .help = "Not acted on yet"},
    {.name = "write-lockfile", .help = "Not acted on yet"},
    {.name = "lockfile", .value = "PATH", .help = "Not acted on yet"},
    {.name = "hub-override", .value = "PACKAGE=PATH", .repeatable = true, .help = "Not acted on yet"},
    SESSION_ADDRESS_OPTIONS,
    {0},
};

const struct command command_build = {
    .name = "build",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Run the build commands of a dataflow's nodes",
    .details = "Runs each node's `build` commands, node after node, in the node's folder and environment, and stops at "
               "the first\nthat fails. `dora run` builds by itself, `dora start` doesn't.\n\n"
               "Exits with 0 when all went well, else with 1.",
    .example = "dora build dataflow.yml --uv",
    .options = options,
    .run = run,
};
