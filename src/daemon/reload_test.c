/* Hot reload: when an operator is told that its file has changed. */
#include "daemon/daemon_testing.h"

static void write_file(const char *path, const char *text)
{
    autoclose int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void add_operator(struct run *run, struct graph_operator *op, const char *path)
{
    struct graph_node *node = add(run, "a", "hello", "until:START", "until:RELOAD", "until:RELOAD", "goodbye", NULL);
    *op = (struct graph_operator){.id = "show", .source = GRAPH_OPERATOR_PYTHON, .path = path};
    node->operators = op;
    node->operator_count = 1;
}

static size_t count(const struct run *run, const char *text)
{
    size_t found = 0;
    for (const char *at = run->said[0].data; at && (at = strstr(at, text)); at++)
        found++;
    return found;
}

static void test_written_and_renamed(void **state)
{
    struct run *run = *state;
    const char *path = file("show.py"), *other = file("show.py.new");
    struct graph_operator op;
    write_file(path, "one");
    add_operator(run, &op, "show.py"); /* in the graph's directory */
    start(run);
    run->dataflow->options.hot_reload = true;
    run_until(run, "a", "START");
    write_file(path, "two");
    run_until(run, "a", "RELOAD show");
    write_file(other, "three");
    assert_int_equal(count(run, "RELOAD"), 1);
    assert_int_equal(rename(other, path), 0);
    finish(run);
    assert_true(run->ok);
    assert_int_equal(count(run, "RELOAD"), 2);
}

static void test_not_asked_for(void **state)
{
    struct run *run = *state;
    const char *path = file("show.py");
    struct graph_operator op;
    write_file(path, "one");
    add_operator(run, &op, path);
    start(run);
    run_until(run, "a", "START");
    assert_null(run->dataflow->participants[0]->reload);
    dataflow_kill(run->dataflow);
    finish(run);
}

static void test_missing_file(void **state)
{
    struct run *run = *state;
    struct graph_operator op;
    add_operator(run, &op, "missing.py");
    start(run);
    run->dataflow->options.hot_reload = true;
    run_until(run, "a", "START");
    assert_non_null(strstr(run->notices.data, "node `a` won't be reloaded: missing.py can't be watched: No such file"));
    dataflow_kill(run->dataflow);
    finish(run);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(test_written_and_renamed),
        TEST(test_not_asked_for),
        TEST(test_missing_file),
    };
    RUN_TESTS(argc, argv, tests);
}
