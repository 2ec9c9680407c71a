/* Which machine a node gets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "coordinator/placement.h"

enum { MOST = 8 };

static struct placement_machine machines[3];
static size_t machine_count;

static int setup(void **state)
{
    (void)state;
    machines[0] = (struct placement_machine){"base", json_pack("{s:s}", "arch", "x86"), true};
    machines[1] = (struct placement_machine){"robot", json_pack("{s:s, s:s}", "arch", "arm", "gpu", "small"), false};
    machines[2] = (struct placement_machine){"box", json_pack("{s:s, s:s}", "arch", "x86", "gpu", "big"), false};
    machine_count = 3;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        json_decref((json_t *)machines[i].labels);
    return 0;
}

/* Places the nodes of `yaml`: the machines' names with blanks between them, or the error. */
static const char *place(const char *yaml)
{
    static char text[ERROR_MESSAGE_MAX];
    struct error error = ERROR_INIT;
    struct graph *graph = graph_parse(yaml, strlen(yaml), "test.yml", NULL, &error);
    size_t where[MOST];
    text[0] = '\0';
    assert_non_null(graph);
    assert_int_equal(graph->error_count, 0);
    int rc = placement_make(graph, machines, machine_count, where, &error);
    assert_true(rc == 0 || rc == -ENOENT);
    for (size_t i = 0; rc == 0 && i < graph->node_count; i++)
        sprintf(text + strlen(text), "%s%s", i ? " " : "", machines[where[i]].name);
    if (rc < 0)
        strcpy(text, error.message);
    graph_free(graph);
    return text;
}

static void test_the_name_counts_first_then_labels_then_the_dataflow_then_the_coordinators_own(void **state)
{
    (void)state;
    assert_string_equal(place("nodes: [{id: a, path: a}]"), "base");
    assert_string_equal(place("nodes: [{id: a, path: a, deploy: {machine: box}}, {id: b, path: b}]"), "box base");
    assert_string_equal(place("nodes: [{id: a, path: a, deploy: {machine: box, labels: {arch: arm}}}]"), "box");
    assert_string_equal(place("nodes: [{id: a, path: a, deploy: {labels: {arch: arm}}}]"), "robot");
    assert_string_equal(place("deploy: {machine: robot}\n"
                              "nodes: [{id: a, path: a}, {id: b, path: b, deploy: {labels: {gpu: big}}},\n"
                              "  {id: c, path: c, deploy: {working_dir: /opt}}]"),
                        "robot box robot");
    assert_string_equal(place("deploy: {labels: {gpu: big, arch: x86}}\nnodes: [{id: a, path: a}]"), "box");
}

static void test_of_several_with_the_labels_the_own_then_the_idlest_then_the_first_by_name(void **state)
{
    (void)state;
    assert_string_equal(place("deploy: {labels: {arch: x86}}\nnodes: [{id: a, path: a}, {id: b, path: b}]"),
                        "base base");
    machines[0].is_here = false;
    assert_string_equal(place("deploy: {labels: {arch: x86}}\n"
                              "nodes: [{id: a, path: a}, {id: b, path: b}, {id: c, path: c},\n"
                              "  {id: d, path: d, deploy: {machine: box}}, {id: e, path: e}]"),
                        "base box base box base");
}

static void assert_says(const char *yaml, const char *const *parts)
{
    const char *text = place(yaml);
    for (; *parts; parts++)
        if (!strstr(text, *parts))
            fail_msg("`%s` doesn't say `%s`", text, *parts);
}

static void test_the_error_names_node_and_wish_and_what_there_is(void **state)
{
    static const char *const by_name[] = {
        "node `a`", "machine `robt`", "`base` (arch=x86)", "`robot` (arch=arm, gpu=small)", "did you mean `robot`?",
        NULL};
    static const char *const by_labels[] = {"node `a`", "gpu=big, arch=arm", "`box` (arch=x86, gpu=big)", NULL};
    static const char *const nothing[] = {"node `a`", "coordinator's own machine has no daemon", "there are `robot`",
                                          NULL};
    static const char *const nobody[] = {"node `a`", "machine `box`", "none is there", NULL};
    (void)state;
    assert_says("nodes: [{id: a, path: a, deploy: {machine: robt}}]", by_name);
    assert_says("nodes: [{id: a, path: a, deploy: {labels: {gpu: big, arch: arm}}}]", by_labels);
    struct placement_machine own = machines[0];
    machines[0] = machines[1];
    machine_count = 1;
    assert_says("nodes: [{id: a, path: a}]", nothing);
    machine_count = 0;
    assert_says("nodes: [{id: a, path: a, deploy: {machine: box}}]", nobody);
    machines[0] = own;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_the_name_counts_first_then_labels_then_the_dataflow_then_the_coordinators_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_several_with_the_labels_the_own_then_the_idlest_then_the_first_by_name,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_error_names_node_and_wish_and_what_there_is, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
