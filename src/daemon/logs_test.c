#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "daemon/logs.h"

static char directory[] = "/tmp/dora-logs-XXXXXX";

struct test {
    uv_loop_t loop;
    struct logs *logs;
    int out, err; /* the node's ends */
    char path[64];
    struct buf seen, warnings;
    size_t lines, bytes;
    bool ended;
};

static void on_line(void *context, const struct log_line *line)
{
    struct test *test = context;
    test->lines++;
    test->bytes += line->len;
    assert_int_equal(line->message[line->len], '\0');
    if (line->len < 1000)
        buf_printf(&test->seen, "%s %s%s %s%s%s|", line->node, graph_log_level_name(line->level),
                   line->is_stderr ? " err" : "", line->message, line->target ? " @" : "",
                   line->target ? line->target : "");
}

static void on_warning(void *context, const char *text)
{
    buf_printf(&((struct test *)context)->warnings, "%s|", text);
}

static void on_end(void *context)
{
    ((struct test *)context)->ended = true;
}

static struct test *start(struct logs_options options)
{
    struct test *test = calloc(1, sizeof *test);
    int out[2], err[2];
    assert_true(test && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    fcntl(err[0], F_SETFL, O_NONBLOCK);
    test->out = out[1];
    test->err = err[1];
    snprintf(test->path, sizeof test->path, "%s/log_n.jsonl", directory);
    assert_int_equal(uv_loop_init(&test->loop), 0);
    options.node = "n";
    options.path = options.path ? options.path : test->path;
    options.out_fd = out[0];
    options.err_fd = err[0];
    options.on_line = on_line;
    options.on_warning = on_warning;
    options.on_end = on_end;
    options.context = test;
    assert_int_equal(logs_open(&test->logs, &test->loop, &options, NULL), 0);
    return test;
}

static void print(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* The node ends. */
static void close_ends(struct test *test)
{
    cleanup_close(&test->out);
    cleanup_close(&test->err);
    test->out = test->err = -1;
}

static void run_once(struct test *test)
{
    bool alive = uv_run(&test->loop, UV_RUN_ONCE) != 0;
    assert_true(alive || test->ended);
}

static void run_to_end(struct test *test)
{
    while (!test->ended)
        run_once(test);
}

static void finish(struct test *test)
{
    logs_close(test->logs);
    uv_run(&test->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&test->loop), 0);
    close_ends(test);
    buf_free(&test->seen);
    buf_free(&test->warnings);
    free(test);
}

static char *read_file(const char *path)
{
    struct buf text = {0};
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t len;
    while ((len = read(fd, buf_reserve(&text, 65536), 65536)) > 0)
        text.len += (size_t)len;
    return buf_take(&text);
}

static json_t *line_of(const char *text, size_t index)
{
    while (index-- && text)
        text = strchr(text, '\n') + 1;
    json_error_t error;
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK, &error);
    if (!line)
        fail_msg("%s", error.text);
    return line;
}

static const struct logs_options all = {.min_level = GRAPH_LOG_UNSET};

static void lines_of_both_pipes_arrive(void **state)
{
    (void)state;
    struct test *test = start(all);
    print(test->out, "one\ntw");
    uv_run(&test->loop, UV_RUN_NOWAIT);
    print(test->out, "o\n\nlast");
    print(test->err, "trouble\n");
    close_ends(test);
    run_to_end(test);
    assert_non_null(strstr(test->seen.data, "n stdout one|n stdout two|n stdout |"));
    assert_non_null(strstr(test->seen.data, "n stdout last|"));
    assert_non_null(strstr(test->seen.data, "n stdout err trouble|"));
    assert_string_equal(logs_stderr_tail(test->logs), "trouble\n");
    autofree char *text = read_file(test->path);
    json_t *line = line_of(text, 0);
    assert_string_equal(json_string_value(json_object_get(line, "level")), "stdout");
    assert_string_equal(json_string_value(json_object_get(line, "node")), "n");
    assert_string_equal(json_string_value(json_object_get(line, "stream")), "stdout");
    assert_string_equal(json_string_value(json_object_get(line, "msg")), "one");
    const char *ts = json_string_value(json_object_get(line, "ts"));
    assert_int_equal(strlen(ts), strlen("2026-01-31T12:00:00.000Z"));
    json_decref(line);
    finish(test);
}

static void log_messages_are_taken_apart(void **state)
{
    (void)state;
    struct test *test = start(all);
    print(test->out, "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"level\":\"WARN\",\"message\":\"low \\\"battery\\\"\","
                     "\"target\":\"power\"}\n"
                     "{\"timestamp\":1,\"level\":\"error\",\"fields\":{\"message\":\"hot\",\"degrees\":90}}\n"
                     "{\"level\":\"INFO\",\"message\":\"no time\"}\n"
                     "{\"timestamp\":1,\"level\":\"LOUD\"}\n{\"timestamp\n[1]\n");
    close_ends(test);
    run_to_end(test);
    assert_string_equal(test->seen.data, "n warn low \"battery\" @power|n error hot|"
                                         "n stdout {\"level\":\"INFO\",\"message\":\"no time\"}|"
                                         "n stdout {\"timestamp\":1,\"level\":\"LOUD\"}|"
                                         "n stdout {\"timestamp|n stdout [1]|");
    autofree char *text = read_file(test->path);
    json_t *line = line_of(text, 1);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "fields"), "degrees")), 90);
    json_decref(line);
    finish(test);
}

static void the_least_level_filters(void **state)
{
    (void)state;
    struct test *test = start((struct logs_options){.min_level = GRAPH_LOG_INFO});
    print(test->out, "plain\n{\"timestamp\":1,\"level\":\"DEBUG\",\"message\":\"d\"}\n"
                     "{\"timestamp\":1,\"level\":\"INFO\",\"message\":\"i\"}\n");
    print(test->err, "kept for the tail\n");
    close_ends(test);
    run_to_end(test);
    assert_string_equal(test->seen.data, "n info i|");
    assert_string_equal(logs_stderr_tail(test->logs), "kept for the tail\n");
    finish(test);
}

static void any_byte_makes_valid_json(void **state)
{
    (void)state;
    struct test *test = start(all);
    char bytes[256] = {0}, *at = bytes;
    for (int c = 0; c < 256; c++)
        if (c != '\n')
            *at++ = (char)c;
    *at++ = '\n';
    assert_int_equal(write(test->out, bytes, sizeof bytes), sizeof bytes);
    print(test->out, "é€😀 \xed\xa0\x80 \xc0\x80 \xf5\n");
    close_ends(test);
    run_to_end(test);
    autofree char *text = read_file(test->path);
    json_t *line = json_loads(text, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, NULL);
    assert_non_null(line);
    json_decref(line);
    line = line_of(text, 1);
    assert_string_equal(json_string_value(json_object_get(line, "msg")), "é€😀 \ufffd\ufffd\ufffd \ufffd\ufffd \ufffd");
    json_decref(line);
    finish(test);
}

static pid_t fork_printer(struct test *test, size_t lines, size_t len)
{
    pid_t pid = fork();
    if (pid == 0) {
        char *line = malloc(len + 1);
        memset(line, 'x', len);
        line[len] = '\n';
        for (size_t i = 0; i < lines; i++)
            for (size_t done = 0; done < len + 1;)
                done += (size_t)write(test->out, line + done, len + 1 - done);
        _exit(0);
    }
    return pid;
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    struct test *test = start(all);
    pid_t pid = fork_printer(test, 2, 3 * LOGS_LINE_MOST);
    close_ends(test);
    run_to_end(test);
    waitpid(pid, NULL, 0);
    assert_int_equal(test->lines, 2);
    assert_in_range(test->bytes, 2 * LOGS_LINE_MOST + 1, 2 * LOGS_LINE_MOST + 200);
    autofree char *text = read_file(test->path);
    assert_non_null(strstr(text, "cut off"));
    finish(test);
}

static void ten_megabytes_go_through_in_pieces(void **state)
{
    (void)state;
    struct test *test = start(all);
    pid_t pid = fork_printer(test, 100000, 104);
    close_ends(test);
    size_t turns = 0, most = 0;
    while (!test->ended) {
        size_t before = test->bytes;
        run_once(test);
        most = test->bytes - before > most ? test->bytes - before : most;
        turns++;
    }
    waitpid(pid, NULL, 0);
    assert_int_equal(test->lines, 100000);
    assert_true(turns > 100);
    assert_true(most <= 4 << 16);
    autofree char *text = read_file(test->path);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 100000);
    finish(test);
}

static void the_tail_is_bounded(void **state)
{
    (void)state;
    struct test *test = start(all);
    for (int i = 0; i < 5000; i++) {
        dprintf(test->err, "line %d\n", i);
        if (i % 100 == 0)
            uv_run(&test->loop, UV_RUN_NOWAIT);
    }
    logs_finish(test->logs); /* although the ends are still open */
    assert_true(test->ended);
    const char *tail = logs_stderr_tail(test->logs);
    assert_memory_equal(tail, "line 4500\n", 10);
    assert_string_equal(tail + strlen(tail) - 10, "line 4999\n");
    finish(test);

    test = start(all);
    for (int i = 0; i < 300; i++) {
        dprintf(test->err, "%01000d\n", i);
        uv_run(&test->loop, UV_RUN_NOWAIT);
    }
    logs_finish(test->logs);
    assert_in_range(strlen(logs_stderr_tail(test->logs)), LOGS_TAIL_BYTES_MOST - 1001, LOGS_TAIL_BYTES_MOST);
    finish(test);
}

static void a_full_disk_is_one_warning(void **state)
{
    (void)state;
    struct test *test = start((struct logs_options){.min_level = GRAPH_LOG_UNSET, .path = "/dev/full"});
    for (int i = 0; i < 3; i++) {
        print(test->out, "line\n");
        uv_run(&test->loop, UV_RUN_NOWAIT);
    }
    close_ends(test);
    run_to_end(test);
    assert_int_equal(test->lines, 3);
    assert_string_equal(test->warnings.data, "node `n`: can't write its log file `/dev/full`, lines are missing there: "
                                             "No space left on device|");
    finish(test);

    test = start((struct logs_options){.min_level = GRAPH_LOG_UNSET, .path = "/no/such/directory/log.jsonl"});
    print(test->out, "line\n");
    logs_finish(test->logs);
    assert_int_equal(test->lines, 1);
    assert_non_null(strstr(test->warnings.data, "No such file or directory|"));
    finish(test);
}

static void a_large_file_is_rotated(void **state)
{
    (void)state;
    struct test *test = start((struct logs_options){.min_level = GRAPH_LOG_UNSET, .max_size = 10, .max_rotated = 2});
    for (int i = 0; i < 5; i++) {
        dprintf(test->out, "%d\n", i);
        uv_run(&test->loop, UV_RUN_NOWAIT);
    }
    logs_finish(test->logs);
    assert_null(test->warnings.data);
    const char *names[] = {"log_n.jsonl", "log_n.1.jsonl", "log_n.2.jsonl"}, *words[] = {"", "\"4\"", "\"3\""};
    for (int i = 0; i < 3; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        autofree char *text = read_file(path);
        assert_non_null(strstr(text, words[i]));
        assert_true(i > 0 || !*text);
    }
    char path[96];
    snprintf(path, sizeof path, "%s/log_n.3.jsonl", directory);
    assert_int_equal(access(path, F_OK), -1);
    finish(test);
}

static void closing_early_is_safe(void **state)
{
    (void)state;
    struct test *test = start(all);
    print(test->out, "half a line");
    uv_run(&test->loop, UV_RUN_NOWAIT);
    finish(test);
    logs_close(NULL);
}

static int setup(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_of_both_pipes_arrive), cmocka_unit_test(log_messages_are_taken_apart),
        cmocka_unit_test(the_least_level_filters),    cmocka_unit_test(any_byte_makes_valid_json),
        cmocka_unit_test(a_long_line_is_cut),         cmocka_unit_test(ten_megabytes_go_through_in_pieces),
        cmocka_unit_test(the_tail_is_bounded),        cmocka_unit_test(a_full_disk_is_one_warning),
        cmocka_unit_test(a_large_file_is_rotated),    cmocka_unit_test(closing_early_is_safe),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
