#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "graph/graph.h"

static struct graph *parse(const char *yaml)
{
    struct error error = ERROR_INIT;
    struct graph *graph = graph_parse(yaml, strlen(yaml), "dataflow.yml", NULL, &error);
    assert_non_null(graph);
    if (graph->error_count)
        fail_msg("%s", graph->findings[0].message);
    return graph;
}

static const char flow[] =
    "nodes:\n"
    "  - {id: camera, operator: {id: cam, shared-library: c, inputs: {tick: dora/timer/millis/5}, outputs: [a, "
    "image]}}\n"
    "  - id: vision\n"
    "    cpu_affinity: [1]\n"
    "    operators:\n"
    "      - {id: detect, shared-library: d, inputs: {image: camera/image, track/x: sink/back}, outputs: [boxes, "
    "log],\n"
    "         send_stdout_as: log, min_log_level: warn}\n"
    "      - {id: track, python: t.py, inputs: {boxes: vision/detect/boxes, full: camera/cam/a}, outputs: [tracks],\n"
    "         thread: post}\n"
    "  - {id: sink, path: sink, inputs: {tracks: vision/track/tracks, log: vision/detect/log}, outputs: [back]}\n";

static const struct graph_input *input(const struct graph *graph, const char *node, const char *id)
{
    const struct graph_node *found = graph_find(graph, node);
    for (size_t i = 0; found && i < found->input_count; i++)
        if (strcmp(found->inputs[i].id, id) == 0)
            return &found->inputs[i];
    fail_msg("no input %s/%s", node, id);
    return NULL;
}

static void comes_from(const struct graph *graph, const char *node, const char *id, const char *source,
                       const char *output)
{
    const struct graph_input *found = input(graph, node, id);
    assert_string_equal(found->source, source);
    assert_string_equal(found->source_output, output);
    assert_string_equal(graph->nodes[found->source_node].id, source);
}

static void operators_are_nodes(void **state)
{
    (void)state;
    static const char *const ids[] = {"camera", "vision", "vision/detect", "vision/track", "sink"};
    struct graph *graph = parse(flow);
    assert_int_equal(graph_split(graph), 0);
    assert_int_equal(graph->node_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(graph->nodes[i].id, ids[i]);
    comes_from(graph, "vision/detect", "image", "camera", "image");
    comes_from(graph, "vision/detect", "track/x", "sink", "back"); /* it begins like another operator */
    comes_from(graph, "vision/track", "boxes", "vision/detect", "boxes");
    comes_from(graph, "vision/track", "full", "camera", "a");
    comes_from(graph, "sink", "tracks", "vision/track", "tracks");
    const struct graph_node *host = graph_find(graph, "vision"), *detect = graph_find(graph, "vision/detect");
    assert_int_equal(host->input_count + host->output_count, 0);
    assert_int_equal(host->operator_count, 2);
    assert_int_equal(host->min_log_level, GRAPH_LOG_WARN);
    assert_null(host->send_stdout_as);
    assert_string_equal(detect->send_stdout_as, "log");
    assert_string_equal(detect->host, "vision");
    assert_int_equal(detect->kind, GRAPH_NODE_OPERATOR);
    assert_int_equal(detect->output_count, 2);
    assert_string_equal(detect->outputs[0].id, "boxes");
    assert_int_equal(detect->cpu_affinity_count, 1);
    assert_string_equal(graph_find(graph, "vision/track")->operators->thread, "post");
    assert_int_equal(graph_find(graph, "camera")->output_count, 2);
    assert_int_equal(graph_split(graph), 0); /* again: nothing more */
    assert_int_equal(graph->node_count, 5);
    graph_free(graph);
}

static void what_is_split_is_described_whole(void **state)
{
    (void)state;
    struct graph *graph = parse(flow);
    autobuf struct buf before = {0}, after = {0};
    assert_int_equal(graph_split(graph), 0);
    assert_int_equal(graph_expand(graph, &before, NULL), 0);
    struct graph *again = parse(before.data);
    assert_int_equal(graph_split(again), 0);
    assert_int_equal(graph_expand(again, &after, NULL), 0);
    assert_string_equal(before.data, after.data);
    assert_int_equal(again->node_count, 5);
    comes_from(again, "vision/track", "full", "camera", "a");
    assert_non_null(strstr(after.data, "thread: post"));
    assert_string_equal(graph_find(again, "vision/detect")->send_stdout_as, "log");
    graph_free(again);
    graph_free(graph);
}

static void a_thread_does_not_wait_for_itself(void **state)
{
    (void)state;
    static const char yaml[] =
        "nodes:\n"
        "  - id: host\n"
        "    operators:\n"
        "      - {id: a, shared-library: a, outputs: [x], thread: t}\n"
        "      - {id: b, shared-library: b, inputs: {x: {source: host/a/x, queue_policy: backpressure}}, thread: t}\n"
        "      - {id: c, shared-library: c, inputs: {x: {source: host/a/x, queue_policy: backpressure}}, thread: u}\n";
    struct graph *graph = graph_parse(yaml, strlen(yaml), "dataflow.yml", NULL, NULL);
    assert_non_null(graph);
    assert_int_equal(graph->error_count, 1);
    assert_non_null(strstr(graph->findings[0].message, "`host/b/x`"));
    graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_are_nodes),
        cmocka_unit_test(what_is_split_is_described_whole),
        cmocka_unit_test(a_thread_does_not_wait_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
