/* Another machine's lines: as they are written there, and when they are waited for; which folders it has read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/log_format.h"
#include "cli/log_pipe.h"
#include "cli/log_place.h"

static void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static void next_is(struct log_pipe *pipe, const char *message)
{
    assert_true(log_pipe_fill(pipe));
    assert_string_equal(pipe->head.line.message, message);
    log_record_free(&pipe->head);
    pipe->has_head = false;
}

static void lines_come_as_they_were(void **state)
{
    int ends[2];
    struct log_pipe reader;
    autobuf struct buf text = {0};
    const struct log_line line = {.node = "a",
                                  .level = GRAPH_LOG_WARN,
                                  .is_stderr = true,
                                  .unix_ns = 1700000000123000000,
                                  .message = "\"odd\"\n",
                                  .len = 6,
                                  .target = "part",
                                  .fields = "{\"x\":1}"};
    (void)state;
    assert_int_equal(pipe(ends), 0);
    log_pipe_init(&reader, ends[0]);
    log_format_record(&text, &line, "0-0-0");
    say(ends[1], text.data);
    assert_true(log_pipe_fill(&reader));
    const struct log_line *read = &reader.head.line;
    assert_string_equal(read->node, "a");
    assert_int_equal(read->level, GRAPH_LOG_WARN);
    assert_true(read->is_stderr);
    assert_int_equal(read->unix_ns, line.unix_ns);
    assert_int_equal(read->len, 6);
    assert_string_equal(read->message, "\"odd\"\n");
    assert_string_equal(read->target, "part");
    assert_string_equal(read->fields, "{\"x\":1}");
    log_pipe_close(&reader);
    close(ends[1]);
}

static void nothing_is_waited_for_behind_the_empty_line(void **state)
{
    int ends[2];
    struct log_pipe reader;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    log_pipe_init(&reader, ends[0]);
    say(ends[1], "one\n\ntwo\nthr");
    next_is(&reader, "one");
    next_is(&reader, "two");
    assert_false(log_pipe_fill(&reader)); /* and doesn't block */
    say(ends[1], "ee\nfour");
    next_is(&reader, "three");
    assert_false(log_pipe_fill(&reader));
    reader.is_waited_for = true;
    close(ends[1]);
    assert_false(log_pipe_fill(&reader)); /* half a line is none */
    assert_int_equal(reader.fd, -1);
    log_pipe_close(&reader);
}

static void a_folder_is_known_again(void **state)
{
    char folder[] = "/tmp/dora-place-XXXXXX";
    char out[64], run[64], other[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(out, sizeof out, "%s/out", folder);
    snprintf(run, sizeof run, "%s/out/1-2-3", folder);
    snprintf(other, sizeof other, "%s/out/4-5-6", folder);
    autobuf struct buf before = {0}, after = {0}, none = {0};
    log_place_add(&before, run); /* when nothing of it is there yet */
    mkdir(out, 0700);
    mkdir(run, 0700);
    mkdir(other, 0700);
    log_place_add(&after, "/nowhere/a/b");
    log_place_add(&after, run);
    assert_true(log_place_is_among(run, before.data));
    assert_true(log_place_is_among(run, after.data));
    assert_false(log_place_is_among(other, after.data));
    assert_false(log_place_is_among("/tmp/x/out/1-2-3", after.data));
    assert_false(log_place_is_among(run, ""));
    assert_false(log_place_is_among(run, ",,:,0:::,nonsense,9:a:1:1:1"));
    /* Of another computer: the same only where it is a network's file system. */
    struct stat status;
    assert_int_equal(stat(run, &status), 0);
    buf_printf(&none, "0:another:%llu:%llu:0", (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    assert_false(log_place_is_among(run, none.data));
    buf_clear(&none);
    buf_printf(&none, "0:another:77:%llu:1", (unsigned long long)status.st_ino);
    assert_true(log_place_is_among(run, none.data));
    rmdir(other);
    rmdir(run);
    rmdir(out);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_come_as_they_were),
        cmocka_unit_test(nothing_is_waited_for_behind_the_empty_line),
        cmocka_unit_test(a_folder_is_known_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
