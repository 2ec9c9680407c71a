/* Waiting for work: poll for a short while, then sleep.
 *
 * Polling catches what comes soon, without a system call on either side; but where the publisher shares this core, or
 * comes rarely, it only burns time. So each poll in vain doubles the number of waits that don't poll, up to
 * SKIP_MOST, and one success starts over.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/cleanup.h"
#include "node/node.h"

enum {
    SKIP_MOST = 1023,
    LOOKS_A_CLOCK = 32,
    EAGER_ROUNDS = 64, /* a few µs: in this time not even a pause instruction comes between two looks */
};

static bool ready(const dora_node *node)
{
    /* relaxed: whoever sets it rings the bell afterwards. */
    return control_pending(node) || subscribe_ready(node) ||
           atomic_load_explicit(&node->interrupted, memory_order_relaxed);
}

static bool poll_for_work(const dora_node *node, int64_t until)
{
    unsigned round = 0;
    do
        for (int i = 0; i < LOOKS_A_CLOCK; i++) {
            if (ready(node))
                return true;
            if (round > EAGER_ROUNDS)
                cpu_relax();
        }
    while (round++ < EAGER_ROUNDS / 4 || clock_now() < until);
    return false;
}

static bool poll_first(dora_node *node, int64_t now, int64_t deadline)
{
    if (node->poll_ns <= 0)
        return false;
    if (node->poll_skip) {
        node->poll_skip--;
        return false;
    }
    int64_t until = clock_after(now, node->poll_ns);
    if (poll_for_work(node, deadline < until ? deadline : until)) {
        node->poll_backoff = 0;
        return true;
    }
    if (deadline < until)
        return false;
    node->poll_backoff = node->poll_backoff * 2 + 1 < SKIP_MOST ? node->poll_backoff * 2 + 1 : SKIP_MOST;
    node->poll_skip = node->poll_backoff;
    return false;
}

static void wait(dora_node *node, int64_t now, int64_t deadline)
{
    if (node->poll_ns == DORA_FOREVER) {
        int64_t nap = clock_after(now, DOORBELL_NAP);
        poll_for_work(node, deadline < nap ? deadline : nap);
        return;
    }
    if (poll_first(node, now, deadline))
        return;
    doorbell_arm(&node->bell, DOORBELL_ASLEEP);
    if (!ready(node))
        doorbell_sleep(&node->bell, deadline);
    doorbell_disarm(&node->bell);
}

int wait_for_work(dora_node *node, int64_t now, int64_t deadline)
{
    wait_enter(node);
    wait(node, now, deadline);
    return wait_leave(node);
}

/* ---- For a node's own event loop ---- */

static int open_poll(dora_node *node)
{
    autoclose int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    autoclose int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (timer < 0 || epoll < 0)
        return -errno;
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event) < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, node->bell.event_fd, &event) < 0)
        return -errno;
    node->timer_fd = take_fd(&timer);
    node->poll_fd = take_fd(&epoll);
    return 0;
}

int dora_fd(dora_node *node)
{
    int rc = node_check(node);
    if (rc == 0 && node->poll_fd < 0)
        rc = open_poll(node);
    if (rc < 0)
        return node_fail(node, rc, "can't make a pollable descriptor: error %d", -rc);
    /* Readable at once, so that the first round of dora_next arms it. */
    struct itimerspec now = {.it_value.tv_nsec = 1};
    timerfd_settime(node->timer_fd, 0, &now, NULL);
    return node->poll_fd;
}

bool wait_poll_arm(dora_node *node)
{
    int64_t deadline = subscribe_deadline(node), nap = clock_after(clock_now(), DOORBELL_NAP);
    if (nap < deadline)
        deadline = nap;
    struct itimerspec when = {.it_value = {.tv_sec = deadline / CLOCK_SECOND, .tv_nsec = deadline % CLOCK_SECOND}};
    timerfd_settime(node->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
    doorbell_arm(&node->bell, DOORBELL_POLLED);
    return !ready(node);
}

void wait_poll_disarm(dora_node *node)
{
    if (node->bell.polled)
        doorbell_disarm(&node->bell);
}
