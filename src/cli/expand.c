/* `dora expand`: a dataflow as it is after its modules have been put in place. */
#include <stdio.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "graph/graph.h"

static int expand(const char *path)
{
    struct graph *graph = findings_load(path, NULL);
    if (!graph)
        return COMMAND_FAILED;
    autobuf struct buf text = {0};
    struct error error = ERROR_INIT;
    int result = graph_expand(graph, &text, &error);
    graph_free(graph);
    if (result < 0) {
        report_error("%s", error.message);
        return COMMAND_FAILED;
    }
    fwrite(text.data, 1, text.len, stdout);
    return COMMAND_OK;
}

static int run(const struct options *options)
{
    return expand(options->operands[0]);
}

const struct command command_expand = {
    .name = "expand",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Print a dataflow with its modules expanded",
    .details = "Prints the flat dataflow as YAML, which loads again.",
    .example = "dora expand dataflow.yml > flat.yml",
    .run = run,
};
