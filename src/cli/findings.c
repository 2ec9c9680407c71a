#include "cli/findings.h"

#include <errno.h>

#include "base/cleanup.h"
#include "cli/report.h"

size_t findings_print(const struct graph *graph, FILE *stream, bool (*wanted)(const struct graph_finding *finding))
{
    autofree struct graph_finding *picked = calloc(graph->finding_count + 1, sizeof *picked);
    if (!picked)
        return 0;
    struct graph view = *graph;
    view.findings = picked;
    view.finding_count = 0;
    for (size_t i = 0; i < graph->finding_count; i++)
        if (wanted(&graph->findings[i]))
            picked[view.finding_count++] = graph->findings[i];
    autobuf struct buf text = {0};
    graph_print_findings(&view, &text, report_color(fileno(stream)));
    if (text.len)
        fwrite(text.data, 1, text.len, stream);
    return view.finding_count;
}

static bool is_serious(const struct graph_finding *finding)
{
    return finding->severity != GRAPH_NOTE;
}

void findings_report_unread(const char *path, const struct error *error)
{
    report_error("%s", error->message);
    if (error->code == -EISDIR)
        report_hint("name the descriptor in it, such as %s/dataflow.yml", path);
    else if (error->code == -ENOENT)
        report_hint("name the file of a descriptor; `dora new NAME` makes a project that has one");
}

struct graph *findings_load(const char *path, const struct graph_options *options)
{
    struct error error = ERROR_INIT;
    struct graph *graph = graph_load(path, options, &error);
    if (!graph) {
        findings_report_unread(path, &error);
        return NULL;
    }
    findings_print(graph, stderr, is_serious);
    if (!graph->error_count)
        return graph;
    report_error("%s has %zu error%s", path, graph->error_count, graph->error_count == 1 ? "" : "s");
    graph_free(graph);
    return NULL;
}
