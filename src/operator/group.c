#include "operator/group.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "node/node_raw.h"
#include "operator/crash.h"

/* As a single node waits (src/node/wait.c): it polls for so long before it sleeps, and where that has been in vain,
 * less and less often. */
static const int64_t POLL = 50 * 1000;
enum { SKIP_MOST = 1023, LOOKS_A_CLOCK = 8 };

/* ---- What becomes of an operator ---- */

static void fail(struct operator* op, const struct error *error)
{
    fprintf(stderr, "operator `%s`: %s\n", op->config->id, error->message);
    if (op->node)
        node_raw_fail(op->node, error->message);
    /* relaxed: read after the threads have been joined. */
    atomic_store_explicit(&op->host->failed, true, memory_order_relaxed);
}

static dora_node *set_node(struct operator* op, dora_node *node)
{
    pthread_mutex_lock(&op->host->lock);
    dora_node *before = op->node;
    op->node = node;
    pthread_mutex_unlock(&op->host->lock);
    return before;
}

static void end(struct operator* op)
{
    struct error error = ERROR_INIT;
    crash_blame(op->config->id, op->node);
    if (op->kind->drop(op->self, &error) < 0)
        fail(op, &error);
    op->self = NULL;
    crash_blame(NULL, NULL);
    dora_node_close(set_node(op, NULL));
}

static void stop_all(struct host *host)
{
    /* seq_cst, and the lock: whoever has no node yet looks at it when he has one. */
    atomic_store(&host->stop_all, true);
    pthread_mutex_lock(&host->lock);
    for (size_t i = 0; i < host->config.count; i++)
        if (host->operators[i].node)
            node_raw_interrupt(host->operators[i].node);
    pthread_mutex_unlock(&host->lock);
}

/* Whether the operator goes on; `event` (NULL: the Stop of STOP_ALL) is freed. */
static bool handle(struct operator* op, dora_event *event)
{
    struct error error; /* its kilobyte isn't cleared for every event */
    error.code = 0;
    error.message[0] = '\0';
    op->has_stopped |= !event || dora_event_type(event) == DORA_EVENT_STOP;
    crash_blame(op->config->id, op->node);
    int rc = op->kind->event(op->self, event, &error);
    crash_blame(NULL, NULL);
    dora_event_free(event);
    if (rc < 0)
        fail(op, &error);
    if (rc == OPERATOR_STOP_ALL)
        stop_all(op->host);
    return rc == OPERATOR_CONTINUE;
}

/* ---- Before the start ---- */

static int init(struct operator* op)
{
    struct error error = ERROR_INIT;
    int rc;
    crash_blame(op->config->id, NULL);
    if (op->kind)
        rc = op->kind->init(op->context, op->config, &op->self, &error);
    else
        rc = error_set(&error, -ENOTSUP, "it is in Python, which this host can't run");
    crash_blame(NULL, NULL);
    if (rc < 0)
        fail(op, &error);
    return rc;
}

/* Whether all operators of the host can start, which only now may join: a node that had joined before another one's
 * failure would be taken for its cause. */
static bool init_all(struct group *group)
{
    struct host *host = group->host;
    bool is_fine = true;
    for (size_t i = 0; is_fine && i < group->count; i++)
        is_fine = init(group->members[i]) == 0;
    pthread_mutex_lock(&host->lock);
    host->no_start |= !is_fine;
    if (--host->waiting == 0)
        pthread_cond_broadcast(&host->progress);
    while (host->waiting > 0)
        pthread_cond_wait(&host->progress, &host->lock);
    is_fine = !host->no_start;
    pthread_mutex_unlock(&host->lock);
    for (size_t i = 0; !is_fine && i < group->count; i++)
        if (group->members[i]->self)
            end(group->members[i]);
    return is_fine;
}

/* The others wait for this one in the dataflow's barrier, and can't be called back. */
static void give_up(struct operator* op, const char *why)
{
    fprintf(stderr, "operator `%s`: %s\n", op->config->id, why);
    fflush(stdout);
    _exit(EXIT_FAILURE);
}

/* The barrier waits for all: none may wait for it before the others have been announced. */
static void open_all(struct group *group)
{
    dora_error error;
    for (size_t i = 0; i < group->count; i++) {
        struct operator* op = group->members[i];
        dora_node_options options = {0};
        dora_node *node;
        if (op->kind->options)
            op->kind->options(op->self, &options);
        if (node_raw_greet(&node, op->config->connect, &options, &error) < 0)
            give_up(op, error.message);
        op->joining = node;
    }
    for (size_t i = 0; i < group->count; i++) {
        struct operator* op = group->members[i];
        if (node_raw_join(&op->joining, &error) < 0)
            give_up(op, error.message);
        set_node(op, take_ptr(op->joining));
    }
}

static bool join(struct operator* op)
{
    struct error error = ERROR_INIT;
    if (!op->kind->joined)
        return true;
    crash_blame(op->config->id, op->node);
    int rc = op->kind->joined(op->self, op->node, &error);
    crash_blame(NULL, NULL);
    if (rc < 0)
        fail(op, &error);
    return rc == 0;
}

/* ---- Events ---- */

enum how { WAIT, LOOK, ARM };

/* Gives the operator its next event: 1. 0: there is none; -ENODATA: it has ended. */
static int serve(struct operator* op, enum how how)
{
    dora_event *event;
    int rc;
    /* relaxed: who sets it interrupts the wait afterwards. */
    if (atomic_load_explicit(&op->host->stop_all, memory_order_relaxed)) {
        if (!op->has_stopped)
            handle(op, NULL);
        rc = -ENODATA;
    } else if (how == LOOK)
        rc = node_raw_look(op->node, &event);
    else
        rc = dora_next(op->node, &event, how == WAIT ? DORA_FOREVER : 0);
    if (rc == 0 && handle(op, event))
        return 1;
    if (rc == -ETIMEDOUT)
        return 0;
    if (rc == -EINTR)
        return 1;
    if (rc < 0 && rc != -ENODATA) {
        struct error error;
        error_set(&error, rc, "%s", dora_node_error(op->node));
        fail(op, &error);
    }
    end(op);
    return -ENODATA;
}

/* One round of all; how many had something. */
static size_t serve_all(struct group *group, enum how how, struct pollfd *fds)
{
    size_t served = 0, left = 0;
    for (size_t i = 0; i < group->count; i++) {
        int rc = serve(group->members[i], how);
        served += rc != 0;
        if (rc == -ENODATA)
            continue;
        group->members[left] = group->members[i];
        fds[left++] = fds[i];
    }
    group->count = left;
    return served;
}

static bool poll_for_work(struct group *group, struct pollfd *fds)
{
    int64_t until = clock_after(clock_now(), POLL);
    do
        for (int i = 0; i < LOOKS_A_CLOCK; i++) {
            if (serve_all(group, LOOK, fds) > 0)
                return true;
            cpu_relax();
        }
    while (clock_now() < until);
    return false;
}

static int get_fds(struct group *group, struct pollfd *fds)
{
    size_t left = 0;
    for (size_t i = 0; i < group->count; i++) {
        struct operator* op = group->members[i];
        int fd = dora_fd(op->node);
        if (fd >= 0) {
            group->members[left] = op;
            fds[left++] = (struct pollfd){.fd = fd, .events = POLLIN};
            continue;
        }
        struct error error;
        error_set(&error, fd, "%s", dora_node_error(op->node));
        fail(op, &error);
        end(op);
    }
    group->count = left;
    return 0;
}

/* While there is work, nothing is armed, so that what one operator sends another costs no system call. */
static void run_several(struct group *group)
{
    unsigned skip = 0, backoff = 0;
    autofree struct pollfd *fds = calloc(group->count, sizeof *fds);
    if (!fds)
        give_up(group->members[0], "no memory to run it");
    get_fds(group, fds);
    while (group->count > 1) {
        if (serve_all(group, LOOK, fds) > 0)
            continue;
        if (skip > 0) {
            skip--;
        } else if (poll_for_work(group, fds)) {
            backoff = 0;
            continue;
        } else {
            backoff = backoff * 2 + 1 < SKIP_MOST ? backoff * 2 + 1 : SKIP_MOST;
            skip = backoff;
        }
        if (serve_all(group, ARM, fds) == 0)
            poll(fds, group->count, -1);
    }
}

void group_run(struct group *group)
{
    void *stack = group->host->options->tells_of_crashes ? crash_thread_begin() : NULL;
    if (init_all(group)) {
        open_all(group);
        size_t left = 0;
        for (size_t i = 0; i < group->count; i++) {
            if (join(group->members[i]))
                group->members[left++] = group->members[i];
            else
                end(group->members[i]);
        }
        group->count = left;
        if (group->count > 1)
            run_several(group);
        /* The last one needs no poll(). */
        while (group->count == 1 && serve(group->members[0], WAIT) > 0)
            continue;
    }
    crash_thread_end(stack);
}
