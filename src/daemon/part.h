/* A part of a dataflow that runs on several machines: which nodes are elsewhere, and what is known of them. */
#ifndef DAEMON_PART_H
#define DAEMON_PART_H

#include "daemon/dataflow.h"

/* Makes it a part, when its participants are there; then, with the wires laid, its edges. */
int part_place(struct dataflow *dataflow, const struct daemon_part *part, struct error *error);
int part_connect(struct dataflow *dataflow, struct error *error);
void part_free(struct dataflow *dataflow);

/* Whether it still waits for its edges, or for dataflow_release. */
bool part_is_held(const struct dataflow *dataflow);
/* Tells the observer what is new of it. */
void part_tell(struct dataflow *dataflow);
/* Whether its edges have delivered all, or had time enough, now that the nodes have ended. */
bool part_is_drained(struct dataflow *dataflow);
/* How long that is, from the moment on at which it became so. CLOCK_NEVER while the gateway is at all of them, which
 * leaves by itself where nothing gets on: a slow network takes its time for a window full of large messages. */
int64_t part_patience(const struct dataflow *dataflow);

/* Nodes run nowhere any more: NODE_FAILED to those that listen to them, and their outputs are closed. They run again on
 * `machine`: the inputs are open, NODE_RESTARTED, and their edges are wanted. -ENOENT: there is no such node; -EINVAL:
 * it is here. */
int part_lost(struct dataflow *dataflow, const char *node, const char *machine, struct error *error);
int part_found(struct dataflow *dataflow, const char *node, const char *machine, struct error *error);
/* After these were called for each of the nodes. */
int part_settle(struct dataflow *dataflow, struct error *error);
/* The part over there has ended: nobody takes or sends anything any more. */
void part_ended(struct dataflow *dataflow, const char *machine);

/* A remote node has failed, or was restarted (`failure` NULL), as an edge tells in its turn; told by another edge
 * already, it is told no more. -ENOENT: no such edge. */
int part_event(struct dataflow *dataflow, const char *topic, const char *failure, struct error *error);

/* Why this node can't be touched here, or its output not listened to here: -EPERM; else 0. */
int part_refuse_node(const struct participant *participant, struct error *error);
int part_refuse_output(const struct participant *participant, uint32_t output, struct error *error);

#endif
