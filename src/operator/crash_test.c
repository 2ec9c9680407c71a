#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "operator/crash.h"

static volatile bool for_ever = true;

static void write_nowhere(void)
{
    volatile char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    *page = 1;
}

/* Until the stack is used up: the handler needs another one. */
static __attribute__((noinline)) int dig(volatile char *above)
{
    volatile char here[4096];
    here[0] = *above;
    return for_ever ? dig(here) + here[0] : 0;
}

static void overflow(void)
{
    volatile char start = 0;
    dig(&start);
}

static void send_signal(void)
{
    kill(getpid(), SIGBUS);
    for (;;)
        pause();
}

/* The handler may run on the main thread, which runs no operator. */
static void get_terminated(void)
{
    kill(getpid(), SIGTERM);
    for (;;)
        pause();
}

static void *in_a_thread(void *argument)
{
    void (*const *crash)(void) = argument;
    crash_thread_begin();
    crash_blame("detect", NULL);
    (*crash)();
    crash_thread_end();
    return NULL;
}

static void of_no_operator(void)
{
    crash_blame(NULL, NULL);
    abort();
}

/* How a child ends that crashes so; what it prints goes to `text`. */
static int crash_so(void (*crash)(void), char *text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        dup2(ends[1], STDERR_FILENO);
        crash_install(false);
        pthread_t thread;
        pthread_create(&thread, NULL, in_a_thread, &crash);
        pthread_join(thread, NULL);
        _exit(0);
    }
    close(ends[1]);
    size_t len = 0;
    for (ssize_t got; (got = read(ends[0], text + len, size - 1 - len)) > 0;)
        len += (size_t)got;
    text[len] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return WTERMSIG(status);
}

static void a_crash_is_told_and_stays_one(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(crash_so(write_nowhere, text, sizeof text), SIGSEGV);
    assert_non_null(strstr(text, "operator `detect`: it crashed"));
    assert_non_null(strstr(text, "SIGSEGV"));
    assert_int_equal(crash_so(abort, text, sizeof text), SIGABRT);
    assert_non_null(strstr(text, "operator `detect`: it crashed"));
    assert_int_equal(crash_so(overflow, text, sizeof text), SIGSEGV);
    assert_non_null(strstr(text, "operator `detect`: it crashed"));
    assert_int_equal(crash_so(of_no_operator, text, sizeof text), SIGABRT);
    assert_non_null(strstr(text, "no operator's"));
}

static void a_signal_that_is_sent_ends_the_process(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(crash_so(send_signal, text, sizeof text), SIGBUS);
    assert_non_null(strstr(text, "SIGBUS"));
}

static void who_is_busy_is_told_when_the_host_is_terminated(void **state)
{
    (void)state;
    char text[4096];
    assert_int_equal(crash_so(get_terminated, text, sizeof text), SIGTERM);
    assert_string_equal(text, "operator `detect`: it is still busy, and its host is told to end (SIGTERM)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_is_told_and_stays_one),
        cmocka_unit_test(who_is_busy_is_told_when_the_host_is_terminated),
        cmocka_unit_test(a_signal_that_is_sent_ends_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
