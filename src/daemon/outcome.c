#include "daemon/outcome.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static bool is_soft(const struct process_end *end)
{
    return end->by_signal ? end->code == SIGTERM || end->code == SIGINT
                          : end->code == 128 + SIGTERM || end->code == 128 + SIGINT;
}

static enum node_cause cause_of(const struct process_end *end)
{
    if (end->killed == KILL_PROTOCOL)
        return NODE_BROKE_PROTOCOL;
    if (end->by_signal && end->code == SIGKILL && end->killed != KILL_NONE)
        return end->killed == KILL_GRACE ? NODE_GRACE_KILLED : end->killed == KILL_USER ? NODE_KILLED : NODE_UNHEALTHY;
    if (!end->by_signal && end->code == 0)
        return NODE_FINISHED;
    if (end->is_excused || (end->is_terminated && is_soft(end)))
        return NODE_FINISHED;
    return end->by_signal ? NODE_SIGNALED : NODE_EXITED;
}

void outcome_of(const struct process_end *end, struct node_result *result, char message[OUTCOME_MESSAGE_MOST])
{
    result->cause = cause_of(end);
    result->code = end->code;
    result->ok = result->cause == NODE_FINISHED;
    const size_t most = OUTCOME_MESSAGE_MOST;
    if (end->complaint && end->killed == KILL_NONE) {
        result->ok = false;
        result->cause = end->by_signal ? NODE_SIGNALED : NODE_EXITED;
        snprintf(message, most, "failed: %s", end->complaint);
        return;
    }
    switch (result->cause) {
    case NODE_BROKE_PROTOCOL:
        snprintf(message, most, "was killed by dora because %s",
                 end->wrongdoing ? end->wrongdoing : "it broke the protocol");
        break;
    case NODE_GRACE_KILLED:
        snprintf(message, most, "was killed by dora because it didn't react to a stop message in time (SIGKILL)");
        break;
    case NODE_KILLED:
        snprintf(message, most, "was killed by dora because the dataflow was to end at once (SIGKILL)");
        break;
    case NODE_UNHEALTHY:
        snprintf(message, most,
                 "was killed by dora because it was silent for longer than its health_check_timeout (%g s)",
                 (double)end->silent_ns / (double)CLOCK_SECOND);
        break;
    case NODE_SIGNALED: {
        const char *name = sigabbrev_np(end->code);
        if (name)
            snprintf(message, most, "exited because of signal SIG%s", name);
        else
            snprintf(message, most, "exited because of signal %d", end->code);
        break;
    }
    case NODE_EXITED:
        snprintf(message, most, "exited with code %d", end->code);
        break;
    default:
        snprintf(message, most, "finished");
    }
}
