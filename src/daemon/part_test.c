/* A dataflow of which some nodes are on another machine, with fake nodes that play the gateway at its edges. */
#include "daemon/daemon_testing.h"
#include "daemon/edge.h"
#include "daemon/part.h"

static const char *const first_here[] = {"here", "there"}, *const second_here[] = {"there", "here"};
static const struct daemon_part part_of_first = {"here", first_here, NULL},
                                part_of_second = {"here", second_here, NULL};

static void on_poll(void *context)
{
    alarm_set(((struct run *)context)->poll, 2 * CLOCK_MILLI);
}

/* Starts the dataflow as a part, and lets the loop go round where a file has to be looked at. */
static void start_part(struct run *run, const struct daemon_part *part)
{
    run->part = part;
    start(run);
    assert_int_equal(alarm_open(&run->poll, &run->loop, on_poll, run, NULL), 0);
    alarm_set(run->poll, 0);
}

#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        while (!(condition))                                                                                           \
            uv_run(&run->loop, UV_RUN_ONCE);                                                                           \
    } while (0)

/* Nodes see the whole dataflow, wherever its nodes are. */
static void assert_whole(struct run *run)
{
    struct buf whole = {0}, described = {0};
    assert_int_equal(graph_json(run->dataflow->graph, &whole, NULL), 0);
    assert_int_equal(description_write(run->dataflow, NULL, &described, NULL), 0);
    assert_string_equal(described.data, whole.data);
    buf_free(&whole);
    buf_free(&described);
}

static struct edge *edge_of(struct run *run, const char *topic)
{
    for (struct edge *edge = run->dataflow->part->edges; edge; edge = edge->next)
        if (strcmp(edge->topic, topic) == 0)
            return edge;
    fail_msg("no edge of %s", topic);
    return NULL;
}

/* A process that takes these steps, from the third on, and prints to the file whose name is returned. */
static const char *begin(const char **argv, const char *config)
{
    static char path[8][300];
    static unsigned next;
    char *file = path[next++ % 8];
    argv[0] = program;
    argv[1] = "node";
    snprintf(file, sizeof path[0], "%s/said-%u", directory, next);
    if (fork() == 0) {
        setenv(PROTO_CONFIG_ENV, config, 1);
        int fd = open(file, O_CREAT | O_TRUNC | O_WRONLY, 0600);
        if (fd >= 0 && dup2(fd, 1) == 1)
            execv(program, (char *const *)argv);
        _exit(1);
    }
    return file;
}

/* One that plays the gateway at this edge. */
static const char *play(struct edge *edge, ...)
{
    const char *argv[STEPS_MOST + 3] = {0};
    char config[PROTO_CONFIG_TEXT_MOST];
    struct error error = ERROR_INIT;
    size_t count = 2;
    va_list steps;
    assert_true(edge_wants_process(edge));
    if (edge_admit(edge, config, &error) < 0)
        fail_msg("%s", error.message);
    va_start(steps, edge);
    for (const char *step; (step = va_arg(steps, const char *));)
        argv[count++] = step;
    va_end(steps);
    return begin(argv, config);
}

/* One that is started by hand, as a dynamic node. */
static const char *run_alone(const struct run *run, const char *id)
{
    char step[300];
    snprintf(step, sizeof step, "join:%s%s", id, daemon_socket(run->daemon));
    return begin((const char *[]){NULL, NULL, step, "until:START", "sleep", NULL}, "");
}

static bool has_said(const char *path, const char *text)
{
    static char said[8192];
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, said, sizeof said - 1);
    said[len > 0 ? len : 0] = '\0';
    return strstr(said, text);
}

static void let_go(struct run *run)
{
    UNTIL(run->is_ready);
    assert_false(run->has_started);
    dataflow_release(run->dataflow);
    UNTIL(run->has_started);
}

static void test_output_goes_elsewhere(void **state)
{
    struct run *run = *state;
    const char *deliver = file("deliver");
    struct graph_node *a = add(run, "a", "hello", "until:START", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "exit:1", NULL);
    join(run, a, "x", b);
    join(run, a, "x", b);
    b->inputs[1].queue_size = 70;
    b->inputs[1].queue_policy = GRAPH_BACKPRESSURE;
    start_part(run, &part_of_first);
    run_until(run, "a", "OUTPUT 0 x");
    struct edge *edge = edge_of(run, "a/x");
    assert_true(edge->is_outgoing && edge_is_blocking(edge));
    assert_string_equal(edge->machine, "there");
    assert_false(run->is_ready);
    assert_whole(run);
    const char *said = play(edge, "hello", "until:ALL_INPUTS_CLOSED", words("wait", deliver), "goodbye", NULL);
    UNTIL(edge_is_up(edge));
    assert_int_equal(edge->process->in[0]->edges[0].policy, LINK_BACKPRESSURE);
    assert_int_equal(edge->process->in[0]->edges[0].limit, 70);
    let_go(run);
    UNTIL(has_said(said, "LINK_IN a 1\nSTART\nLINK_DOWN\nINPUT_CLOSED 0\nALL_INPUTS_CLOSED\n"));
    UNTIL(run->dataflow->to_end == 0);
    for (int i = 0; i < 5; i++)
        uv_run(&run->loop, UV_RUN_ONCE);
    assert_non_null(run->dataflow); /* it has something to deliver */
    assert_int_equal(part_patience(run->dataflow), CLOCK_NEVER);
    touch(deliver);
    finish(run);
    assert_true(run->ok);
    assert_string_equal(run->order, "a");
    assert_said(run, "b", "");
}

static void test_input_comes_from_elsewhere(void **state)
{
    struct run *run = *state;
    const char *end = file("end");
    struct graph_node *a = add(run, "a", "exit:1", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    start_part(run, &part_of_second);
    const char *said =
        play(edge_of(run, "a/x"), "hello", "until:START", words("wait", end), "close:0", "goodbye", NULL);
    let_go(run);
    UNTIL(has_said(said, "OUTPUT 0 a/x\nLINK_OUT b 1\nSTART\n"));
    run_until(run, "b", "START");
    assert_null(strstr(run->said[1].data, "INPUT_CLOSED"));
    assert_whole(run);
    touch(end);
    finish(run);
    assert_true(run->ok);
    assert_string_equal(run->order, "b");
    assert_non_null(strstr(run->said[1].data, "LINK_IN dora/watch-2 1\nSTART\nINPUT_CLOSED 0\nALL_INPUTS_CLOSED\n"));
}

static void test_edge_whose_process_dies_is_made_again(void **state)
{
    struct run *run = *state;
    const char *die = file("die"), *end = file("end");
    struct graph_node *a = add(run, "a", "exit:1", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    start_part(run, &part_of_second);
    struct edge *edge = edge_of(run, "a/x");
    play(edge, "hello", "until:START", words("wait", die), "kill:9", NULL);
    let_go(run);
    run_until(run, "b", "START");
    touch(die);
    run_until(run, "b", "LINK_DOWN");
    UNTIL(edge_wants_process(edge));
    play(edge, "hello", "until:START", words("wait", end), "goodbye", NULL);
    run_until(run, "b", "LINK_DOWN\nLINK_IN dora/watch-3 1");
    assert_null(strstr(run->said[1].data, "INPUT_CLOSED"));
    touch(end);
    finish(run);
    assert_true(run->ok);
}

static void test_outgoing_edge_made_again_sees_the_end(void **state)
{
    struct run *run = *state;
    const char *end = file("end"), *die = file("die");
    struct graph_node *a = add(run, "a", "hello", "until:START", words("wait", end), "goodbye", NULL);
    struct graph_node *b = add(run, "b", "exit:1", NULL);
    join(run, a, "x", b);
    start_part(run, &part_of_first);
    struct edge *edge = edge_of(run, "a/x");
    const char *said = play(edge, "hello", "until:ALL_INPUTS_CLOSED", words("wait", die), "kill:9", NULL);
    let_go(run);
    touch(end);
    UNTIL(has_said(said, "ALL_INPUTS_CLOSED"));
    touch(die);
    UNTIL(edge_wants_process(edge));
    said = play(edge, "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    finish(run);
    assert_true(run->ok);
    assert_true(has_said(said, "INPUT_CLOSED 0\nALL_INPUTS_CLOSED\n"));
}

static void test_publisher_is_restarted(void **state)
{
    struct run *run = *state;
    const char *die = file("die");
    struct graph_node *a =
        add(run, "a", "hello", "until:START", words("first:wait", die), "first:kill:11", "until:STOP", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "exit:1", NULL);
    a->restart = GRAPH_RESTART_ON_FAILURE;
    add_timer(a); /* without inputs it would not be started again */
    join(run, a, "x", b);
    start_part(run, &part_of_first);
    const char *said = play(edge_of(run, "a/x"), "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    let_go(run);
    touch(die);
    UNTIL(has_said(said, "START\nLINK_DOWN\nNODE_RESTARTED a\nLINK_IN a 1\n"));
    dataflow_stop(run->dataflow, 5 * CLOCK_SECOND);
    finish(run);
    assert_true(run->ok);
    assert_true(has_said(said, "ALL_INPUTS_CLOSED")); /* with the node, and not by the stop */
    assert_false(has_said(said, "STOP"));
}

static void test_failure_is_told_once(void **state)
{
    struct run *run = *state;
    struct error error = ERROR_INIT;
    struct graph_node *a = add(run, "a", "exit:1", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, a, "y", b);
    start_part(run, &part_of_second);
    const char *end = file("end");
    play(edge_of(run, "a/x"), "hello", "until:START", words("wait", end), "goodbye", NULL);
    play(edge_of(run, "a/y"), "hello", "until:START", words("wait", end), "goodbye", NULL);
    let_go(run);
    run_until(run, "b", "START");
    assert_int_equal(part_event(run->dataflow, "a/x", NULL, &error), 0);
    assert_int_equal(part_event(run->dataflow, "a/x", "exited with code 1", &error), 0);
    assert_int_equal(part_event(run->dataflow, "a/y", NULL, &error), 0);
    assert_int_equal(part_event(run->dataflow, "a/y", "exited with code 1", &error), 0);
    assert_int_equal(part_event(run->dataflow, "a/y", "exited with code 2", &error), 0);
    assert_int_equal(part_event(run->dataflow, "a/z", NULL, &error), -ENOENT);
    touch(end);
    finish(run);
    assert_true(run->ok);
    assert_non_null(strstr(run->said[1].data, "START\nNODE_RESTARTED a\nNODE_FAILED a exited with code 1\n"
                                              "NODE_FAILED a exited with code 2\n"));
}

static void test_lost_and_found(void **state)
{
    struct run *run = *state;
    struct error error = ERROR_INIT;
    const char *leave[] = {file("leave1"), file("leave2"), file("leave3")};
    struct graph_node *a = add(run, "a", "exit:1", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, b, "y", a);
    add_timer(b); /* which keeps it alive */
    start_part(run, &part_of_second);
    struct edge *in = edge_of(run, "a/x"), *out = edge_of(run, "b/y");
    play(in, "hello", "until:START", words("wait", leave[0]), "goodbye", NULL);
    play(out, "hello", "until:START", words("wait", leave[0]), "goodbye", NULL);
    let_go(run);
    run_until(run, "b", "START");
    assert_int_equal(part_lost(run->dataflow, "b", "there", &error), -EINVAL);
    assert_int_equal(part_lost(run->dataflow, "c", "there", &error), -ENOENT);
    assert_int_equal(part_lost(run->dataflow, "a", "there", &error), 0);
    assert_int_equal(part_settle(run->dataflow, &error), 0);
    assert_true(edge_wants_end(in) && edge_wants_end(out));
    run_until(run, "b", "NODE_FAILED a was lost with machine there");
    in->is_ending = out->is_ending = true; /* the gateway is asked to leave */
    touch(leave[0]);
    run_until(run, "b", "INPUT_CLOSED 0");
    UNTIL(!in->process && !out->process);
    assert_true(edge_all_up(run->dataflow));
    assert_int_equal(part_found(run->dataflow, "a", "elsewhere", &error), 0);
    assert_int_equal(part_settle(run->dataflow, &error), 0);
    run_until(run, "b", "INPUT_OPENED 0\nNODE_RESTARTED a");
    /* The edges to the old place are not the ones to the new. */
    in = edge_incoming(run->dataflow, "a/x");
    assert_string_equal(in->machine, "elsewhere");
    play(in, "hello", "until:START", words("wait", leave[1]), "goodbye", NULL);
    run_until(run, "b", "NODE_RESTARTED a\nLINK_IN");
    out = edge_of(run, "b/y");
    assert_string_equal(out->machine, "elsewhere");
    play(out, "hello", "until:START", words("wait", leave[2]), "goodbye", NULL);
    UNTIL(edge_all_up(run->dataflow));
    part_ended(run->dataflow, "elsewhere");
    assert_true(edge_wants_end(in) && edge_wants_end(out));
    in->is_ending = out->is_ending = true;
    touch(leave[1]);
    touch(leave[2]);
    UNTIL(!in->process && !out->process);
    dataflow_stop(run->dataflow, 5 * CLOCK_SECOND);
    finish(run);
    assert_true(run->ok);
}

static void test_stuck_gateway_holds_nothing_up(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:STOP", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "exit:1", NULL);
    join(run, a, "x", b);
    start_part(run, &part_of_first);
    play(edge_of(run, "a/x"), "hello", "sleep", NULL);
    let_go(run);
    run_until(run, "a", "START");
    dataflow_stop(run->dataflow, 5 * CLOCK_SECOND);
    finish(run);
    assert_true(run->ok);
}

static void test_stopped_before_it_is_let_go(void **state)
{
    struct run *run = *state;
    const char *heard = file("heard");
    struct graph_node *a = add(run, "a", "hello", "until:REFUSED", words("wait", heard), NULL);
    struct graph_node *b = add(run, "b", "exit:1", NULL);
    join(run, a, "x", b);
    start_part(run, &part_of_first);
    const char *said = play(edge_of(run, "a/x"), "hello", "until:REFUSED", words("make", heard), NULL);
    UNTIL(run->is_ready);
    dataflow_fail(run->dataflow, "machine there: no camera");
    UNTIL(has_said(said, "REFUSED The dataflow could not start: machine there: no camera"));
    finish(run);
    assert_false(run->ok);
    assert_string_equal(run->error, "machine there: no camera");
}

static void test_logs_stay_where_they_are(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "exit:1", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    b->inputs[b->input_count++] = (struct graph_input){
        .id = "log", .kind = GRAPH_INPUT_LOGS, .log_node = a->id, .log_level = GRAPH_LOG_UNSET, .queue_size = 10};
    start_part(run, &part_of_second);
    let_go(run);
    assert_non_null(
        strstr(run->notices.data, "input `log` of node `b` will get nothing: node `a` runs on machine there"));
    dataflow_stop(run->dataflow, 5 * CLOCK_SECOND);
    finish(run);
    assert_true(run->ok);
}

static void test_ended_from_the_start(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "exit:1", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, b, "y", a);
    start_part(run, &(struct daemon_part){"here", second_here, (const bool[]){true, false}});
    assert_null(run->dataflow->part->edges);
    let_go(run);
    finish(run);
    assert_true(run->ok);
}

static void test_dynamic_nodes(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "exit:1", NULL);
    struct graph_node *b = add(run, "b", NULL);
    struct graph_node *c = add(run, "c", "exit:1", NULL);
    a->kind = b->kind = GRAPH_NODE_DYNAMIC;
    join(run, c, "x", b);
    start_part(run, &(struct daemon_part){"here", (const char *const[]){"there", "here", "there"}, NULL});
    struct edge *edge = edge_of(run, "c/x");
    play(edge, "hello", "until:START", "sleep", NULL);
    let_go(run);
    const char *said = run_alone(run, "a"), *joined = run_alone(run, "b");
    UNTIL(has_said(said, "REFUSED node `a` belongs on machine there: start it there"));
    UNTIL(has_said(joined, "LINK_IN dora/watch-3 1\nSTART\n"));
    dataflow_stop(run->dataflow, 5 * CLOCK_SECOND); /* no node here counts: it would go on */
    finish(run);
    assert_true(run->ok);
}

static void test_refusals(void **state)
{
    struct run *run = *state;
    struct error error = ERROR_INIT;
    struct participant *added;
    char config[PROTO_CONFIG_TEXT_MOST];
    struct graph_node *a = add(run, "a", "exit:1", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:STOP", "goodbye", NULL);
    a->kind = GRAPH_NODE_DYNAMIC;
    join(run, a, "x", b);
    join(run, b, "y", a);
    a->outputs[a->output_count++].id = "z";
    start_part(run, &part_of_second);
    const char *end = file("end");
    play(edge_of(run, "a/x"), "hello", "until:START", words("wait", end), "goodbye", NULL);
    play(edge_of(run, "b/y"), "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    let_go(run);
    run_until(run, "b", "START");
    struct dataflow *dataflow = run->dataflow;
    assert_int_equal(topology_disconnect(dataflow, "a/x", "b/x", &error), -EPERM);
    assert_string_equal(error.message, "node `a` runs on machine there");
    assert_int_equal(topology_connect(dataflow, "b/y", "b/x", NULL, &error), -EEXIST);
    assert_int_equal(topology_connect(dataflow, "b/y", "a/y", NULL, &error), -EPERM);
    assert_int_equal(topology_add(dataflow, "id: c\npath: x\ninputs: {i: a/z}\n", NULL, NULL, &added, NULL, &error),
                     -EPERM);
    assert_int_equal(topology_add(dataflow, "id: a\npath: x\n", NULL, "a", &added, NULL, &error), -EPERM);
    assert_int_equal(watcher_publish(dataflow, "a/x", config, &error), -EPERM);
    assert_int_equal(watcher_open(dataflow, (const char *const[]){"a/z"}, 1, 1, config, &error), -EPERM);
    assert_int_equal(watcher_feed(dataflow, "a/y", config, &error), -EPERM);
    assert_int_equal(watcher_feed(dataflow, "b/x", config, &error), 0);
    assert_int_equal(watcher_open(dataflow, (const char *const[]){"a/x"}, 1, 1, config, &error), 0);
    dataflow_stop(dataflow, 5 * CLOCK_SECOND);
    finish(run);
    assert_true(run->ok);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_output_goes_elsewhere),
        TEST(test_input_comes_from_elsewhere),
        TEST(test_edge_whose_process_dies_is_made_again),
        TEST(test_outgoing_edge_made_again_sees_the_end),
        TEST(test_publisher_is_restarted),
        TEST(test_failure_is_told_once),
        TEST(test_lost_and_found),
        TEST(test_stuck_gateway_holds_nothing_up),
        TEST(test_stopped_before_it_is_let_go),
        TEST(test_logs_stay_where_they_are),
        TEST(test_ended_from_the_start),
        TEST(test_dynamic_nodes),
        TEST(test_refusals),
    };
    RUN_TESTS(argc, argv, tests);
}
