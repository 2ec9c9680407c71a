/* A dataflow as the sum of its parts: what each machine runs of it, what holds them together, and what becomes of one
 * whose machine is lost (docs/machines.md). Most dataflows have but one part, and none of this concerns them.
 */
#ifndef COORDINATOR_PARTS_H
#define COORDINATOR_PARTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "coordinator/machine.h"

struct flow;

/* What of a dataflow one machine runs. */
struct part {
    struct machine *machine;
    json_t *said;                  /* the dataflow object of its daemon, of its own nodes alone; NULL: nothing yet */
    bool is_reported;              /* by the daemon that is connected now, or asked of it */
    bool is_started;               /* its nodes' processes have been started */
    bool is_lost;                  /* with its machine */
    bool is_rest;                  /* holds lost nodes that won't run again, after the others were placed again */
    bool is_again;                 /* started again: the other parts are told when it is ready */
    struct control_request *ready; /* `dataflow.ready`, to be answered when all have asked */
    unsigned serial;               /* that no other part of the flow has had */
    size_t unheard;                /* other parts that have not answered yet that it is found again */
    char saved[16];                /* its status in the state */
    json_t *untold;                /* [[method, params], …] for when its machine is back; NULL: nothing */
};

/* parts.c: a dataflow as the sum of its parts. */
int parts_make(struct flow *flow); /* by its placement */
void parts_free(struct flow *flow);
struct part *parts_add(struct flow *flow, struct machine *machine); /* NULL: no memory */
void parts_remove(struct flow *flow, struct part *part);
/* The one that runs there, else one that is lost with it; NULL: none. */
struct part *parts_on(const struct flow *flow, const struct machine *machine);
struct part *parts_of_node(const struct flow *flow, const char *node);
bool parts_is_over(const struct part *part);
/* Keeps what its daemon says. */
void parts_say(struct flow *flow, struct part *part, const json_t *said);
/* Its nodes that have not ended have failed, for this reason. Gives their ids. */
json_t *parts_end(struct flow *flow, struct part *part, const char *why);
/* The dataflow's status, error and nodes by what its parts say; NULL: nothing is known, or no memory. */
json_t *parts_merge(const struct flow *flow);
/* Where each node is, for a daemon. */
json_t *parts_names(const struct flow *flow);
/* Whether there are parts that have ended, and all that is left are nodes that somebody starts by hand: nobody waits
 * for these. */
bool parts_only_dynamic(const struct flow *flow);
/* The nodes of all other parts that run nowhere any more, for a daemon. */
json_t *parts_over_nodes(const struct flow *flow, const struct part *but);
/* The params of `part.ended`. */
json_t *parts_ended(const struct flow *flow, const struct part *part);
/* Sends a request to the daemon of a part, or keeps it for when its machine is back. Takes over `params`. */
void parts_tell(struct part *part, const char *method, json_t *params);
/* The same to all other parts that run. */
void parts_tell_others(struct flow *flow, const struct part *but, const char *method, json_t *params);

/* barrier.c: no part runs before all are ready. */
void handle_ready(struct coordinator *coordinator, struct control_request *request, json_t *params);
void barrier_look(struct flow *flow); /* after any change */
void barrier_drop(struct part *part, const char *why);
/* The start of all parts fails, because of this one. */
void barrier_fail(struct flow *flow, const struct part *part, const char *code, const char *why);

/* lost.c: machines that are lost, and found again. */
/* What that machine ran, and nobody says it still does. */
void lost_unreported(struct coordinator *coordinator, struct machine *machine);
void lost_watch(struct coordinator *coordinator); /* the timer, anew */
/* A part that was lost is there again. */
void lost_found(struct flow *flow, struct part *part);
/* Nodes that may run again, of parts that are lost, where they can. */
void lost_place_again(struct coordinator *coordinator);

#endif
