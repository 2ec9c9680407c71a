/* Messages and lines, codes, folders and locks. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "control/message.h"
#include "control/paths.h"
#include "control/standing.h"

static int parse(struct control_message *message, const char *line)
{
    return control_parse(message, line, strlen(line));
}

static void test_messages_come_back_as_they_were_written(void **state)
{
    (void)state;
    autobuf struct buf out = {0};
    json_t *params = json_pack("{s:s}", "dataflow", "vi\nsion");
    control_write_hello(&out, "cli", "0.1.0");
    assert_int_equal(control_write_request(&out, 7, "dataflow.get", params), 0);
    assert_int_equal(control_write_event(&out, 7, params), 0);
    assert_int_equal(control_write_result(&out, 7, NULL), 0);
    assert_int_equal(
        control_write_error(&out, 7, &(struct control_fault){"failed", "no \"such\" thing", "hint", "robot"}), 0);
    json_decref(params);
    assert_false(out.failed);

    struct control_lines lines = {0};
    size_t room, len, left = out.len;
    struct control_message message;
    enum control_kind kinds[] = {CONTROL_HELLO, CONTROL_REQUEST, CONTROL_EVENT, CONTROL_RESULT, CONTROL_ERROR};
    for (size_t i = 0; i < 5; i++) {
        char *line;
        while (control_lines_next(&lines, &line, &len) == 0) { /* a byte at a time */
            assert_true(left > 0);
            *control_lines_room(&lines, &room) = out.data[out.len - left--];
            control_lines_arrived(&lines, 1);
        }
        assert_int_equal(control_parse(&message, line, len), 0);
        assert_int_equal(message.kind, kinds[i]);
        assert_int_equal(message.id, i == 0 ? 0 : 7);
        if (i == 0)
            assert_int_equal(message.protocol, CONTROL_PROTOCOL);
        if (i == 1) {
            assert_string_equal(message.method, "dataflow.get");
            assert_string_equal(json_string_value(json_object_get(message.body, "dataflow")), "vi\nsion");
        }
        if (i == 4) {
            assert_string_equal(message.fault.code, "failed");
            assert_string_equal(message.fault.message, "no \"such\" thing");
            assert_string_equal(message.fault.hint, "hint");
            assert_string_equal(message.fault.machine, "robot");
        }
        control_message_free(&message);
    }
    assert_int_equal(left, 0);
    control_lines_free(&lines);
}

static void test_nonsense_is_no_message(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",
        " ",
        "7",
        "null",
        "[]",
        "{}",
        "{\"id\":1}",
        "{\"id\":1,\"method\":2}",
        "{\"id\":0,\"method\":\"x\"}",
        "{\"id\":-1,\"method\":\"x\"}",
        "{\"id\":1.5,\"method\":\"x\"}",
        "{\"id\":99999999999999999999,\"method\":\"x\"}",
        "{\"method\":\"x\"}",
        "{\"id\":1,\"method\":\"x\",\"params\":[]}",
        "{\"id\":1,\"result\":3}",
        "{\"id\":0,\"result\":{}}",
        "{\"id\":1,\"error\":{}}",
        "{\"id\":1,\"error\":{\"code\":1,\"message\":\"\"}}",
        "{\"hello\":{}}",
        "{\"hello\":{\"protocol\":\"1\"}}",
        "{\"id\":1,\"id\":2,\"method\":\"x\"}",
        "{\"id\":1,\"method\":\"\xff\"}",
        "{\"id\":1,\"method\":\"x\"} {}",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct control_message message;
        if (parse(&message, wrong[i]) != -EBADMSG)
            fail_msg("taken for a message: %s", wrong[i]);
        control_message_free(&message);
    }
    struct control_message message;
    assert_int_equal(parse(&message, "{\"hello\":{\"protocol\":99,\"ways\":[]}}"), 0); /* a later version's */
    assert_int_equal(message.protocol, 99);
    control_message_free(&message);
    assert_int_equal(parse(&message, "{\"id\":1,\"method\":\"x\"}"), 0);
    assert_true(json_is_object(message.body));
    control_message_free(&message);

    autofree char *deep = malloc(1 << 20);
    memset(deep, '[', 1 << 20);
    assert_int_equal(control_parse(&message, deep, 1 << 20), -EBADMSG);
    control_message_free(&message);
}

static void test_a_line_over_the_limit_never_comes(void **state)
{
    (void)state;
    struct control_lines lines = {0};
    size_t total = 0, room, len;
    char *line;
    int rc;
    while ((rc = control_lines_next(&lines, &line, &len)) == 0) {
        assert_true(total <= 2 * (size_t)CONTROL_LINE_MOST);
        char *at = control_lines_room(&lines, &room);
        assert_non_null(at);
        memset(at, 'x', room);
        control_lines_arrived(&lines, room);
        total += room;
    }
    assert_int_equal(rc, -EMSGSIZE);
    control_lines_free(&lines);

    autobuf struct buf out = {0};
    buf_puts(&out, "kept");
    autofree char *text = malloc(CONTROL_LINE_MOST + 1);
    memset(text, 'x', CONTROL_LINE_MOST);
    text[CONTROL_LINE_MOST] = '\0';
    json_t *json = json_pack("{s:s}", "text", text);
    assert_int_equal(control_write_result(&out, 1, json), -EMSGSIZE);
    assert_string_equal(out.data, "kept");
    json_decref(json);
}

static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(control_code_errno("not-found"), -ENOENT);
    assert_string_equal(control_errno_code(-EPERM), "refused");
    assert_int_equal(control_code_errno("news"), -EPROTO);
    assert_string_equal(control_errno_code(-EXDEV), "internal");
}

static char *folder(void)
{
    static char path[] = "/tmp/dora-control-XXXXXX";
    strcpy(path + sizeof path - 7, "XXXXXX");
    assert_non_null(mkdtemp(path));
    setenv("XDG_RUNTIME_DIR", path, 1);
    return path;
}

static void remove_folder(const char *path)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", path);
    assert_int_equal(system(command), 0);
}

static void test_a_folder_that_is_not_private_is_refused(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct error error = ERROR_INIT;
    struct stat stat_;
    const char *runtime = folder();
    assert_int_equal(control_runtime_folder(path, &error), 0);
    assert_int_equal(stat(path, &stat_), 0);
    assert_int_equal(stat_.st_mode & 0777, 0700);
    assert_int_equal(control_runtime_file(path, "x", &error), 0);
    assert_string_equal(strrchr(path, '/'), "/x");

    assert_int_equal(control_runtime_folder(path, &error), 0);
    assert_int_equal(chmod(path, 0750), 0);
    assert_int_equal(control_runtime_folder(path, &error), -EPERM);
    assert_non_null(strstr(error.message, "chmod 700"));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/", path), 0);
    assert_true(control_runtime_folder(path, &error) < 0);
    assert_int_equal(unlink(path), 0);
    if (geteuid() == 0) {
        assert_int_equal(mkdir(path, 0700), 0);
        assert_int_equal(chown(path, 12345, 12345), 0);
        assert_int_equal(control_runtime_folder(path, &error), -EPERM);
        assert_non_null(strstr(error.message, "12345"));
    }
    remove_folder(runtime);
    assert_int_equal(control_runtime_folder(path, &error), -ENOENT);
}

static void test_the_state_folder_is_made_with_its_parents(void **state)
{
    (void)state;
    char path[PATH_MAX], want[PATH_MAX];
    const char *top = folder();
    unsetenv("XDG_STATE_HOME");
    setenv("HOME", top, 1);
    assert_int_equal(control_state_folder(path, NULL), 0);
    snprintf(want, sizeof want, "%s/.local/state/dora", top);
    assert_string_equal(path, want);
    assert_int_equal(access(want, W_OK), 0);
    setenv("XDG_STATE_HOME", "relative", 1); /* counts as unset */
    assert_int_equal(control_state_folder(path, NULL), 0);
    assert_string_equal(path, want);
    setenv("XDG_STATE_HOME", "/proc/dora-no", 1);
    struct error error = ERROR_INIT;
    assert_true(control_state_folder(path, &error) < 0);
    assert_non_null(strstr(error.message, "/proc/dora-no"));
    unsetenv("XDG_STATE_HOME");
    remove_folder(top);
}

static void test_a_lock_has_one_holder_and_dies_with_it(void **state)
{
    (void)state;
    const char *top = folder();
    struct error error = ERROR_INIT;
    int fd, ready[2], quit[2];
    assert_int_equal(control_lock_holder("x.lock"), 0);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(quit), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(quit[1]);
        char byte = control_lock("x.lock", &fd, NULL) == 0 ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1 && read(quit[0], &byte, 1) == 0)
            _exit(0);
        _exit(1);
    }
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(control_lock_holder("x.lock"), pid);
    assert_int_equal(control_lock("x.lock", &fd, &error), -EBUSY);
    char text[32];
    snprintf(text, sizeof text, "process %d", (int)pid);
    assert_non_null(strstr(error.message, text));
    close(quit[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(control_lock_holder("x.lock"), 0);
    assert_int_equal(control_lock("x.lock", &fd, &error), 0);
    close(fd);
    close(ready[0]);
    close(ready[1]);
    close(quit[0]);
    remove_folder(top);
}

static void test_a_standing_is_that_of_the_lock_s_holder(void **state)
{
    (void)state;
    const char *top = folder();
    int fd;
    struct control_standing read, written = {CONTROL_REFUSED, true, false, "robot-1", "the name is taken", "another"};
    assert_int_equal(control_standing_write(&written, getpid(), NULL), 0);
    assert_int_equal(control_standing_read(&read), -ENOENT);
    assert_int_equal(control_lock(CONTROL_DAEMON_LOCK, &fd, NULL), 0);
    assert_int_equal(control_standing_read(&read), 0);
    assert_int_equal(read.stand, CONTROL_REFUSED);
    assert_true(read.is_elsewhere && !read.was_registered);
    assert_string_equal(read.id, "robot-1");
    assert_string_equal(read.message, "the name is taken");
    assert_string_equal(read.hint, "another");
    written.stand = CONTROL_REGISTERED;
    assert_int_equal(control_standing_write(&written, getpid() + 1, NULL), 0);
    assert_int_equal(control_standing_read(&read), -ENOENT);
    control_standing_remove();
    assert_int_equal(control_standing_read(&read), -ENOENT);
    close(fd);
    remove_folder(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_come_back_as_they_were_written),
        cmocka_unit_test(test_nonsense_is_no_message),
        cmocka_unit_test(test_a_line_over_the_limit_never_comes),
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_a_folder_that_is_not_private_is_refused),
        cmocka_unit_test(test_the_state_folder_is_made_with_its_parents),
        cmocka_unit_test(test_a_lock_has_one_holder_and_dies_with_it),
        cmocka_unit_test(test_a_standing_is_that_of_the_lock_s_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
