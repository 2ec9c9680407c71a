/* dora_next: which event comes next. */
#include <errno.h>
#include <stdlib.h>

#include "node/event.h"
#include "node/node.h"
#include "node/trace.h"

static int deliver_stop(dora_node *node, dora_event **out, enum dora_stop_cause cause)
{
    dora_event *event = event_new(node, DORA_EVENT_STOP, cause == DORA_STOP_MANUAL ? "MANUAL" : "ALL_INPUTS_CLOSED");
    if (!event)
        return node_fail(node, -ENOMEM, "no memory for an event");
    event->stop_cause = cause;
    subscribe_stop(node);
    node->stop_delivered = true;
    *out = event;
    return 1;
}

/* 1: `*out` is the next event; 0: nothing now; -ENODATA: nothing ever again. */
static int next(dora_node *node, dora_event **out)
{
    if (control_pending(node))
        control_apply(node);
    if (node->ended)
        return -ENODATA;
    /* Why the node is cut off comes before the Stop that follows from it. */
    if (node->stop_requested && !node->stop_delivered && !(node->cut_off && node->notices))
        return deliver_stop(node, out, DORA_STOP_MANUAL);
    if (!node->stop_delivered && node->notices) {
        *out = event_take_notice(&node->notices, &node->notices_end);
        return 1;
    }
    if (node->is_moving && handover_is_due(node) && handover_leave(node, out))
        return 1;
    int rc = subscribe_next(node, out);
    if (rc != 0)
        return rc;
    if (node->stop_delivered && subscribe_ended(node)) {
        node->ended = true;
        return -ENODATA;
    }
    if (node->inputs_ended && subscribe_ended(node))
        return deliver_stop(node, out, DORA_STOP_ALL_INPUTS_CLOSED);
    return 0;
}

/* Looks at the socket even where no count has changed, once in a while: a swallowed wake-up, or a daemon that is gone.
 */
static void look_around(dora_node *node, int64_t now)
{
    node->looked_ns = now;
    node_bump(node);
    control_apply(node);
}

int dora_next(dora_node *node, dora_event **out, int64_t timeout_ns)
{
    if (node->deferred && node_check(node) == 0) {
        *out = event_take_notice(&node->deferred, &node->deferred_end);
        return 0;
    }
    node->is_between = true;
    int rc = next_event(node, out, timeout_ns);
    node->is_between = false;
    return rc;
}

int next_event(dora_node *node, dora_event **out, int64_t timeout_ns)
{
    int rc = node_check(node);
    if (rc < 0)
        return rc;
    node_bump(node);
    trace_rest(node);
    wait_poll_disarm(node);
    rc = next(node, out);
    int64_t now = 0, deadline = 0;
    while (rc == 0) {
        /* acquire: what was done before the interruption is seen after it. */
        if (atomic_load_explicit(&node->interrupted, memory_order_relaxed) &&
            atomic_exchange_explicit(&node->interrupted, false, memory_order_acquire))
            return -EINTR;
        now = clock_now();
        if (deadline == 0)
            deadline = clock_after(now, timeout_ns > 0 ? timeout_ns : 0);
        if (now - node->looked_ns > DOORBELL_NAP) {
            look_around(node, now);
        } else if (now >= deadline) {
            if (node->poll_fd < 0 || timeout_ns == NODE_LOOK || wait_poll_arm(node))
                return -ETIMEDOUT;
            wait_poll_disarm(node);
        } else {
            int64_t due = subscribe_deadline(node);
            rc = wait_for_work(node, now, due < deadline ? due : deadline);
            if (rc < 0)
                return rc;
        }
        rc = next(node, out);
    }
    if (rc < 0)
        return rc;
    /* relaxed: a counter. */
    atomic_store_explicit(&node->page->received, ++node->delivered, memory_order_relaxed);
    return 0;
}
