/* What the end of a node's process means. */
#ifndef DAEMON_OUTCOME_H
#define DAEMON_OUTCOME_H

#include <stdbool.h>

#include "daemon/daemon.h"

/* Why the daemon itself sent SIGKILL. */
enum kill_reason { KILL_NONE, KILL_GRACE, KILL_USER, KILL_HEALTH, KILL_PROTOCOL };

struct process_end {
    bool by_signal;
    int code;                /* the exit code or the signal */
    bool is_terminated;      /* the daemon sent it SIGTERM before */
    bool is_refused;         /* it was not let into the dataflow */
    bool is_excused;         /* … because the user stops the dataflow: it could only give up */
    enum kill_reason killed; /* and this is why it sent SIGKILL */
    const char *wrongdoing;  /* KILL_PROTOCOL: what it did; follows "because " */
    const char *complaint;   /* what it says itself that it ends of; NULL: nothing */
    int64_t silent_ns;       /* KILL_HEALTH: the health_check_timeout */
};

enum { OUTCOME_MESSAGE_MOST = ERROR_MESSAGE_MAX + 32 };

/* Fills in `ok`, `cause` and `code` of the result, and `message`. */
void outcome_of(const struct process_end *end, struct node_result *result, char message[OUTCOME_MESSAGE_MOST]);

#endif
