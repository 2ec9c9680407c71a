/* Any text as a descriptor: it is read, its findings are printed, and what is valid is expanded and must be valid
 * again. What stands behind a first NUL is the file of a module, `m.yml`. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/graph.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char directory[] = "/tmp/fuzz_descriptor_XXXXXX", module_path[64], path[64];

static void remove_directory(void)
{
    unlink(module_path);
    rmdir(directory);
}

static void make_directory(void)
{
    if (module_path[0])
        return;
    if (!mkdtemp(directory))
        abort();
    snprintf(path, sizeof path, "%s/fuzz.yml", directory);
    snprintf(module_path, sizeof module_path, "%s/m.yml", directory);
    atexit(remove_directory);
}

static void write_module(const uint8_t *data, size_t size)
{
    int fd = open(module_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) < 0)
        abort();
}

static struct graph *parse(const char *text, size_t len)
{
    static const struct graph_options options = {.fragment = true};
    struct error error = ERROR_INIT;
    struct graph *graph = graph_parse(text, len, path, &options, &error);
    if (!graph)
        abort();
    return graph;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error error = ERROR_INIT;
    struct buf out = {0};
    const uint8_t *module = size ? memchr(data, '\0', size) : NULL;
    size_t len = module ? (size_t)(module - data) : size;
    make_directory();
    if (module)
        write_module(module + 1, size - len - 1);
    else
        unlink(module_path);

    struct graph *graph = parse((const char *)data, len);
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
