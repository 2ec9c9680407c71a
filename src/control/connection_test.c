/* Connections: what is asked and answered, other ends that talk nonsense, don't read or go, and the blocking client. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "control/client.h"
#include "control/paths.h"
#include "control/server.h"
#include "control/socket.h"

enum { KEPT = 2000 };

struct fixture {
    uv_loop_t loop;
    struct control_server *server;
    struct control_connection *connection; /* the last that was opened */
    struct control_request *kept[KEPT];
    size_t kept_count;
    int readies, ends, events, answers, lost;
    char why[256];
    bool close_at_request;
};

static void on_opened(void *context, struct control_connection *connection)
{
    ((struct fixture *)context)->connection = connection;
}

static void on_ready(void *context, struct control_connection *connection)
{
    (void)connection;
    ((struct fixture *)context)->readies++;
}

static void on_request(void *context, struct control_request *request, const char *method, json_t *params)
{
    struct fixture *fixture = context;
    if (fixture->close_at_request) {
        control_close(fixture->connection);
        fixture->connection = NULL;
        control_answer(request, json_object());
    } else if (strcmp(method, "echo") == 0) {
        control_progress(request, json_pack("{s:i}", "step", 1));
        control_answer(request, json_incref(params));
    } else if (strcmp(method, "large") == 0) {
        autofree char *text = calloc(1, 100001);
        memset(text, 'x', 100000);
        control_answer(request, json_pack("{s:s}", "text", text));
    } else if (strcmp(method, "keep") == 0 && fixture->kept_count < KEPT) {
        fixture->kept[fixture->kept_count++] = request;
    } else if (strcmp(method, "broken") == 0) {
        control_answer(request, NULL);
    } else {
        control_refusef(request, "not-found", "look elsewhere", "nothing is called `%s`", method);
    }
}

static void on_closed(void *context, struct control_connection *connection, const char *why)
{
    struct fixture *fixture = context;
    fixture->ends++;
    snprintf(fixture->why, sizeof fixture->why, "%s", why ? why : "");
    if (fixture->connection == connection)
        fixture->connection = NULL;
}

static const struct control_owner owner = {"coordinator", "1.2.3", on_opened, on_ready, on_request, on_closed};

static int setup(void **state)
{
    static char folder[] = "/tmp/dora-connection-XXXXXX";
    struct fixture *fixture = calloc(1, sizeof *fixture);
    strcpy(folder + sizeof folder - 7, "XXXXXX");
    if (!fixture || uv_loop_init(&fixture->loop) < 0 || !mkdtemp(folder))
        return -1;
    setenv("XDG_RUNTIME_DIR", folder, 1);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    char command[128];
    control_close(fixture->connection);
    control_server_close(fixture->server);
    while (fixture->kept_count > 0)
        control_answer(fixture->kept[--fixture->kept_count], json_object());
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&fixture->loop);
    free(fixture);
    snprintf(command, sizeof command, "rm -rf %s", getenv("XDG_RUNTIME_DIR"));
    return rc < 0 ? rc : system(command);
}

/* Runs the loop until `number` is at least `want`, with a deadline. */
static void run_until(struct fixture *fixture, int *number, int want)
{
    int64_t deadline = clock_now() + 10 * CLOCK_SECOND;
    while (*number < want) {
        if (clock_now() > deadline)
            fail_msg("nothing came");
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
}

/* A connection whose other end is in the test's hand. */
static int open_raw(struct fixture *fixture)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(control_open(&fixture->connection, &fixture->loop, pair[0], &owner, fixture, NULL), 0);
    return pair[1];
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

#define HELLO "{\"hello\":{\"protocol\":1,\"version\":\"9\",\"role\":\"cli\"}}\n"

static void assert_reads(int fd, const char *part)
{
    char text[4096] = "";
    ssize_t len = recv(fd, text, sizeof text - 1, 0);
    if (len < 0 || !strstr(text, part))
        fail_msg("`%s` is not in: %s", part, text);
}

static void on_event(void *context, json_t *event)
{
    struct fixture *fixture = context;
    assert_int_equal(json_integer_value(json_object_get(event, "step")), 1);
    fixture->events++;
}

static void on_done(void *context, json_t *result, const struct control_fault *fault)
{
    struct fixture *fixture = context;
    assert_true(!result != !fault);
    fixture->answers++;
    if (fault && strcmp(fault->code, "lost") == 0)
        fixture->lost++;
    if (fault)
        snprintf(fixture->why, sizeof fixture->why, "%s: %s (%s)", fault->code, fault->message,
                 fault->hint ? fault->hint : "");
}

static const struct control_calls calls = {on_event, on_done};

static void test_both_sides_ask(void **state)
{
    struct fixture *fixture = *state;
    int pair[2];
    struct control_connection *other, *one;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(control_open(&one, &fixture->loop, pair[0], &owner, fixture, NULL), 0);
    assert_int_equal(control_open(&other, &fixture->loop, pair[1], &owner, fixture, NULL), 0);
    assert_int_equal(control_send(one, "echo", json_pack("{s:i}", "a", 1), &calls, fixture), 0);
    assert_int_equal(control_send(other, "echo", NULL, &calls, fixture), 0);
    assert_int_equal(control_send(other, "keep", NULL, &calls, fixture), 0);
    run_until(fixture, &fixture->answers, 2);
    assert_int_equal(fixture->events, 2);
    assert_int_equal(fixture->readies, 2);
    assert_string_equal(control_role(one), "coordinator");
    assert_string_equal(control_version(other), "1.2.3");
    assert_int_equal(control_pid(one), getpid());

    assert_int_equal(control_send(one, "no \"such\" thing", NULL, &calls, fixture), 0);
    run_until(fixture, &fixture->answers, 3);
    assert_string_equal(fixture->why, "not-found: nothing is called `no \"such\" thing` (look elsewhere)");
    assert_int_equal(control_send(one, "broken", NULL, &calls, fixture), 0);
    run_until(fixture, &fixture->answers, 4);
    assert_non_null(strstr(fixture->why, "internal"));

    /* A request outlives its connection; one that we sent is lost with it. */
    control_close(other);
    assert_int_equal(fixture->lost, 1);
    run_until(fixture, &fixture->ends, 1);
    assert_string_equal(fixture->why, "");
    assert_null(control_asker(fixture->kept[0]));
}

static void test_a_request_that_is_unanswered_when_the_other_end_goes_is_lost(void **state)
{
    struct fixture *fixture = *state;
    int fd = open_raw(fixture);
    say(fd, HELLO);
    assert_int_equal(control_send(fixture->connection, "x", NULL, &calls, fixture), 0);
    run_until(fixture, &fixture->readies, 1);
    close(fd);
    run_until(fixture, &fixture->ends, 1);
    assert_int_equal(fixture->lost, 1);
}

static void test_another_protocol_is_told_both_versions(void **state)
{
    struct fixture *fixture = *state;
    autoclose int fd = open_raw(fixture);
    say(fd, "{\"hello\":{\"protocol\":2,\"version\":\"7.0\",\"role\":\"cli\"}}\n");
    run_until(fixture, &fixture->ends, 1);
    assert_int_equal(fixture->readies, 0);
    assert_non_null(strstr(fixture->why, "dora 1.2.3, with control protocol 1"));
    assert_reads(fd, "dora 7.0, with protocol 2");
}

static void test_nonsense_ends_the_connection(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {
        "\n",
        "GET / HTTP/1.1\n",
        "{\"id\":1,\"method\":\"echo\"}\n",
        HELLO HELLO,
        HELLO "{\"id\":1,\"result\":{}}\n",
        HELLO "{\"id\":3,\"event\":{}}\n",
        HELLO "{\"id\":0,\"error\":{\"code\":\"x\",\"message\":\"go away\"}}\n",
        HELLO "{\"id\":1,\"method\":\"echo\",\"params\":7}\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        autoclose int fd = open_raw(fixture);
        say(fd, wrong[i]);
        run_until(fixture, &fixture->ends, (int)i + 1);
        assert_true(fixture->why[0]);
    }
}

static void test_closing_within_a_request(void **state)
{
    struct fixture *fixture = *state;
    autoclose int fd = open_raw(fixture);
    fixture->close_at_request = true;
    say(fd, HELLO "{\"id\":1,\"method\":\"echo\"}\n{\"id\":2,\"method\":\"echo\"}\n");
    while (fixture->connection)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(fixture->ends, 0);
}

static void test_who_asks_and_does_not_read_is_not_listened_to(void **state)
{
    struct fixture *fixture = *state;
    autoclose int fd = open_raw(fixture);
    say(fd, HELLO);
    int sent = 0, got = 0;
    for (int idle = 0; idle < 100 && sent < 5000;) { /* each answer has 100 kB */
        if (send(fd, "{\"id\":1,\"method\":\"large\"}\n", 26, MSG_NOSIGNAL) == 26) {
            sent++;
            idle = 0;
        } else {
            idle++;
        }
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
    assert_true(sent > 0 && sent < 5000 + 1);
    assert_int_equal(fixture->ends, 0);
    int64_t deadline = clock_now() + 10 * CLOCK_SECOND;
    char text[65536];
    while (got < sent && clock_now() < deadline) {
        ssize_t len = recv(fd, text, sizeof text, 0);
        for (ssize_t i = 0; i < len; i++)
            got += text[i] == '\n';
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
    assert_true(got >= sent); /* and the hello */
}

static void test_a_thousand_questions_at_once_are_too_many(void **state)
{
    struct fixture *fixture = *state;
    autoclose int fd = open_raw(fixture);
    say(fd, HELLO);
    for (int i = 0; i < 1001; i++) {
        while (send(fd, "{\"id\":1,\"method\":\"keep\"}\n", 25, MSG_NOSIGNAL) != 25)
            uv_run(&fixture->loop, UV_RUN_NOWAIT);
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    }
    run_until(fixture, &fixture->ends, 1);
    assert_string_equal(fixture->why, "it asks for too much at once");
}

static void listen_now(struct fixture *fixture)
{
    char path[PATH_MAX];
    struct error error = ERROR_INIT;
    assert_int_equal(control_runtime_file(path, CONTROL_SOCKET, NULL), 0);
    if (control_listen(&fixture->server, &fixture->loop, path, &owner, fixture, &error) < 0)
        fail_msg("%s", error.message);
}

/* What the command does, in a thread, while the loop runs here. */
struct command {
    int (*work)(void);
    int rc, is_done;
};

static void *run_command(void *argument)
{
    struct command *command = argument;
    command->rc = command->work();
    __atomic_store_n(&command->is_done, 1, __ATOMIC_RELEASE); /* with the loop's thread, which looks at it */
    return NULL;
}

static void run_beside(struct fixture *fixture, int (*work)(void))
{
    struct command command = {.work = work};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_command, &command), 0);
    int64_t deadline = clock_now() + 20 * CLOCK_SECOND;
    while (!__atomic_load_n(&command.is_done, __ATOMIC_ACQUIRE) && clock_now() < deadline)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
    assert_int_equal(pthread_join(thread, NULL), 0);
    if (command.rc)
        fail_msg("line %d", command.rc);
}

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            return __LINE__;                                                                                           \
    } while (0)

static void count_step(void *context, json_t *event)
{
    *(int *)context += (int)json_integer_value(json_object_get(event, "step"));
}

static int talk(void)
{
    struct control_client *client;
    struct error error = ERROR_INIT;
    json_t *result = NULL;
    int steps = 0, wake[2];
    CHECK(control_connect(&client, "1.0", &error) == 0);
    CHECK(strcmp(control_client_version(client), "1.2.3") == 0 && control_client_pid(client) == getpid());
    CHECK(control_call(client, "echo", json_pack("{s:s}", "a", "b"), 5 * CLOCK_SECOND, count_step, &steps, &result,
                       &error) == 0);
    CHECK(steps == 1 && strcmp(json_string_value(json_object_get(result, "a")), "b") == 0);
    json_decref(result);
    CHECK(control_call(client, "nothing", NULL, 5 * CLOCK_SECOND, NULL, NULL, NULL, &error) == -ENOENT);
    CHECK(strstr(error.message, "`nothing`") && strcmp(control_client_hint(client), "look elsewhere") == 0);
    CHECK(control_call(client, "keep", NULL, 20 * CLOCK_MILLI, NULL, NULL, NULL, &error) == -ETIMEDOUT);
    CHECK(control_client_hint(client) == NULL);
    CHECK(pipe(wake) == 0 && write(wake[1], "x", 1) == 1);
    control_client_wake(client, wake[0]);
    CHECK(control_call(client, "keep", NULL, CLOCK_NEVER, NULL, NULL, NULL, &error) == -EINTR);
    control_client_wake(client, -1);
    close(wake[0]);
    close(wake[1]);
    for (int i = 0; i < 30; i++) /* 3 MB in all, in several pieces each */
        CHECK(control_call(client, "large", NULL, 5 * CLOCK_SECOND, NULL, NULL, &result, &error) == 0 &&
              (json_decref(result), true));
    control_client_close(client);
    return 0;
}

static void test_the_blocking_client(void **state)
{
    listen_now(*state);
    run_beside(*state, talk);
}

static int talk_to_nobody(void)
{
    struct control_client *client;
    struct error error = ERROR_INIT;
    CHECK(control_connect(&client, "1.0", &error) == -ENOTCONN);
    CHECK(strstr(error.message, "start it with `dora up`"));
    return 0;
}

static void test_a_file_that_was_left_behind(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(talk_to_nobody(), 0);
    char path[PATH_MAX];
    struct sockaddr_un address;
    assert_int_equal(control_runtime_file(path, CONTROL_SOCKET, NULL), 0);
    assert_int_equal(control_socket_address(&address, path, NULL), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    assert_int_equal(talk_to_nobody(), 0);
    listen_now(fixture);
    run_beside(fixture, talk);
    control_server_close(fixture->server);
    fixture->server = NULL;
    assert_int_equal(access(path, F_OK), -1);
}

static int talk_to_a_newer_one(void)
{
    struct control_client *client;
    struct error error = ERROR_INIT;
    CHECK(control_connect(&client, "1.0", &error) == -EPROTONOSUPPORT);
    CHECK(strstr(error.message, "dora 7.0, with protocol 2") &&
          strstr(error.message, "dora 1.0, with control protocol 1"));
    return 0;
}

static void test_a_coordinator_of_another_protocol(void **state)
{
    (void)state;
    char path[PATH_MAX];
    struct sockaddr_un address;
    assert_int_equal(control_runtime_file(path, CONTROL_SOCKET, NULL), 0);
    assert_int_equal(control_socket_address(&address, path, NULL), 0);
    autoclose int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    pid_t pid = fork();
    if (pid == 0)
        _exit(talk_to_a_newer_one() == 0 ? 0 : 1);
    autoclose int peer = accept(fd, NULL, NULL);
    say(peer, "{\"hello\":{\"protocol\":2,\"version\":\"7.0\",\"role\":\"coordinator\"}}\n");
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_another_user_is_not_let_in(void **state)
{
    struct fixture *fixture = *state;
    if (geteuid() != 0)
        skip();
    listen_now(fixture);
    char path[PATH_MAX], *slash;
    assert_int_equal(control_runtime_file(path, CONTROL_SOCKET, NULL), 0);
    struct sockaddr_un address;
    assert_int_equal(control_socket_address(&address, path, NULL), 0);
    for (int open_to_all = 0; open_to_all < 2; open_to_all++) {
        /* First the folder keeps others out; were it open, the socket would. */
        if (open_to_all) {
            assert_int_equal(chmod(path, 0777), 0);
            while ((slash = strrchr(path, '/')) != path + 4) {
                *slash = '\0';
                assert_int_equal(chmod(path, 0755), 0);
            }
        }
        pid_t pid = fork();
        if (pid == 0) {
            char byte;
            int fd = socket(AF_UNIX, SOCK_STREAM, 0);
            if (setgid(65534) < 0 || setuid(65534) < 0)
                _exit(1);
            int rc = connect(fd, (struct sockaddr *)&address, sizeof address);
            if (!open_to_all)
                _exit(rc < 0 && errno == EACCES ? 0 : 2);
            _exit(rc == 0 && recv(fd, &byte, 1, 0) <= 0 ? 0 : 3);
        }
        int status, left = 0;
        while (waitpid(pid, &status, WNOHANG) == 0 && left++ < 10000000)
            uv_run(&fixture->loop, UV_RUN_NOWAIT);
        assert_int_equal(status, 0);
    }
    assert_null(fixture->connection);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_both_sides_ask),
        TEST(test_a_request_that_is_unanswered_when_the_other_end_goes_is_lost),
        TEST(test_another_protocol_is_told_both_versions),
        TEST(test_nonsense_ends_the_connection),
        TEST(test_closing_within_a_request),
        TEST(test_who_asks_and_does_not_read_is_not_listened_to),
        TEST(test_a_thousand_questions_at_once_are_too_many),
        TEST(test_the_blocking_client),
        TEST(test_a_file_that_was_left_behind),
        TEST(test_a_coordinator_of_another_protocol),
        TEST(test_another_user_is_not_let_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
