/* `dora validate`: is a descriptor right? */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "graph/graph.h"

static bool is_type_finding(const struct graph_finding *finding)
{
    return finding->is_type && finding->severity != GRAPH_NOTE;
}

static bool is_other_finding(const struct graph_finding *finding)
{
    return !finding->is_type && finding->severity != GRAPH_NOTE;
}

/* What untyped inputs receive: one line each, since nothing is wrong there. */
static void print_notes(const struct graph *graph)
{
    for (size_t i = 0; i < graph->finding_count; i++) {
        const struct graph_finding *finding = &graph->findings[i];
        if (finding->severity == GRAPH_NOTE)
            printf("%s:%u:%u: note: %s\n", finding->place.file, finding->place.line, finding->place.column,
                   finding->message);
    }
}

static size_t count_other_errors(const struct graph *graph)
{
    size_t count = 0;
    for (size_t i = 0; i < graph->finding_count; i++)
        count += is_other_finding(&graph->findings[i]) && graph->findings[i].severity == GRAPH_ERROR;
    return count;
}

static int print_text(const struct graph *graph, const char *path)
{
    printf("Validating %s...\n", path);
    fflush(stdout);
    findings_print(graph, stderr, is_other_finding);
    size_t errors = count_other_errors(graph);
    if (errors) {
        report_error("%s has %zu error%s", path, errors, errors == 1 ? "" : "s");
        return COMMAND_FAILED;
    }
    puts("Input/output wiring OK.");
    puts("Descriptor config OK.");
    print_notes(graph);
    size_t warnings = 0;
    for (size_t i = 0; i < graph->finding_count; i++)
        warnings += is_type_finding(&graph->findings[i]);
    if (!warnings) {
        puts("All type annotations OK.");
        return COMMAND_OK;
    }
    puts("Type warnings:");
    findings_print(graph, stdout, is_type_finding);
    printf("%zu type warning(s) found.\n", warnings);
    if (!graph->error_count)
        return COMMAND_OK;
    report_error("%s breaks strict types", path);
    return COMMAND_FAILED;
}

static const char *severity_name(enum graph_severity severity)
{
    return severity == GRAPH_ERROR ? "error" : severity == GRAPH_WARNING ? "warning" : "note";
}

static int print_json(const struct graph *graph, const char *path)
{
    json_t *list = json_array();
    for (size_t i = 0; i < graph->finding_count; i++) {
        const struct graph_finding *finding = &graph->findings[i];
        json_array_append_new(list, json_pack("{s:s, s:s?, s:i, s:i, s:s, s:s?, s:b}", "severity",
                                              severity_name(finding->severity), "file", finding->place.file, "line",
                                              (int)finding->place.line, "column", (int)finding->place.column, "message",
                                              finding->message, "hint", finding->hint, "type", finding->is_type));
    }
    json_t *document = json_pack("{s:s, s:b, s:o}", "path", path, "valid", graph->error_count == 0, "findings", list);
    autofree char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    json_decref(document);
    if (!text) {
        report_error("can't write the findings as JSON: out of memory, or a text that is not UTF-8");
        return COMMAND_FAILED;
    }
    puts(text);
    return graph->error_count ? COMMAND_FAILED : COMMAND_OK;
}

static int run(const struct options *options)
{
    const char *path = options->operands[0], *format = options_value(options, "format");
    struct graph_options how = {.strict_types = options_has(options, "strict-types")};
    struct error error = ERROR_INIT;
    struct graph *graph = graph_load(path, &how, &error);
    if (!graph) {
        findings_report_unread(path, &error);
        return COMMAND_FAILED;
    }
    bool json = format && strcmp(format, "json") == 0;
    int status = json ? print_json(graph, path) : print_text(graph, path);
    graph_free(graph);
    return status;
}

static const struct option_spec options[] = {
    {.name = "strict-types", .help = "Treat type warnings as errors, whatever the descriptor says"},
    {.name = "offline", .help = "Accepted for compatibility: nothing here needs the network"},
    {.name = "format", .letter = 'f', .value = "FORMAT", .choices = "text|json", .help = "How to print the findings"},
    {0},
};

const struct command command_validate = {
    .name = "validate",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Check a dataflow's descriptor",
    .details =
        "Reads the descriptor, its modules and its type files, and reports everything that is wrong with them,\n"
        "with file, line and column. Exits with 1 when there are errors.\n\n"
        "With --format json, prints one document:\n"
        "  {\"path\": …, \"valid\": true|false, \"findings\": [{\"severity\": \"error\"|\"warning\"|\"note\",\n"
        "   \"file\": …, \"line\": …, \"column\": …, \"message\": …, \"hint\": …|null, \"type\": true|false}, …]}",
    .example = "dora validate dataflow.yml\n"
               "dora validate dataflow.yml --format json",
    .options = options,
    .run = run,
};
