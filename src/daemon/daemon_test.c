/* The daemon with nodes that follow a script (fake_node.h): what each is told, in which order, and how it all ends. */
#include "daemon/daemon_testing.h"

/* ---- Start ---- */

static void test_links_come_before_start(void **state)
{
    struct run *run = *state;
    const char *late = file("late");
    struct graph_node *a = add(run, "a", "hello", "until:START", "goodbye", NULL);
    struct graph_node *b = add(run, "b", words("wait", late), "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, a, "y", b);
    join(run, b, "z", b);
    start(run);
    run_until(run, "a", "OUTPUT 1 y");
    assert_false(run->has_started);
    touch(late);
    run_until(run, "b", "INPUT_CLOSED 1");
    assert_true(run->has_started);
    assert_said(run, "a", "CONFIG a 0\nOUTPUT 0 x\nOUTPUT 1 y\nLINK_OUT b 2\nSTART\n");
    assert_string_equal(run->said[1].data, "CONFIG b 0\nOUTPUT 0 z\nINPUT 0 x\nINPUT 1 y\nINPUT 2 z\nLINK_IN a 2\n"
                                           "LINK_IN b 1\nLINK_OUT b 1\nSTART\nLINK_DOWN\nINPUT_CLOSED 0\n"
                                           "INPUT_CLOSED 1\n");
    dataflow_stop(run->dataflow, CLOCK_SECOND / 10);
    finish(run);
    assert_true(run->ok);
}

static void test_exit_before_hello_fails_the_start(void **state)
{
    struct run *run = *state;
    const char *joined = file("joined");
    struct graph_node *a = add(run, "a", "hello", "until:REFUSED", "exit:1", NULL);
    struct graph_node *b = add(run, "b", words("wait", joined), "err:no camera", "exit:3", NULL);
    add(run, "c", "sleep", NULL);
    join(run, b, "x", a);
    start(run);
    run_until(run, "a", "INPUT 0 x");
    touch(joined);
    finish(run);
    assert_false(run->ok);
    assert_false(run->has_started);
    assert_memory_equal(run->order, "b ", 2);
    assert_int_equal(run->results[1].cause, NODE_EXITED);
    assert_int_equal(run->results[1].code, 3);
    assert_string_equal(run->results[1].tail, "no camera\n");
    assert_int_equal(run->results[0].cause, NODE_CASCADING);
    assert_string_equal(run->results[0].because, "b");
    assert_int_equal(run->results[2].cause, NODE_CASCADING);
    assert_non_null(strstr(run->said[0].data, "REFUSED Node b exited before initializing dora. For more information, "
                                              "run `dora logs 0-0-0 --node b`."));
}

static void test_programs_that_know_nothing_of_dora(void **state)
{
    struct run *run = *state;
    const char *first = file("first");
    add(run, "a", words("wait", first), NULL);
    add(run, "b", "say:hello", NULL);
    start(run);
    run_until(run, "b", "hello");
    while (run->dataflow && run->dataflow->ended_count == 0)
        uv_run(&run->loop, UV_RUN_ONCE);
    touch(first);
    finish(run);
    assert_true(run->ok);
}

static void test_missing_program(void **state)
{
    struct run *run = *state;
    add(run, "a", "sleep", NULL);
    add(run, "b", NULL)->path = "/nowhere/to/be/found";
    add(run, "c", "sleep", NULL);
    run_all(run);
    assert_false(run->ok);
    assert_int_equal(run->results[1].cause, NODE_NOT_SPAWNED);
    assert_int_equal(run->results[1].code, -ENOENT);
    assert_int_equal(run->results[0].cause, NODE_CASCADING);
    assert_int_equal(run->results[2].cause, NODE_CASCADING);
    assert_memory_equal(run->order, "b", 1);
}

static void test_other_version(void **state)
{
    struct run *run = *state;
    add(run, "a", "version:99", "hello", "until:REFUSED", "exit:1", NULL);
    run_all(run);
    assert_false(run->ok);
    assert_non_null(strstr(run->said[0].data, "REFUSED this node was built with libdora 0.0, which speaks version 99"));
}

/* ---- End ---- */

static void test_close_output(void **state)
{
    struct run *run = *state;
    const char *seen = file("seen");
    struct graph_node *a = add(run, "a", "hello", "until:START", "close:1", words("wait", seen), "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, a, "y", b);
    start(run);
    run_until(run, "b", "INPUT_CLOSED 1");
    touch(seen);
    finish(run);
    assert_true(run->ok);
    assert_non_null(strstr(run->said[1].data, "START\nINPUT_CLOSED 1\nLINK_DOWN\nINPUT_CLOSED 0\nALL_INPUTS_CLOSED\n"));
}

/* A node that says why it fails, and leaves: those that listen to it hear of that before their input ends. */
static void test_failure_comes_before_the_end(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:START", "fail:no film", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    run_all(run);
    assert_false(run->ok);
    assert_string_equal(run->results[0].message, "failed: no film");
    assert_said(run, "b",
                "CONFIG b 0\nINPUT 0 x\nLINK_IN a 1\nSTART\nNODE_FAILED a failed: no film\nLINK_DOWN\n"
                "INPUT_CLOSED 0\nALL_INPUTS_CLOSED\n");
}

static void check_failure(struct run *run, const char *how, const char *message)
{
    struct graph_node *a = add(run, "a", "hello", "until:START", how, "sleep", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    struct graph_node *c = add(run, "c", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, b, "y", c);
    run_all(run);
    assert_false(run->ok);
    assert_string_equal(run->results[0].message, message);
    assert_true(run->results[1].ok && run->results[2].ok);
    char expected[512];
    snprintf(expected, sizeof expected, "START\nNODE_FAILED a %s\nLINK_DOWN\nINPUT_CLOSED 0\nALL_INPUTS_CLOSED\n",
             message);
    assert_non_null(strstr(run->said[1].data, expected));
    assert_null(strstr(run->said[2].data, "NODE_FAILED"));
}

static void test_failed_node(void **state)
{
    check_failure(*state, "exit:7", "exited with code 7");
}

static void test_killed_node(void **state)
{
    check_failure(*state, "kill:9", "exited because of signal SIGKILL");
}

static void check_dropped(struct run *run, const char *how, const char *why)
{
    struct graph_node *a = add(run, "a", "hello", "until:START", how, "sleep", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    run_all(run);
    assert_int_equal(run->results[0].cause, NODE_BROKE_PROTOCOL);
    assert_non_null(strstr(run->results[0].message, why));
    assert_true(run->results[1].ok);
}

static void test_garbage(void **state)
{
    check_dropped(*state, "garbage", "no message of dora's protocol");
}

static void test_unexpected_packet(void **state)
{
    check_dropped(*state, "unexpected", "no node sends now");
}

static void test_flood(void **state)
{
    check_dropped(*state, "flood", "floods");
}

static void test_hang_up(void **state)
{
    struct run *run = *state;
    const char *seen = file("seen");
    struct graph_node *a = add(run, "a", "hello", "until:START", "hang", words("wait", seen), NULL);
    struct graph_node *b =
        add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", words("say", "told"), "until:LINK_DOWN", "goodbye", NULL);
    join(run, a, "x", b);
    start(run);
    run_until(run, "b", "told");
    assert_null(strstr(run->said[1].data, "LINK_DOWN"));
    touch(seen);
    finish(run);
    assert_true(run->ok);
    assert_non_null(strstr(run->said[1].data, "LINK_DOWN"));
}

/* A subscriber's memory can be written again only when its process is dead. */
static void test_publisher_learns_of_dead_subscriber(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:LINK_DOWN", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:START", "kill:9", NULL);
    join(run, a, "x", b);
    run_all(run);
    assert_said(run, "a", "CONFIG a 0\nOUTPUT 0 x\nLINK_OUT b 1\nSTART\nLINK_DOWN\n");
    assert_string_equal(run->order, "b a");
}

/* As with a Python node under a launcher: the process that says HELLO is not the one that was spawned. */
static void test_wrapped_node(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "wrap", "hello", "until:START", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "wrap", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    add(run, "c", "wrap", "hello", "until:END", "goodbye", NULL);
    join(run, a, "x", b);
    start(run);
    run_until(run, "b", "ALL_INPUTS_CLOSED");
    dataflow_stop(run->dataflow, CLOCK_SECOND / 10);
    finish(run);
    assert_true(run->results[0].ok && run->results[1].ok);
}

static void test_killed_wrapper(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "wrap", "hello", "until:START", "sleep", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    start(run);
    run_until(run, "b", "START");
    kill(run->dataflow->participants[0]->pid, SIGKILL);
    finish(run);
    assert_int_equal(run->results[0].cause, NODE_SIGNALED);
    assert_true(run->results[1].ok);
}

static void test_nothing_is_left(void **state)
{
    struct run *run = *state;
    const char *left = file("left");
    add(run, "a", "hello", "until:START", words("leave", left), "goodbye", NULL);
    run_all(run);
    assert_true(run->ok);
    autofile FILE *f = fopen(left, "r");
    int pid = 0;
    assert_int_equal(fscanf(f, "%d", &pid), 1);
    assert_int_equal(kill(pid, 0), -1);
}

/* ---- Restart ---- */

static void test_restart(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:START", "first:exit:1", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    add_timer(a);
    a->restart = GRAPH_RESTART_ON_FAILURE;
    run_all(run);
    assert_true(run->ok);
    assert_int_equal(run->results[0].restarts, 1);
    assert_said(run, "b",
                "CONFIG b 0\nINPUT 0 x\nLINK_IN a 1\nSTART\nLINK_DOWN\nNODE_RESTARTED a\nLINK_IN a 1\n"
                "LINK_DOWN\nINPUT_CLOSED 0\nALL_INPUTS_CLOSED\n");
    assert_said(run, "a",
                "CONFIG a 0\nOUTPUT 0 x\nINPUT 0 tick\nLINK_OUT b 1\nSTART\n"
                "CONFIG a 1\nOUTPUT 0 x\nINPUT 0 tick\nLINK_OUT b 1\nSTART\n");
}

static void test_restarts_are_used_up(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:START", "exit:1", NULL);
    add_timer(a);
    a->restart = GRAPH_RESTART_ALWAYS;
    a->max_restarts = 2;
    run_all(run);
    assert_false(run->ok);
    assert_int_equal(run->results[0].restarts, 2);
    assert_non_null(strstr(run->notices.data, "max restarts (2) exceeded, giving up"));
}

static void test_no_restart_without_inputs(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:START", "exit:1", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "exit:1", NULL);
    join(run, a, "x", b);
    a->restart = b->restart = GRAPH_RESTART_ALWAYS;
    run_all(run);
    assert_int_equal(run->results[0].restarts, 0);
    assert_int_equal(run->results[1].restarts, 0);
}

static void test_stop_during_delay(void **state)
{
    struct run *run = *state;
    struct graph_node *a = add(run, "a", "hello", "until:START", "exit:1", NULL);
    add_timer(a);
    a->restart = GRAPH_RESTART_ALWAYS;
    a->restart_delay_ns = 3600 * CLOCK_SECOND;
    start(run);
    while (!run->notices.data || !strstr(run->notices.data, "restarting"))
        uv_run(&run->loop, UV_RUN_ONCE);
    dataflow_stop(run->dataflow, CLOCK_SECOND);
    finish(run);
    assert_int_equal(run->results[0].cause, NODE_EXITED);
}

static void test_health(void **state)
{
    struct run *run = *state;
    add(run, "a", "hello", "until:START", "sleep", NULL)->health_check_timeout_ns = CLOCK_SECOND / 100;
    run_all(run);
    assert_int_equal(run->results[0].cause, NODE_UNHEALTHY);
}

/* ---- Stop ---- */

static void test_stop_ladder(void **state)
{
    struct run *run = *state;
    add(run, "good", "hello", "until:STOP", "goodbye", NULL);
    add(run, "slow", "hello", "until:START", "sleep", NULL);
    add(run, "deaf", "deaf", "hello", "until:START", "sleep", NULL);
    add(run, "bad", "hello", "until:STOP", "exit:4", NULL);
    start(run);
    while (!run->has_started)
        uv_run(&run->loop, UV_RUN_ONCE);
    dataflow_stop(run->dataflow, CLOCK_SECOND / 5);
    finish(run);
    assert_false(run->ok);
    assert_true(run->results[0].ok && run->results[1].ok);
    assert_int_equal(run->results[2].cause, NODE_GRACE_KILLED);
    assert_int_equal(run->results[3].cause, NODE_EXITED);
    assert_string_equal(run->order, "bad deaf good slow");
}

static void test_stop_before_start(void **state)
{
    struct run *run = *state;
    const char *never = file("never");
    add(run, "a", "hello", "until:REFUSED", "exit:1", NULL);
    add(run, "b", words("wait", never), "hello", "until:REFUSED", "exit:1", NULL);
    start(run);
    run_until(run, "a", "CONFIG");
    dataflow_stop(run->dataflow, CLOCK_SECOND * 10);
    run_until(run, "a", "REFUSED");
    touch(never);
    finish(run);
    assert_true(run->ok);
    assert_false(run->has_started);
}

static void test_kill(void **state)
{
    struct run *run = *state;
    add(run, "a", "deaf", "hello", "until:START", "sleep", NULL);
    start(run);
    run_until(run, "a", "START");
    dataflow_stop(run->dataflow, CLOCK_NEVER);
    dataflow_kill(run->dataflow);
    finish(run);
    assert_int_equal(run->results[0].cause, NODE_KILLED);
}

static void test_close_while_it_runs(void **state)
{
    struct run *run = *state;
    const char *left = file("left");
    add(run, "a", "hello", "until:START", words("leave", left), "sleep", NULL);
    add(run, "b", "sleep", NULL);
    start(run);
    run_until(run, "a", "CONFIG");
    /* teardown closes the daemon, and looks whether something is left */
}

/* ---- Dynamic nodes ---- */

static pid_t run_by_hand(const char *first, ...)
{
    char *steps[STEPS_MOST] = {program, (char *)"node", (char *)first};
    va_list rest;
    va_start(rest, first);
    for (int i = 3; i < STEPS_MOST && (steps[i] = va_arg(rest, char *)); i++)
        ;
    va_end(rest);
    pid_t pid = fork();
    if (pid == 0) {
        execv(program, steps);
        _exit(127);
    }
    return pid;
}

static void test_dynamic_node(void **state)
{
    struct run *run = *state;
    const char *end = file("end"), *out = file("answers"), *refused = file("refused"), *joined = file("joined");
    struct graph_node *a = add(run, "a", "hello", "until:LINK_OUT", "until:LINK_OUT", words("say", "twice"),
                               words("wait", end), "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    struct graph_node *d = add(run, "d", NULL);
    d->kind = GRAPH_NODE_DYNAMIC;
    join(run, a, "x", d);
    join(run, d, "y", b);
    start(run);
    while (!run->has_started)
        uv_run(&run->loop, UV_RUN_ONCE);
    char hand[300], other[300];
    snprintf(other, sizeof other, "join:a%s", daemon_socket(run->daemon));
    snprintf(hand, sizeof hand, "join:d%s", daemon_socket(run->daemon));
    fflush(NULL);
    int saved = dup(1), to = open(out, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    dup2(to, 1);
    run_by_hand(other, "until:REFUSED", words("make", refused), words("wait", end), NULL);
    run_by_hand(hand, "until:START", "goodbye", hand, "until:START", words("make", joined), NULL);
    dup2(saved, 1);
    close(saved);
    close(to);
    run_until(run, "b", "ALL_INPUTS_CLOSED");
    assert_non_null(strstr(run->said[1].data, "START\nLINK_IN d 1\n"));
    run_until(run, "a", "twice");
    while (access(refused, F_OK) < 0 || access(joined, F_OK) < 0) {
        uv_run(&run->loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    touch(end);
    finish(run);
    assert_true(run->ok);
    autobuf struct buf text = {0};
    autofile FILE *f = fopen(out, "r");
    for (int c; (c = getc(f)) != EOF;)
        buf_putc(&text, (char)c);
    assert_non_null(strstr(text.data, "CONFIG d 0\nOUTPUT 0 y\nINPUT 0 x\nLINK_IN a 1\nLINK_OUT b 1\nSTART\n"));
    assert_non_null(strstr(strstr(text.data, "START") + 5, "LINK_IN a 1\n"));
    assert_non_null(strstr(text.data, "REFUSED node `a` is not dynamic"));
}

static void test_two_dataflows(void **state)
{
    struct run *run = *state, *other = calloc(1, sizeof *other);
    const char *end = file("end");
    struct graph_node *a =
        add(run, "a", "hello", "until:ALL_INPUTS_CLOSED", words("say", "closed"), "until:STOP", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:START", words("wait", end), "goodbye", NULL);
    join(run, b, "x", a);
    start(run);
    assert_non_null(other);
    other->graph = (struct graph){.path = "other.yml", .directory = directory, .nodes = other->nodes};
    add(other, "a", "hello", "until:START", "goodbye", NULL);
    struct daemon_observer observer = {.context = other, .log = on_log, .notice = on_notice, .finished = on_finished};
    struct dataflow *dataflow;
    assert_int_equal(daemon_start(run->daemon, &other->graph, "0-0-1", &observer, &dataflow, NULL), 0);
    while (!other->order[0])
        uv_run(&run->loop, UV_RUN_ONCE);
    assert_true(other->ok);
    touch(end);
    run_until(run, "a", "closed");
    dataflow_stop(run->dataflow, CLOCK_SECOND);
    finish(run);
    assert_true(run->ok);
    buf_free(&other->said[0]);
    buf_free(&other->notices);
    free(other);
}

/* ---- Out of descriptors ---- */

/* A dataflow of three nodes in a process that may open `limit` files. */
static _Noreturn void run_limited(rlim_t limit)
{
    void *state;
    signal(SIGSEGV, SIG_DFL); /* the test framework would go on with the next test */
    if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){limit, limit}) < 0 || setup(&state) < 0)
        _exit(2); /* not even a loop */
    struct run *run = state;
    struct graph_node *a = add(run, "a", "hello", "until:START", "goodbye", NULL);
    struct graph_node *b = add(run, "b", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    struct graph_node *c = add(run, "c", "hello", "until:ALL_INPUTS_CLOSED", "goodbye", NULL);
    join(run, a, "x", b);
    join(run, b, "y", c);
    struct daemon_options options = {.exit_when_nodes_finish = -1};
    struct daemon_observer observer = {.context = run, .notice = on_notice, .finished = on_finished};
    struct error error = ERROR_INIT;
    if (daemon_open(&run->daemon, &run->loop, &options, &error) < 0 ||
        daemon_start(run->daemon, &run->graph, "0-0-0", &observer, &run->dataflow, &error) < 0)
        _exit(strstr(error.message, strerror(EMFILE)) ? 2 : 3);
    finish(run);
    if (run->ok)
        _exit(0);
    bool is_named =
        strstr(run->error, strerror(EMFILE)) || (run->notices.data && strstr(run->notices.data, strerror(EMFILE)));
    for (int i = 0; i < 3; i++)
        is_named = is_named || strstr(run->results[i].message, strerror(EMFILE));
    if (!is_named)
        fprintf(stderr, "limit %d: %s %s\n", (int)limit, run->error, run->notices.data);
    _exit(is_named ? 1 : 4);
}

static void test_out_of_descriptors(void **state)
{
    (void)state;
    fflush(NULL);
    int status = -1;
    /* Until all goes well: each call that needs a descriptor is the first to fail once. */
    for (rlim_t limit = 4; limit < 100 && status != 0; limit++) {
        pid_t pid = fork();
        if (pid == 0)
            run_limited(limit);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 2)
            fail_msg("with %d descriptors: status %x", (int)limit, (unsigned)status);
    }
    assert_int_equal(status, 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_links_come_before_start),
        TEST(test_exit_before_hello_fails_the_start),
        TEST(test_programs_that_know_nothing_of_dora),
        TEST(test_missing_program),
        TEST(test_other_version),
        TEST(test_close_output),
        TEST(test_failure_comes_before_the_end),
        TEST(test_failed_node),
        TEST(test_killed_node),
        TEST(test_garbage),
        TEST(test_unexpected_packet),
        TEST(test_flood),
        TEST(test_hang_up),
        TEST(test_publisher_learns_of_dead_subscriber),
        TEST(test_nothing_is_left),
        TEST(test_wrapped_node),
        TEST(test_killed_wrapper),
        TEST(test_restart),
        TEST(test_restarts_are_used_up),
        TEST(test_no_restart_without_inputs),
        TEST(test_stop_during_delay),
        TEST(test_health),
        TEST(test_stop_ladder),
        TEST(test_stop_before_start),
        TEST(test_kill),
        TEST(test_close_while_it_runs),
        TEST(test_dynamic_node),
        TEST(test_two_dataflows),
        cmocka_unit_test(test_out_of_descriptors),
    };
    RUN_TESTS(argc, argv, tests);
}
