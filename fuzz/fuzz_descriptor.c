/* Any text as a descriptor: it is read, its findings are printed, and what is valid is expanded and must be valid again. */
#include <stdint.h>
#include <stdlib.h>

#include "graph/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct graph *parse(const char *text, size_t len)
{
    static const struct graph_options options = {.fragment = true};
    struct error error = ERROR_INIT;
    /* No such folder, so that modules lead nowhere. */
    struct graph *graph = graph_parse(text, len, "/nonexistent/fuzz.yml", &options, &error);
    if (!graph)
        abort();
    return graph;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = ERROR_INIT;
    struct buf out = {0};
    struct graph *graph = parse((const char *)data, size);
    graph_print_findings(graph, &out, true);
    buf_clear(&out);
    if (graph->error_count == 0) {
        if (graph_json(graph, &out, &error) < 0)
            abort();
        buf_clear(&out);
        if (graph_expand(graph, &out, &error) < 0)
            abort();
        struct graph *again = parse(out.data, out.len);
        if (again->error_count || again->node_count != graph->node_count)
            abort();
        graph_free(again);
    }
    graph_free(graph);
    buf_free(&out);
    return 0;
}
