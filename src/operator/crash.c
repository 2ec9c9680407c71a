#include "operator/crash.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/node_raw.h"

enum { STACK = 32 * 1024 };

/* A thread that runs operators. Handlers of other threads look at it, too. */
struct suspect {
    struct suspect *next;
    const char *_Atomic id;
    dora_node *_Atomic node;
    stack_t before;            /* for its handlers, as another library may have set it */
    _Alignas(16) char stack[]; /* of its handlers */
};

static struct suspect *_Atomic suspects;

/* Who had the signals of crashes before, and gets them afterwards; else the default is done. */
static struct sigaction before_us[NSIG];
static bool hands_on;

/* initial-exec: what a handler reads must not be allocated when it is first used. */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct suspect *self;

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

/* Only what may be called in a handler; a line at once, since others may write, too. */
static void say(const char *id, const char *text)
{
    char line[512];
    const char *const parts[] = {id ? "operator `" : "", id ? id : "a thread that is no operator's", id ? "`: " : ": ",
                                 text};
    size_t len = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *at = parts[i]; *at && len < sizeof line - 1; at++)
            line[len++] = *at;
    line[len++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, len);
    (void)ignored;
}

/* SA_RESETHAND: the default action is back. A fault happens again on return, and a core has the place; what was sent
 * doesn't.
 */
static void go_on(int signal, const siginfo_t *info)
{
    if (info->si_code <= 0)
        raise(signal);
}

static void on_crash(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    /* relaxed: this thread's own. */
    const char *id = self ? atomic_load_explicit(&self->id, memory_order_relaxed) : NULL;
    dora_node *node = self ? atomic_load_explicit(&self->node, memory_order_relaxed) : NULL;
    say(id, what(signal));
    if (node)
        node_raw_fail(node, what(signal));
    errno = saved;
    if (hands_on)
        sigaction(signal, &before_us[signal], NULL);
    go_on(signal, info);
}

static void on_terminate(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    /* acquire: with the release in crash_thread_begin(), what a suspect was when it came. */
    for (struct suspect *at = atomic_load_explicit(&suspects, memory_order_acquire); at; at = at->next) {
        /* relaxed: a name stays valid until the host ends. */
        const char *id = atomic_load_explicit(&at->id, memory_order_relaxed);
        if (id)
            say(id, "it is still busy, and its host is told to end (SIGTERM)");
    }
    errno = saved;
    go_on(signal, info);
}

int crash_install(bool hands_on_to_others)
{
    hands_on = hands_on_to_others;
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        if (sigaction(crashes[i], &action, &before_us[crashes[i]]) < 0)
            return -errno;
    /* Who ignores or handles SIGTERM doesn't end by it. */
    struct sigaction before;
    if (sigaction(SIGTERM, NULL, &before) < 0)
        return -errno;
    action.sa_sigaction = on_terminate;
    return before.sa_handler == SIG_DFL && sigaction(SIGTERM, &action, NULL) < 0 ? -errno : 0;
}

void crash_thread_begin(void)
{
    size_t size = STACK + (size_t)sysconf(_SC_MINSIGSTKSZ);
    struct suspect *suspect = malloc(sizeof *suspect + size);
    if (!suspect)
        return;
    *suspect = (struct suspect){0};
    if (sigaltstack(&(stack_t){.ss_sp = suspect->stack, .ss_size = size}, &suspect->before) < 0) {
        free(suspect);
        return;
    }
    self = suspect;
    suspect->next = atomic_load_explicit(&suspects, memory_order_relaxed);
    /* release: see on_terminate(). */
    while (!atomic_compare_exchange_weak_explicit(&suspects, &suspect->next, suspect, memory_order_release,
                                                  memory_order_relaxed))
        ;
}

void crash_thread_end(void)
{
    if (!self)
        return;
    crash_blame(NULL, NULL);
    sigaltstack(&self->before, NULL);
    self = NULL;
}

void crash_blame(const char *id, dora_node *node)
{
    if (!self)
        return;
    /* relaxed: this thread's own handler, or one that takes what it sees. */
    atomic_store_explicit(&self->id, id, memory_order_relaxed);
    atomic_store_explicit(&self->node, node, memory_order_relaxed);
}
