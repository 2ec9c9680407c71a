/* The daemon under a coordinator: it runs what the coordinator asks for, and tells how it goes (docs/control.md).
 *
 * Dataflows belong to the agent. Where the coordinator is gone, they go on, and the agent connects again as soon as
 * there is one, for ever; what has ended meanwhile is told then. Everything happens in the loop's thread.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/gateway.h"
#include "control/standing.h"
#include "daemon/daemon.h"

struct agent;

struct agent_options {
    struct daemon_options daemon;        /* what a dataflow's own options do not say */
    const char *socket;                  /* the coordinator's; NULL: the user's. Must outlive the agent, as `machine` */
    const char *machine;                 /* the name of this machine */
    const char *const *labels;           /* "key=value", ended by NULL; NULL: none. Must outlive the agent */
    const struct agent_gateway *gateway; /* to other machines; NULL: none. Must outlive the agent */
    void (*notice)(void *context, const char *text); /* one line for people; may be NULL */
    void (*ready)(void *context);                    /* the coordinator knows this daemon, for the first time */
    void (*stands)(void *context, const struct control_standing *standing); /* anew with each change; may be NULL */
    void (*ended)(void *context); /* after agent_stop: nothing runs any more. Close it now */
    void *context;
};

int agent_open(struct agent **agent, uv_loop_t *loop, const struct agent_options *options, struct error *error);

/* Stops every dataflow with this grace time (0: kills), and ends: `ended` is called. A later call may shorten it. */
void agent_stop(struct agent *agent, int64_t grace_ns);

/* Kills what still runs and frees the agent once the loop has run on. NULL is fine. */
void agent_close(struct agent *agent);

#endif
