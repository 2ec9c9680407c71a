/* The ways that messages took through a dataflow, put together from what its nodes noted (`trace.read`).
 *
 * A way begins at a message that no other caused (or at a timer's tick), goes along the messages that were caused by
 * one another, and ends where a node took one and sent nothing for it. Ways through the same outputs and inputs make a
 * path. Notes whose causes are missing (before the trace began, or lost) are left out. */
#ifndef CLI_TRACE_PATHS_H
#define CLI_TRACE_PATHS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { TRACE_STEPS_MOST = 64 };

struct trace_step {
    /* QUEUE: from the sending of `topic` until `node` took it through `input`; HANDLING: from then until `node` sent
     * `topic`. */
    enum trace_step_kind { TRACE_QUEUE, TRACE_HANDLING } kind;
    const char *node, *topic, *input;
    int64_t *durations; /* ns, of each message; sorted */
};

struct trace_path {
    struct trace_step steps[TRACE_STEPS_MOST];
    size_t step_count;
    const char *first; /* the topic that it begins with; a tick's: "dora/timer/…" */
    int64_t *totals;   /* ns, sorted */
    size_t count, capacity;

    int64_t slowest; /* ns: one message that took longest, */
    int64_t slowest_durations[TRACE_STEPS_MOST];
    uint64_t slowest_sequence; /* of the first message */
};

struct trace_paths {
    struct trace_path **paths; /* those of the most messages first, after trace_paths_join */
    size_t count;
    struct trace_store *store;
};

int trace_paths_init(struct trace_paths *paths); /* 0 or -ENOMEM */
void trace_paths_free(struct trace_paths *paths);

/* Keeps the spans of one answer. 0, -ENOMEM, -EBADMSG: they are none. */
int trace_paths_add(struct trace_paths *paths, const json_t *spans);

/* After the last of them: finds the paths. 0 or -ENOMEM. */
int trace_paths_join(struct trace_paths *paths);

/* Of sorted values: the one that `share` (0 to 1) of them don't exceed. */
int64_t trace_percentile(const int64_t *sorted, size_t count, double share);

#endif
