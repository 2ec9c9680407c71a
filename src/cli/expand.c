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

static bool is_dataflow(const char *path)
{
    struct graph *graph = graph_load(path, NULL, NULL);
    bool right = graph && graph->error_count == 0;
    graph_free(graph);
    return right;
}

/* The file of a module is no dataflow: its inputs are open. So it is checked, not printed. */
static int check_module(const char *path)
{
    if (is_dataflow(path)) {
        report_error("%s is a dataflow, not the file of a module", path);
        report_hint("leave out `--module`");
        return COMMAND_FAILED;
    }
    struct graph_options fragment = {.fragment = true};
    struct graph *graph = findings_load(path, &fragment);
    if (!graph)
        return COMMAND_FAILED;
    graph_free(graph);
    printf("Module file is valid: %s\n", path);
    return COMMAND_OK;
}

static int run(const struct options *options)
{
    const char *path = options->operands[0];
    return options_has(options, "module") ? check_module(path) : expand(path);
}

static const struct option_spec options[] = {
    {.name = "module", .help = "Check the file of a module instead"},
    {0},
};

const struct command command_expand = {
    .name = "expand",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Print a dataflow with its modules expanded",
    .details = "Prints the flat dataflow as YAML, which loads again.",
    .options = options,
    .example = "dora expand dataflow.yml > flat.yml",
    .run = run,
};
