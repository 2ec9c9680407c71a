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

static void fail(struct member *member, const struct error *error)
{
    fprintf(stderr, "operator `%s`: %s\n", member->config->id, error->message);
    if (member->node)
        node_raw_fail(member->node, error->message);
    /* relaxed: read after the threads have been joined. */
    atomic_store_explicit(&member->host->failed, true, memory_order_relaxed);
}

static void end(struct member *member)
{
    struct error error = ERROR_INIT;
    crash_blame(member->config->id, member->node);
    if (member->kind->drop(member->self, &error) < 0)
        fail(member, &error);
    member->self = NULL;
    crash_blame(NULL, NULL);
    dora_node_close(take_ptr(member->node));
}

/* Whether the operator goes on; frees the event. */
static bool handle(struct member *member, dora_event *event)
{
    struct error error; /* its kilobyte isn't cleared for every event */
    error.code = 0;
    error.message[0] = '\0';
    crash_blame(member->config->id, member->node);
    int rc = member->kind->event(member->self, event, &error);
    crash_blame(NULL, NULL);
    dora_event_free(event);
    if (rc < 0)
        fail(member, &error);
    if (rc == OPERATOR_STOP_ALL)
        node_raw_stop_all(member->node);
    return rc == OPERATOR_CONTINUE;
}

/* ---- Before the start ---- */

static int init(struct member *member)
{
    struct error error = ERROR_INIT;
    int rc;
    crash_blame(member->config->id, NULL);
    if (member->kind)
        rc = member->kind->init(member->context, member->config, &member->self, &error);
    else
        rc = error_set(&error, -ENOTSUP, "it is in Python, which this host can't run");
    crash_blame(NULL, NULL);
    if (rc < 0)
        fail(member, &error);
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
static void give_up(struct member *member, const char *why)
{
    fprintf(stderr, "operator `%s`: %s\n", member->config->id, why);
    fflush(stdout);
    _exit(EXIT_FAILURE);
}

/* The barrier waits for all: none may wait for it before the others have been announced. */
static void open_all(struct group *group)
{
    dora_error error;
    for (size_t i = 0; i < group->count; i++) {
        struct member *member = group->members[i];
        dora_node_options options = {0};
        if (member->kind->options)
            member->kind->options(member->self, &options);
        if (node_raw_greet(&member->node, member->config->connect, &options, &error) < 0)
            give_up(member, error.message);
    }
    for (size_t i = 0; i < group->count; i++) {
        if (node_raw_join(&group->members[i]->node, &error) < 0)
            give_up(group->members[i], error.message);
    }
}

static bool join(struct member *member)
{
    struct error error = ERROR_INIT;
    if (!member->kind->joined)
        return true;
    crash_blame(member->config->id, member->node);
    int rc = member->kind->joined(member->self, member->node, &error);
    crash_blame(NULL, NULL);
    if (rc < 0)
        fail(member, &error);
    return rc == 0;
}

/* ---- Events ---- */

enum how { WAIT, LOOK, ARM };

/* Gives the operator its next event: 1. 0: there is none; -ENODATA: it has ended. */
static int serve(struct member *member, enum how how)
{
    dora_event *event;
    int rc = how == LOOK ? node_raw_look(member->node, &event)
                         : dora_next(member->node, &event, how == WAIT ? DORA_FOREVER : 0);
    if (rc == 0 && handle(member, event))
        return 1;
    if (rc == -ETIMEDOUT)
        return 0;
    if (rc == -EINTR)
        return 1;
    if (rc < 0 && rc != -ENODATA) {
        struct error error;
        error_set(&error, rc, "%s", dora_node_error(member->node));
        fail(member, &error);
    }
    end(member);
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
        struct member *member = group->members[i];
        int fd = dora_fd(member->node);
        if (fd >= 0) {
            group->members[left] = member;
            fds[left++] = (struct pollfd){.fd = fd, .events = POLLIN};
            continue;
        }
        struct error error;
        error_set(&error, fd, "%s", dora_node_error(member->node));
        fail(member, &error);
        end(member);
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
    if (group->host->options->tells_of_crashes)
        crash_thread_begin();
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
    crash_thread_end();
}
