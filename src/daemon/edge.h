/* Edges: what goes to other machines, and comes from them. An edge is one output of one node and one other machine that
 * has subscribers of it; here its end is a process that joins as a watcher (the gateway), in the place of the nodes
 * over there. An outgoing edge's watcher holds up the publisher where one of those nodes would; an incoming edge's
 * publishes in the remote node's place, and when it closes its output, that output is closed.
 *
 * Whoever runs the gateway is told by daemon_observer.edges that something is to do: edge_wants_process: edge_admit,
 * and let the gateway join; edge_wants_end: let it leave. A process that says GOODBYE has ended the edge. One that dies
 * has not: the inputs stay open, and the edge wants a process again.
 */
#ifndef DAEMON_EDGE_H
#define DAEMON_EDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/dataflow.h"

struct edge {
    struct edge *next;
    uint32_t serial;          /* within the dataflow */
    struct participant *node; /* whose output it is: here, or remote; NULL: removed since */
    uint32_t output;
    char *topic, *machine; /* "node/output"; to, or from */
    bool is_outgoing;
    uint64_t queue_size; /* the largest of the subscribers' over there, or here */
    enum graph_queue_policy policy;
    bool is_wanted;              /* false: it has ended, or nobody needs it at present */
    bool is_ending;              /* the gateway has been asked to leave */
    bool is_silent;              /* its end is not its output's */
    bool is_handed_over;         /* its output goes on elsewhere: what was sent is delivered before its end */
    struct participant *process; /* the gateway's end; NULL: nobody has been let in */
    bool was_made;               /* the gateway has joined for it before */
    unsigned out_of_reach;       /* how often in a row its machine has not answered it, but the coordinator */
    uint32_t told;               /* failures and restarts of the node that came over it */
};

/* Lays the edges that the wires and the nodes' places ask for, where they are not there yet. -ENOMEM. */
int edge_lay(struct dataflow *dataflow, struct error *error);
/* Ends those that no node needs any more, for it is lost. */
void edge_drop_lost(struct dataflow *dataflow);

/* Ends those whose nodes have moved so that nobody needs them any more. */
void edge_drop_unneeded(struct dataflow *dataflow);

bool edge_wants_process(const struct edge *edge);
bool edge_wants_end(const struct edge *edge);
bool edge_is_blocking(const struct edge *edge); /* somebody's policy is backpressure */
bool edge_is_up(const struct edge *edge);       /* its process is here, or it has ended */
bool edge_all_up(const struct dataflow *dataflow);
/* Whether an output of this node goes elsewhere, and can't yet. */
bool edge_is_awaited(const struct participant *node);
/* Whether outgoing ones have something to deliver yet. */
bool edge_are_delivering(const struct dataflow *dataflow);

/* Prepares for a process, which joins with DORA_NODE_CONFIG = `config`. */
int edge_admit(struct edge *edge, char config[PROTO_CONFIG_TEXT_MOST], struct error *error);
/* It does not come; one that is here already stays. */
void edge_retract(struct edge *edge);

/* The incoming edge of this topic; the first edge of a number; NULL: there is none. */
struct edge *edge_incoming(const struct dataflow *dataflow, const char *topic);
struct edge *edge_numbered(const struct dataflow *dataflow, uint32_t serial);

/* ---- For the daemon ---- */

void edge_changed(struct dataflow *dataflow);
/* Its process has said GOODBYE; has closed its output; is out of the dataflow. */
void edge_goodbye(struct edge *edge);
void edge_output_closed(struct edge *edge);
void edge_process_gone(struct edge *edge);
/* The node's output is another one's now; or it is removed, for NULL. */
void edge_move(struct participant *from, struct participant *to);
/* A node that had ended starts again: its outputs are wanted again. */
void edge_revive(struct participant *node);
void edge_free_all(struct dataflow *dataflow);

#endif
