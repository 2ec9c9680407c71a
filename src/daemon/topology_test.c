/* A dataflow is changed while it runs: what the nodes it concerns are told, and the others are not. */
#include "daemon/daemon_testing.h"

/* A node that is added: its YAML, and a place in the run for what it says. */
static const char *yaml_of(struct run *run, const char *id, const char *steps, const char *ports)
{
    static char text[2048];
    add(run, id, NULL);
    snprintf(text, sizeof text, "id: %s\npath: %s\nargs: \"node %s\"\n%s\n", id, program, steps, ports);
    return text;
}

static struct participant *must_add(struct run *run, const char *yaml, const char *replaces)
{
    struct error error = ERROR_INIT;
    struct participant *added = NULL;
    if (topology_add(run->dataflow, yaml, directory, replaces, &added, NULL, &error) < 0)
        fail_msg("%s", error.message);
    return added;
}

static void end(struct run *run)
{
    dataflow_stop(run->dataflow, 5 * CLOCK_SECOND);
    finish(run);
    assert_true(run->ok);
}

static int count(struct run *run, const char *id, const char *word)
{
    int found = 0;
    const struct buf *said = &run->said[index_of(run, id)];
    for (const char *at = said->data; at && (at = strstr(at, word)); at++)
        found++;
    return found;
}

static void test_added_node(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:STOP", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    join(run, a, "x", b);
    start(run);
    run_until(run, "b", "START");
    must_add(run, yaml_of(run, "c", "hello until:STOP goodbye", "inputs: {in: a/x}"), NULL);
    run_until(run, "c", "START");
    run_until(run, "a", "LINK_OUT c 1");
    assert_said(run, "c", "CONFIG c 0\nINPUT 0 in\nLINK_IN a 1\nSTART\n");
    end(run);
    assert_said(run, "b", "CONFIG b 0\nINPUT 0 x\nLINK_IN a 1\nSTART\nSTOP\n");
}

static void test_added_node_that_fails_was_never_there(void **state)
{
    struct run *run = *state;
    add(run, "a", "hello", "until:STOP", "goodbye", NULL);
    start(run);
    run_until(run, "a", "START");
    must_add(run, yaml_of(run, "c", "exit:3", ""), NULL);
    while (population_find(run->dataflow, "c"))
        uv_run(&run->loop, UV_RUN_ONCE);
    assert_non_null(strstr(run->notices.data, "node `c` exited with code 3"));
    end(run);
    assert_string_equal(run->order, "a");
}

static void test_disconnected_and_connected_again(void **state)
{
    struct run *run = *state;
    struct error error = ERROR_INIT;
    const char *go = file("go");
    struct graph_node *a =
        add(run, "a", "hello", "until:EDGE_DOWN", "until:LINK_OUT", words("wait", go), "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, a, "y", b);
    start(run);
    run_until(run, "b", "START");
    run_until(run, "a", "START");
    assert_int_equal(topology_disconnect(run->dataflow, "a/x", "b/x", &error), 0);
    assert_int_equal(topology_disconnect(run->dataflow, "a/x", "b/x", &error), -ENOENT);
    run_until(run, "b", "EDGE_DOWN");
    assert_int_equal(topology_connect(run->dataflow, "a/y", "b/y", NULL, &error), -EEXIST);
    assert_int_equal(topology_connect(run->dataflow, "a/y", "b/x", NULL, &error), 0);
    run_until(run, "b", "LINK_IN a 1");
    assert_int_equal(count(run, "b", "INPUT_"), 0);
    touch(go);
    finish(run);
    assert_true(run->ok);
    assert_int_equal(count(run, "b", "LINK_DOWN"), 2);
    assert_int_equal(count(run, "b", "INPUT_CLOSED"), 2);
}

static void test_loose_input_closes_with_the_others(void **state)
{
    struct run *run = *state;
    struct error error = ERROR_INIT;
    const char *go = file("go");
    struct graph_node *a = add(run, "a", "hello", "until:EDGE_DOWN", words("wait", go), "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, a, "y", b);
    start(run);
    run_until(run, "b", "START");
    run_until(run, "a", "START");
    assert_int_equal(topology_disconnect(run->dataflow, "a/x", "b/x", &error), 0);
    run_until(run, "a", "EDGE_DOWN");
    touch(go);
    finish(run);
    assert_true(run->ok);
    assert_int_equal(count(run, "b", "INPUT_CLOSED"), 2);
}

static void test_closed_input_is_opened(void **state)
{
    struct run *run = *state;
    struct error error = ERROR_INIT;
    struct graph_node *a = add(run, "a", "hello", "until:START", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    struct graph_node *c = add(run, "c", "hello", "until:STOP", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, c, "y", b);
    start(run);
    run_until(run, "b", "INPUT_CLOSED 0");
    assert_int_equal(topology_connect(run->dataflow, "a/x", "b/x", NULL, &error), -EEXIST);
    assert_int_equal(topology_connect(run->dataflow, "c/y", "b/x", NULL, &error), 0);
    run_until(run, "b", "LINK_IN c 1\nSTART");
    run_until(run, "b", "INPUT_OPENED 0\nLINK_IN c 1");
    end(run);
}

static void on_settled(void *context, int code, const char *why)
{
    (void)why;
    *(int *)context = code;
}

static void test_one_node_is_restarted(void **state)
{
    struct run *run = *state;
    int code = 1;
    struct graph_node *a = add(run, "a", "hello", "until:STOP", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    join(run, a, "x", b);
    start(run);
    run_until(run, "b", "START");
    run_until(run, "a", "START");
    struct participant *participant = population_find(run->dataflow, "a");
    assert_int_equal(population_wait(participant, true, on_settled, &code), 0);
    halt_begin(participant, HALT_RESTART, CLOCK_SECOND);
    while (code == 1)
        uv_run(&run->loop, UV_RUN_ONCE);
    assert_int_equal(code, 0);
    run_until(run, "b", "LINK_DOWN\nNODE_RESTARTED a\nLINK_IN a 1");
    run_until(run, "a", "CONFIG a 1");
    assert_int_equal(count(run, "b", "INPUT_CLOSED"), 0);
    end(run);
}

static void test_deaf_node_is_killed_alone(void **state)
{
    struct run *run = *state;
    int code = 1;
    add(run, "a", "hello", "deaf", "until:START", "sleep", NULL);
    add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    start(run);
    run_until(run, "a", "START");
    struct participant *participant = population_find(run->dataflow, "a");
    assert_int_equal(population_wait(participant, false, on_settled, &code), 0);
    halt_begin(participant, HALT_STOP, CLOCK_SECOND / 50);
    while (code == 1)
        uv_run(&run->loop, UV_RUN_ONCE);
    assert_int_equal(code, 0);
    assert_int_equal(participant->result.cause, NODE_GRACE_KILLED);
    dataflow_stop(run->dataflow, CLOCK_SECOND);
    finish(run);
    assert_false(run->ok);
    assert_true(run->results[1].ok);
}

static void test_replaced_node(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:STOP", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    join(run, a, "x", b);
    start(run);
    run_until(run, "b", "START");
    run_until(run, "a", "START");
    char yaml[1024];
    snprintf(yaml, sizeof yaml, "id: a\npath: %s\nargs: \"node say:new hello until:STOP goodbye\"\noutputs: [w, x]\n",
             program);
    struct participant *old = population_find(run->dataflow, "a"), *new = must_add(run, yaml, "a");
    new->halt_grace_ns = CLOCK_SECOND;
    while (population_find(run->dataflow, "a") == old)
        uv_run(&run->loop, UV_RUN_ONCE);
    run_until(run, "b", "LINK_IN a 1\nSTART\nLINK_IN a 1\n");
    run_until(run, "b", "LINK_DOWN");
    assert_int_equal(count(run, "b", "INPUT_CLOSED"), 0);
    assert_true(new->state == PARTICIPANT_RUNNING);
    end(run);
}

static void test_refusals(void **state)
{
    struct run *run = *state;
    struct error error = ERROR_INIT;
    struct participant *added;
    struct graph_node *a = add(run, "a", "hello", "until:STOP", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    join(run, a, "x", b);
    start(run);
    assert_int_equal(topology_add(run->dataflow, "id: c\npath: x\n", NULL, NULL, &added, NULL, &error), -EPERM);
    run_until(run, "b", "START");
    static const struct {
        const char *yaml, *replaces;
        int code;
    } cases[] = {
        {"id: a\npath: x\n", NULL, -EINVAL},
        {"id: c\n", NULL, -EINVAL},
        {"nodes: []\n", NULL, -EINVAL},
        {"id: c\npath: x\ninputs: {i: a/none}\n", NULL, -EINVAL},
        {"- id: c\n", NULL, -EINVAL},
        {"", NULL, -EINVAL},
        {"id: c\npath: x\n---\nid: d\n", NULL, -EINVAL},
        {"id: a\npath: x\n", "none", -ENOENT},
        {"id: b\npath: x\n", "a", -EINVAL},
        {"id: a\npath: x\n", "a", -EINVAL},
        {"id: a\npath: x\noutputs: [x]\ninputs: {i: b/x}\n", "a", -EINVAL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int rc = topology_add(run->dataflow, cases[i].yaml, NULL, cases[i].replaces, &added, NULL, &error);
        if (rc != cases[i].code)
            fail_msg("case %zu: %d %s", i, rc, error.message);
    }
    assert_int_equal(run->dataflow->count, 2);
    end(run);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_added_node),
        TEST(test_added_node_that_fails_was_never_there),
        TEST(test_disconnected_and_connected_again),
        TEST(test_loose_input_closes_with_the_others),
        TEST(test_closed_input_is_opened),
        TEST(test_one_node_is_restarted),
        TEST(test_deaf_node_is_killed_alone),
        TEST(test_replaced_node),
        TEST(test_refusals),
    };
    RUN_TESTS(argc, argv, tests);
}
