/* Whether a node whose process has ended is started again, and when. */
#ifndef DAEMON_RESTART_H
#define DAEMON_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#include "graph/graph.h"

/* What is remembered from one end to the next; zeros but for `window_start`. */
struct restart_history {
    bool is_disabled;     /* the dataflow stops, or the node has nothing left to do */
    uint32_t total;       /* restarts so far */
    uint32_t in_window;   /* of those, since `window_start`; all where there is no window */
    int64_t window_start; /* CLOCK_MONOTONIC ns: when the node was first started, or the count last began anew */
};

enum restart_verdict {
    RESTART_NEVER,     /* the policy doesn't want it */
    RESTART_DISABLED,  /* the policy wants it, but is_disabled */
    RESTART_EXHAUSTED, /* max_restarts are used up */
    RESTART_AFTER,     /* after `delay_ns`; counted in the history */
};

struct restart_decision {
    enum restart_verdict verdict;
    int64_t delay_ns;
};

/* Decides at the moment `now` when the process has ended, `failed` or in good order. */
struct restart_decision restart_decide(const struct graph_node *node, struct restart_history *history, bool failed,
                                       int64_t now);

/* Whether the node could be restarted if its process ended now, one way or the other. */
bool restart_possible(const struct graph_node *node, const struct restart_history *history);

#endif
