#include "graph/findings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Messages quote the descriptor; what is longer than this is cut, so that one huge word can't fill the memory. */
enum { MESSAGE_MAX = 600 };

static const char *shortened(struct graph *graph, char text[MESSAGE_MAX], size_t len)
{
    if (len >= MESSAGE_MAX)
        memcpy(text + MESSAGE_MAX - 4, "...", 4);
    return graph_text(graph, text);
}

void finding_add(struct graph *graph, enum graph_severity severity, bool is_type, struct graph_place place,
                 const char *hint, const char *format, ...)
{
    struct graph_finding *finding = graph_push(graph, graph->findings, &graph->finding_count);
    if (!finding)
        return;
    char text[MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    *finding = (struct graph_finding){.severity = severity, .place = place, .is_type = is_type};
    finding->message = shortened(graph, text, len < 0 ? 0 : (size_t)len);
    if (hint)
        finding->hint = shortened(graph, text, (size_t)snprintf(text, sizeof text, "%s", hint));
    graph->error_count += severity == GRAPH_ERROR;
    graph->warning_count += severity == GRAPH_WARNING;
}

bool findings_are_many(const struct graph *graph)
{
    return graph->error_count > 100;
}

static size_t file_rank(const struct graph *graph, const char *name)
{
    size_t rank = 0;
    for (const struct graph_file *file = graph->private->files; file && file->name != name; file = file->next)
        rank++;
    return rank;
}

struct ranked {
    struct graph_finding finding;
    size_t file, order;
};

static int compare(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    if (a->file != b->file)
        return a->file < b->file ? -1 : 1;
    if (a->finding.place.line != b->finding.place.line)
        return a->finding.place.line < b->finding.place.line ? -1 : 1;
    if (a->finding.place.column != b->finding.place.column)
        return a->finding.place.column < b->finding.place.column ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static bool is_same(const struct graph_finding *a, const struct graph_finding *b)
{
    return a->severity == b->severity && a->place.file == b->place.file && a->place.line == b->place.line &&
           a->place.column == b->place.column && strcmp(a->message, b->message) == 0;
}

void findings_sort(struct graph *graph)
{
    size_t count = graph->finding_count, kept = 0;
    struct ranked *ranked = graph_alloc(graph, count * sizeof *ranked);
    if (!ranked || !count)
        return;
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){graph->findings[i], file_rank(graph, graph->findings[i].place.file), i};
    qsort(ranked, count, sizeof *ranked, compare);
    /* What a module's file says wrong is found once for each of its users. */
    graph->error_count = graph->warning_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept && is_same(&graph->findings[kept - 1], &ranked[i].finding))
            continue;
        graph->findings[kept++] = ranked[i].finding;
        graph->error_count += ranked[i].finding.severity == GRAPH_ERROR;
        graph->warning_count += ranked[i].finding.severity == GRAPH_WARNING;
    }
    graph->finding_count = kept;
}
