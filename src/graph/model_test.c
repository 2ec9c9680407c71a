/* What descriptors mean: the model that comes out. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "graph/test_graph.h"

static struct graph *load_valid(const char *name, const struct graph_options *options)
{
    char path[4096];
    struct error error = ERROR_INIT;
    snprintf(path, sizeof path, "%s/valid/%s", DESCRIPTORS, name);
    struct graph *graph = graph_load(path, options, &error);
    assert_non_null(graph);
    if (graph->error_count) {
        test_show(graph);
        fail_msg("not valid");
    }
    return graph;
}

static void defaults_are_filled_in(void **state)
{
    (void)state;
    struct graph *graph = test_parse("nodes:\n  - {id: a, path: a, outputs: [y, x, y], inputs: {i: a/x}}\n");
    const struct graph_node *node = test_node(graph, "a");
    assert_int_equal(graph->health_check_interval_ns, 5000000000);
    assert_int_equal(node->kind, GRAPH_NODE_STANDARD);
    assert_int_equal(node->output_count, 2);
    assert_string_equal(node->outputs[0].id, "x");
    assert_int_equal(node->inputs[0].queue_size, 10);
    assert_int_equal(node->inputs[0].queue_policy, GRAPH_DROP_OLDEST);
    assert_int_equal(node->inputs[0].place.line, 2);
    assert_int_equal(node->finish_grace_ns, -1);
    assert_int_equal(node->max_rotated_files, 5);
    assert_int_equal(node->min_log_level, GRAPH_LOG_UNSET);
    assert_int_equal(node->restart, GRAPH_RESTART_NEVER);
    assert_true(graph->directory[0] == '/');
    assert_null(graph_find(graph, "b"));
    graph_free(graph);
}

static void every_key_reaches_the_model(void **state)
{
    (void)state;
    struct graph *graph = load_valid("every_key.yml", NULL);
    const struct graph_node *node = test_node(graph, "source");
    assert_int_equal(graph->health_check_interval_ns, 2500000000);
    assert_true(graph->exit_when_nodes_finish && graph->enable_debug_inspection && !graph->strict_types);
    assert_string_equal(node->name, "Source");
    assert_string_equal(node->description, "Sends numbers");
    assert_int_equal(node->arg_count, 3);
    assert_string_equal(node->args[2], "two words");
    assert_string_equal(node->build, "make\nmake install\n");
    assert_string_equal(test_env(node, "LEVEL"), "debug");
    assert_string_equal(test_env(node, "PORT"), "8080");
    assert_string_equal(node->outputs[2].type, "std/core/v1/Int64");
    assert_string_equal(node->outputs[2].metadata[0], "request_id");
    assert_string_equal(node->pattern, "service-server");
    assert_int_equal(node->pattern_place.line, 32);
    assert_int_equal(node->restart, GRAPH_RESTART_ON_FAILURE);
    assert_int_equal(node->max_restarts, 3);
    assert_int_equal(node->restart_delay_ns, 500000000);
    assert_int_equal(node->max_restart_delay_ns, 10000000000);
    assert_int_equal(node->restart_window_ns, 60000000000);
    assert_int_equal(node->health_check_timeout_ns, 30000000000);
    assert_int_equal(node->finish_grace_ns, 5000000000);
    assert_string_equal(node->send_stdout_as, "lines");
    assert_string_equal(node->send_logs_as, "entries");
    assert_int_equal(node->min_log_level, GRAPH_LOG_WARN);
    assert_int_equal(node->max_log_size, 1536 * 1024);
    assert_int_equal(node->max_rotated_files, 3);
    assert_int_equal(node->shared_memory_pool_size, 64 << 20);
    assert_int_equal(node->cpu_affinity_count, 2);
    assert_int_equal(node->cpu_affinity[1], 1);
    assert_string_equal(node->machine, "robot");
    assert_string_equal(node->working_dir, "/opt/flow");
    assert_string_equal(node->distribute, "scp");
    assert_string_equal(node->labels[0].value, "yes");
    node = test_node(graph, "sink");
    const struct graph_input *input = test_input(node, "number");
    assert_int_equal(input->queue_size, 100);
    assert_int_equal(input->queue_policy, GRAPH_BACKPRESSURE);
    assert_int_equal(input->timeout_ns, 1500000000);
    assert_string_equal(graph->nodes[input->source_node].id, "source");
    input = test_input(node, "logs");
    assert_int_equal(input->kind, GRAPH_INPUT_LOGS);
    assert_int_equal(input->log_level, GRAPH_LOG_INFO);
    assert_string_equal(input->log_node, "source");
    assert_string_equal(test_node(graph, "from_git")->branch, "main");
    graph_free(graph);
}

static void what_has_no_effect_yet_is_warned_of_by_name(void **state)
{
    (void)state;
    static const char *const names[] = {"`git`",
                                        "`branch`",
                                        "`tag`",
                                        "`rev`",
                                        "`path_sha256`",
                                        "a `path` that is a URL",
                                        "`output_framing`",
                                        "`shared_memory_pool_size`",
                                        "`finish_grace_secs`"};
    struct graph *graph = load_valid("every_key.yml", NULL);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        bool found = false;
        for (size_t i = 0; i < graph->finding_count; i++)
            found |= graph->findings[i].severity == GRAPH_WARNING && strstr(graph->findings[i].message, names[n]) &&
                     strstr(graph->findings[i].message, "no effect yet");
        if (!found)
            fail_msg("no warning names %s", names[n]);
    }
    graph_free(graph);
}

static void a_node_runs_where_it_says_else_where_its_module_or_the_dataflow_does(void **state)
{
    (void)state;
    struct graph *graph = load_valid("every_key.yml", NULL);
    assert_string_equal(test_node(graph, "sink")->machine, "here");
    assert_null(test_node(graph, "sink")->working_dir);
    graph_free(graph);
    graph = load_valid("module_queues.yml", NULL);
    assert_string_equal(test_node(graph, "part.work")->machine, "robot");
    assert_null(test_node(graph, "reader")->machine);
    graph_free(graph);
    graph = test_parse("deploy: {labels: {gpu: a100}, working_dir: /opt}\nnodes:\n"
                       "  - {id: a, path: a}\n"
                       "  - {id: b, path: b, deploy: {machine: m, distribute: local}}\n"
                       "  - {id: c, path: c, deploy: {labels: {arm: yes, gpu: none}, working_dir: here}}\n");
    assert_int_equal(graph->error_count + graph->warning_count, 0);
    const struct graph_node *node = test_node(graph, "a");
    assert_null(node->machine);
    assert_int_equal(node->label_count, 1);
    assert_string_equal(node->labels[0].key, "gpu");
    assert_string_equal(node->working_dir, "/opt");
    node = test_node(graph, "b");
    assert_string_equal(node->machine, "m");
    assert_int_equal(node->label_count, 0);
    node = test_node(graph, "c");
    assert_int_equal(node->label_count, 2);
    assert_string_equal(node->labels[1].value, "none");
    assert_string_equal(node->working_dir, "here");
    graph_free(graph);
}

static void timers_have_their_interval(void **state)
{
    (void)state;
    struct graph *graph = test_parse("nodes:\n  - id: a\n    path: a\n    inputs:\n"
                                     "      a: dora/timer/secs/2\n      b: dora/timer/millis/20\n"
                                     "      c: dora/timer/micros/3\n      d: dora/timer/nanos/7\n"
                                     "      e: dora/timer/hz/30\n      f: dora/timer/hz/0.5\n");
    static const int64_t intervals[] = {2000000000, 20000000, 3000, 7, 33333333, 2000000000};
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(graph->nodes[0].inputs[i].kind, GRAPH_INPUT_TIMER);
        assert_int_equal(graph->nodes[0].inputs[i].interval_ns, intervals[i]);
    }
    graph_free(graph);
}

static void env_values_are_expanded_and_coerced(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
    } cases[] = {{"PLAIN", "word"},  {"NUMBER_IN_QUOTES", "7"},
                 {"VERSION", "1.1"}, {"EXPONENT", "1000"},
                 {"TRUE", "true"},   {"HEX", "16"},
                 {"FLOAT", "1"},     {"BIG", "18446744073709552000"},
                 {"DOLLAR", "$5"},   {"FALLBACK", "none"},
                 {"YES", "yes"},     {"NEGATIVE", "0"},
                 {"LINES", "a\nb"},  {"FROM_CLI", "1"}};
    struct graph_env cli[] = {{"FROM_CLI", "1"}, {"PLAIN", "word"}};
    struct graph_options options = {.env = cli, .env_count = 2};
    struct graph *graph = load_valid("env_values.yml", &options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(test_env(test_node(graph, "b"), cases[i].name), cases[i].value);
    assert_string_equal(test_env(test_node(graph, "a"), "PLAIN"), "over");
    graph_free(graph);

    setenv("DORA_TEST_VALUE", "12", 1);
    graph = test_parse("nodes:\n  - {id: a, path: a, env: {A: $DORA_TEST_VALUE, B: 'x${DORA_TEST_VALUE}y$', "
                       "LD_PRELOAD: x, 'a b': c}}\n");
    assert_string_equal(test_env(&graph->nodes[0], "A"), "12");
    assert_string_equal(test_env(&graph->nodes[0], "B"), "x12y$");
    assert_null(test_env(&graph->nodes[0], "LD_PRELOAD"));
    assert_null(test_env(&graph->nodes[0], "a b"));
    assert_int_equal(graph->warning_count, 2);
    graph_free(graph);
}

static void args_are_split_as_a_shell_does(void **state)
{
    (void)state;
    struct graph *graph =
        test_parse("nodes:\n  - {id: a, path: a, args: \"a 'b c' \\\"d \\\\\\\"e\\\" f\\\\ g '' # comment\"}\n");
    static const char *const words[] = {"a", "b c", "d \"e", "f g", ""};
    assert_int_equal(graph->nodes[0].arg_count, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(graph->nodes[0].args[i], words[i]);
    graph_free(graph);
    graph = load_valid("special_paths.yml", NULL);
    assert_int_equal(test_node(graph, "by_hand")->kind, GRAPH_NODE_DYNAMIC);
    assert_int_equal(test_node(graph, "command")->kind, GRAPH_NODE_SHELL);
    assert_int_equal(test_node(graph, "command")->arg_count, 1);
    assert_string_equal(test_node(graph, "command")->args[0], "echo \"$HOME\" && ls | wc -l");
    graph_free(graph);
}

static void operators_ports_carry_their_operator(void **state)
{
    (void)state;
    struct graph *graph = load_valid("operators.yml", NULL);
    const struct graph_node *host = test_node(graph, "host"), *web = test_node(graph, "web");
    assert_int_equal(host->kind, GRAPH_NODE_OPERATORS);
    assert_int_equal(host->operator_count, 2);
    assert_int_equal(host->operators[0].source, GRAPH_OPERATOR_LIBRARY);
    assert_string_equal(host->operators[1].path, "second.py");
    assert_string_equal(host->operators[1].conda_env, "lab");
    assert_string_equal(host->send_stdout_as, "first/log");
    assert_int_equal(host->max_rotated_files, 9);
    const struct graph_input *input = test_input(host, "second/a");
    assert_string_equal(input->source, "host");
    assert_string_equal(input->source_output, "first/a");
    assert_string_equal(test_node(graph, "compiled")->operators[0].id, "op");
    assert_string_equal(test_input(web, "w/d")->source_output, "op/d"); /* written without `op` */
    assert_string_equal(test_input(web, "w/same")->source_output, "op/d");
    assert_string_equal(test_input(test_node(graph, "compiled"), "op/c")->source_output, "solo/c");
    graph_free(graph);
}

static void modules_are_expanded(void **state)
{
    (void)state;
    struct graph *graph = load_valid("module_queues.yml", NULL);
    const struct graph_node *work = test_node(graph, "part.work"), *finish = test_node(graph, "part.finish");
    assert_null(graph_find(graph, "part"));
    assert_string_equal(work->path, "modules/work");
    assert_string_equal(finish->path, "finish.py");
    assert_string_equal(work->build, "make tools\nmake work");
    assert_int_equal(work->arg_count, 6); /* a param is put in before words are split */
    assert_string_equal(work->args[1], "x");
    assert_string_equal(test_env(work, "PARAM_GAIN"), "x y");
    assert_string_equal(test_env(work, "MODE"), "fast");
    assert_string_equal(work->machine, "robot");
    const struct graph_input *input = test_input(work, "in");
    assert_string_equal(input->source, "source");
    assert_int_equal(input->queue_size, 7);
    assert_int_equal(input->queue_policy, GRAPH_BACKPRESSURE);
    assert_int_equal(input->timeout_ns, 2000000000);
    assert_int_equal(test_input(work, "reset")->interval_ns, 1000000000);
    input = test_input(finish, "value");
    assert_string_equal(input->source, "part.deeper.op_node");
    assert_string_equal(input->source_output, "op/result");
    assert_string_equal(test_node(graph, "part.deeper.op_node")->operators[0].path, "modules/sub/inner.py");
    assert_string_equal(test_input(test_node(graph, "reader"), "out")->source, "part.finish");
    assert_string_equal(test_input(test_node(graph, "reader"), "direct")->source, "part.work");
    graph_free(graph);
    graph = load_valid("every_key.yml", NULL);
    assert_int_equal(test_node(graph, "part.work")->input_count, 1); /* `reset` is optional, and not wired */
    graph_free(graph);
}

static void pieces_are_valid_when_asked_for(void **state)
{
    (void)state;
    struct graph_options options = {.fragment = true};
    struct graph *graph = load_valid("modules/part.yml", &options);
    assert_int_equal(graph->node_count, 3);
    graph_free(graph);
    const char *node = "id: a\npath: a\ninputs: {i: elsewhere/o}\n";
    struct error error = ERROR_INIT;
    graph = graph_parse(node, strlen(node), "node.yml", &options, &error);
    assert_non_null(graph);
    assert_int_equal(graph->error_count, 0);
    assert_int_equal(graph->warning_count, 1);
    assert_int_equal(graph->node_count, 1);
    graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_filled_in),
        cmocka_unit_test(every_key_reaches_the_model),
        cmocka_unit_test(what_has_no_effect_yet_is_warned_of_by_name),
        cmocka_unit_test(a_node_runs_where_it_says_else_where_its_module_or_the_dataflow_does),
        cmocka_unit_test(timers_have_their_interval),
        cmocka_unit_test(env_values_are_expanded_and_coerced),
        cmocka_unit_test(args_are_split_as_a_shell_does),
        cmocka_unit_test(operators_ports_carry_their_operator),
        cmocka_unit_test(modules_are_expanded),
        cmocka_unit_test(pieces_are_valid_when_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
