#include "operator/crash.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/node_raw.h"

enum { STACK = 32 * 1024 };

/* initial-exec: what a handler reads must not be allocated when it is first used. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct {
    const char *id;
    dora_node *node;
} blamed;

static const char *what(int signal)
{
    switch (signal) {
    case SIGSEGV:
        return "it crashed: it used memory that isn't its own (SIGSEGV)";
    case SIGBUS:
        return "it crashed: it used memory that isn't there (SIGBUS)";
    case SIGILL:
        return "it crashed: it ran into what is no instruction (SIGILL)";
    case SIGFPE:
        return "it crashed: it divided by zero, or the like (SIGFPE)";
    default:
        return "it crashed: it gave up by abort(), as of an assertion or an exception that nobody catches (SIGABRT)";
    }
}

/* Only what may be called in a handler. */
static void say(const char *text)
{
    ssize_t ignored = write(STDERR_FILENO, text, strlen(text));
    (void)ignored;
}

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    if (blamed.id) {
        say("operator `");
        say(blamed.id);
        say("`: ");
        say(what(signal));
        say("\n");
    } else {
        say("a thread that is no operator's, but an operator or a library may have started: ");
        say(what(signal));
        say("\n");
    }
    if (blamed.node)
        node_raw_fail(blamed.node, what(signal));
    errno = saved;
    /* SA_RESETHAND: the default action is back. A fault happens again on return, and a core has the place; what was
     * sent doesn't. */
    if (info->si_code <= 0)
        raise(signal);
}

int crash_install(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (sigaction(signals[i], &action, NULL) < 0)
            return -errno;
    return 0;
}

void *crash_thread_begin(void)
{
    size_t size = STACK + (size_t)sysconf(_SC_MINSIGSTKSZ);
    void *memory = malloc(size);
    stack_t stack = {.ss_sp = memory, .ss_size = size};
    if (memory && sigaltstack(&stack, NULL) == 0)
        return memory;
    free(memory);
    return NULL;
}

void crash_thread_end(void *memory)
{
    if (!memory)
        return;
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    free(memory);
}

void crash_blame(const char *id, dora_node *node)
{
    blamed.id = id;
    blamed.node = node;
}
