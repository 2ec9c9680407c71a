#include "daemon/restart.h"

#include "base/clock.h"

/* delay × 2^(attempt - 1), capped */
static int64_t backoff(const struct graph_node *node, uint32_t attempt)
{
    const uint32_t doublings_most = 16;
    uint32_t doublings = attempt - 1 < doublings_most ? attempt - 1 : doublings_most;
    int64_t delay;
    if (__builtin_mul_overflow(node->restart_delay_ns, (int64_t)1 << doublings, &delay))
        delay = CLOCK_NEVER;
    return node->max_restart_delay_ns > 0 && delay > node->max_restart_delay_ns ? node->max_restart_delay_ns : delay;
}

struct restart_decision restart_decide(const struct graph_node *node, struct restart_history *history, bool failed,
                                       int64_t now)
{
    if (node->restart == GRAPH_RESTART_NEVER || (node->restart == GRAPH_RESTART_ON_FAILURE && !failed))
        return (struct restart_decision){RESTART_NEVER, 0};
    if (history->is_disabled)
        return (struct restart_decision){RESTART_DISABLED, 0};
    if (node->restart_window_ns > 0 && now - history->window_start > node->restart_window_ns) {
        history->in_window = 0;
        history->window_start = now;
    }
    if (node->max_restarts > 0 && history->in_window >= node->max_restarts)
        return (struct restart_decision){RESTART_EXHAUSTED, 0};
    history->in_window++;
    history->total++;
    return (struct restart_decision){RESTART_AFTER, backoff(node, history->in_window)};
}

bool restart_possible(const struct graph_node *node, const struct restart_history *history)
{
    struct restart_history copy = *history;
    /* With a window, the count may begin anew until the process has ended. */
    if (node->restart_window_ns > 0)
        copy.in_window = 0;
    return restart_decide(node, &copy, true, copy.window_start).verdict == RESTART_AFTER;
}
