#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/log_format.h"
#include "cli/log_print.h"
#include "base/uuid.h"

static const int64_t noon = 1767268800 * CLOCK_SECOND + 7 * CLOCK_MILLI; /* 2026-01-01T12:00:00.007Z */

static struct log_line make_line(const char *message)
{
    return (struct log_line){
        .node = "camera", .level = GRAPH_LOG_STDOUT, .unix_ns = noon, .message = message, .len = strlen(message)};
}

static void people_see_time_level_node_and_text(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    autobuf struct buf out = {0};
    struct log_line line = make_line("hello");
    log_format_pretty(&out, &line, 0);
    line.is_stderr = true;
    log_format_compact(&out, &line);
    line.level = GRAPH_LOG_WARN;
    line.target = "lens";
    line.fields = "{\"f\":1}";
    log_format_pretty(&out, &line, 0);
    log_format_compact(&out, &line);
    assert_string_equal(out.data, "12:00:00 stdout camera: hello\n"
                                  "12:00:00 stderr camera: hello\n"
                                  "12:00:00 WARN   camera: lens hello {\"f\":1}\n"
                                  "12:00:00 WARN camera: hello\n");
    buf_clear(&out);
    log_format_pretty(&out, &line, 36);
    assert_non_null(strstr(out.data, "\033[1;36mcamera\033[0m: "));
    assert_int_not_equal(log_format_color(0), log_format_color(1));
    assert_int_equal(log_format_color(0), log_format_color(10));
}

static void programs_see_an_object(void **state)
{
    (void)state;
    autobuf struct buf out = {0};
    struct log_line line = make_line("say \"é\"\t\xff");
    line.level = GRAPH_LOG_INFO;
    line.fields = "{\"f\":1}";
    log_format_json(&out, &line, "0198");
    json_t *object = json_loads(out.data, 0, NULL);
    assert_non_null(object);
    assert_string_equal(json_string_value(json_object_get(object, "message")), "say \"é\"\t\ufffd");
    assert_string_equal(json_string_value(json_object_get(object, "level")), "INFO");
    assert_string_equal(json_string_value(json_object_get(object, "dataflow_id")), "0198");
    assert_string_equal(json_string_value(json_object_get(object, "timestamp")), "2026-01-01T12:00:00.007000000Z");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(object, "fields"), "f")), 1);
    json_decref(object);
}

/* stdout is a pipe while a test runs. */
struct test {
    uv_loop_t loop;
    struct log_print *print;
    int read_end, old_stdout;
    int closed;
};

static void on_closed(void *context)
{
    ((struct test *)context)->closed++;
}

static struct graph graph;

static struct test *start(struct log_print_options options)
{
    struct test *test = calloc(1, sizeof *test);
    int ends[2];
    assert_true(test && pipe2(ends, O_CLOEXEC) == 0);
    fflush(stdout);
    test->old_stdout = dup(STDOUT_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[1]);
    test->read_end = ends[0];
    fcntl(test->read_end, F_SETFL, O_NONBLOCK);
    options.graph = &graph;
    options.format = LOG_COMPACT;
    options.on_closed = on_closed;
    options.context = test;
    uv_loop_init(&test->loop);
    test->print = log_print_open(&test->loop, &options);
    assert_non_null(test->print);
    return test;
}

static void finish(struct test *test)
{
    dup2(test->old_stdout, STDOUT_FILENO);
    close(test->old_stdout);
    cleanup_close(&test->read_end);
    log_print_close(test->print);
    uv_run(&test->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&test->loop), 0);
    free(test);
}

static void read_all(struct test *test, struct buf *out)
{
    ssize_t len;
    while ((len = read(test->read_end, buf_reserve(out, 65536), 65536)) > 0)
        out->len += (size_t)len;
    buf_add(out, "", 0);
}

static void levels_filter_by_node(void **state)
{
    (void)state;
    struct pairs filters = {.items = (struct pair[]){{(char[]){"lidar"}, (char[]){"debug"}}}, .count = 1};
    struct test *test = start((struct log_print_options){.level = GRAPH_LOG_INFO, .filters = &filters});
    struct log_line line = make_line("x");
    log_print_line(test->print, &line); /* level stdout */
    line.level = GRAPH_LOG_DEBUG;
    log_print_line(test->print, &line);
    line.node = "lidar";
    log_print_line(test->print, &line);
    line.level = GRAPH_LOG_TRACE;
    log_print_line(test->print, &line);
    log_print_flush(test->print);
    autobuf struct buf out = {0};
    read_all(test, &out);
    finish(test);
    assert_string_equal(out.data, "12:00:00 DEBUG lidar: x\n");
}

static void a_reader_that_hangs_costs_lines_and_is_told(void **state)
{
    (void)state;
    struct test *test = start((struct log_print_options){.level = GRAPH_LOG_STDOUT});
    char text[1001];
    memset(text, 'x', 1000);
    text[1000] = '\0';
    struct log_line line = make_line(text);
    for (int i = 0; i < 10000; i++)
        log_print_line(test->print, &line);
    autobuf struct buf out = {0};
    for (int i = 0; i < 1000; i++) {
        log_print_flush(test->print);
        read_all(test, &out);
    }
    finish(test);
    char *lost = strstr(out.data, "[dora]: ");
    assert_non_null(lost);
    size_t lines = strtoul(lost + 8, NULL, 10);
    for (const char *at = out.data; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 10001);
}

static void a_reader_that_leaves_is_noticed(void **state)
{
    (void)state;
    struct test *test = start((struct log_print_options){.level = GRAPH_LOG_STDOUT});
    close(take_fd(&test->read_end));
    struct log_line line = make_line("x");
    for (int i = 0; i < 3; i++) {
        log_print_line(test->print, &line);
        log_print_flush(test->print);
    }
    int closed = test->closed;
    finish(test);
    assert_int_equal(closed, 1);
}

static void uuids_differ_and_sort_by_time(void **state)
{
    (void)state;
    char a[UUID_TEXT], b[UUID_TEXT];
    uuid_make(a);
    uuid_make(b);
    assert_int_equal(strlen(a), 36);
    assert_int_equal(a[14], '7');
    assert_non_null(strchr("89ab", a[19]));
    assert_string_not_equal(a, b);
    assert_true(strncmp(a, b, 13) <= 0);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(people_see_time_level_node_and_text),
        cmocka_unit_test(programs_see_an_object),
        cmocka_unit_test(levels_filter_by_node),
        cmocka_unit_test(a_reader_that_hangs_costs_lines_and_is_told),
        cmocka_unit_test(a_reader_that_leaves_is_noticed),
        cmocka_unit_test(uuids_differ_and_sort_by_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
