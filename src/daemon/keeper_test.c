#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "daemon/descendants.h"
#include "daemon/keeper.h"

/* Every process of a test holds the write end of `life`: it hangs up when all of them are gone. What they tell comes
 * through `told`. */
static int life[2], told[2];

static int setup(void **state)
{
    (void)state;
    return pipe(life) == 0 && pipe(told) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        cleanup_close(&life[i]);
        cleanup_close(&told[i]);
    }
    return 0;
}

static void tell(char c)
{
    (void)!write(told[1], &c, 1);
}

static char hear(void)
{
    struct pollfd poll_fd = {.fd = told[0], .events = POLLIN};
    char c = 0;
    assert_int_equal(poll(&poll_fd, 1, 20000), 1);
    assert_int_equal(read(told[0], &c, 1), 1);
    return c;
}

static void assert_all_gone(void)
{
    close(take_fd(&life[1]));
    struct pollfd poll_fd = {.fd = life[0], .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 20000), 1);
    assert_true(poll_fd.revents & POLLHUP);
}

_Noreturn static void sleep_for_ever(void)
{
    tell('.');
    for (;;)
        pause();
}

/* A child, its child in another session, and a grandchild whose parent has ended: three that live on. */
static void fork_tree(void)
{
    if (fork() == 0) {
        for (int i = 1; i < 32; i++)
            signal(i, SIG_IGN);
        if (fork() == 0) {
            setsid();
            if (fork() == 0) {
                if (fork() == 0) {
                    setsid();
                    sleep_for_ever();
                }
                _exit(0);
            }
            sleep_for_ever();
        }
        sleep_for_ever();
    }
}

static void all_descendants_go(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        bool none = descendants_kill(0, NULL) == 0;
        fork_tree();
        while (poll(&(struct pollfd){.fd = told[0], .events = POLLIN}, 1, 0) == 0)
            ;
        int rc = descendants_kill(20 * CLOCK_SECOND, NULL);
        _exit(none && rc == 0 && waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_all_gone();
}

/* Each generation ends when the next is there. */
_Noreturn static void fork_on(void)
{
    for (int i = 0; i < 100000 && fork() == 0; i++)
        if (i == 10)
            tell('.');
    _exit(0);
}

static void what_forks_on_is_caught(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        if (fork() == 0)
            fork_on();
        char c;
        (void)!read(told[0], &c, 1);
        _exit(descendants_kill(20 * CLOCK_SECOND, NULL) == 0 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_all_gone();
}

static int daemon_that_ends(int control_fd, void *context)
{
    (void)control_fd;
    fork_tree();
    return *(int *)context;
}

static int daemon_that_obeys(int control_fd, void *context)
{
    (void)context;
    fork_tree();
    tell('r');
    for (;;) {
        struct pollfd poll_fd = {.fd = control_fd, .events = POLLIN};
        poll(&poll_fd, 1, -1);
        char c;
        ssize_t len = read(control_fd, &c, 1);
        if (len == 0) {
            int rc = descendants_kill(20 * CLOCK_SECOND, NULL);
            tell('e');
            return rc;
        }
        if (len == 1)
            tell(c);
    }
}

/* Forks a process that becomes a keeper; its exit status is what keeper_run returns. */
static pid_t start_keeper(int (*daemon)(int, void *), void *context)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(keeper_run(daemon, context));
    return pid;
}

static void hear_tree(void)
{
    int ready = 0;
    for (int i = 0; i < 4; i++)
        ready += hear() == 'r';
    assert_int_equal(ready, 1);
}

static int child_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    autofile FILE *file = fopen(path, "re");
    int child = 0;
    if (!file || fscanf(file, "%d", &child) != 1)
        skip();
    return child;
}

static void the_exit_status_is_the_daemons(void **state)
{
    (void)state;
    int status = 7, wait_status;
    pid_t pid = start_keeper(daemon_that_ends, &status);
    assert_int_equal(waitpid(pid, &wait_status, 0), pid);
    assert_int_equal(WEXITSTATUS(wait_status), 7);
    assert_all_gone();
}

static void signals_become_requests(void **state)
{
    (void)state;
    pid_t pid = start_keeper(daemon_that_obeys, NULL);
    hear_tree();
    kill(pid, SIGINT);
    assert_int_equal(hear(), KEEPER_STOP);
    kill(pid, SIGTERM);
    assert_int_equal(hear(), KEEPER_KILL);
    kill(pid, SIGHUP);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_all_gone();
}

static void a_killed_daemon_leaves_nothing(void **state)
{
    (void)state;
    pid_t pid = start_keeper(daemon_that_obeys, NULL);
    hear_tree();
    kill(child_of(pid), SIGKILL);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_all_gone();
}

static void a_killed_keeper_leaves_nothing(void **state)
{
    (void)state;
    pid_t pid = start_keeper(daemon_that_obeys, NULL);
    hear_tree();
    kill(pid, SIGKILL);
    assert_int_equal(hear(), 'e');
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_all_gone();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_descendants_go),      TEST(what_forks_on_is_caught),        TEST(the_exit_status_is_the_daemons),
        TEST(signals_become_requests), TEST(a_killed_daemon_leaves_nothing), TEST(a_killed_keeper_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
