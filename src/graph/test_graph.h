/* Short ways for tests to come to a graph. Include after <cmocka.h>. */
#ifndef GRAPH_TEST_GRAPH_H
#define GRAPH_TEST_GRAPH_H

#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

static inline void test_show(const struct graph *graph)
{
    struct buf out = {0};
    graph_print_findings(graph, &out, false);
    print_error("%s", out.data ? out.data : "");
    buf_free(&out);
}

/* Fails the test unless the text is valid. */
static inline struct graph *test_parse(const char *text)
{
    struct error error = ERROR_INIT;
    struct graph *graph = graph_parse(text, strlen(text), "test.yml", NULL, &error);
    assert_non_null(graph);
    if (graph->error_count) {
        test_show(graph);
        fail_msg("not valid");
    }
    return graph;
}

static inline const struct graph_node *test_node(const struct graph *graph, const char *id)
{
    const struct graph_node *node = graph_find(graph, id);
    if (!node)
        fail_msg("no node %s", id);
    return node;
}

static inline const struct graph_input *test_input(const struct graph_node *node, const char *id)
{
    for (size_t i = 0; i < node->input_count; i++)
        if (strcmp(node->inputs[i].id, id) == 0)
            return &node->inputs[i];
    fail_msg("no input %s/%s", node->id, id);
    return NULL;
}

static inline const char *test_env(const struct graph_node *node, const char *name)
{
    for (size_t i = 0; i < node->env_count; i++)
        if (strcmp(node->env[i].name, name) == 0)
            return node->env[i].value;
    return NULL;
}

#endif
