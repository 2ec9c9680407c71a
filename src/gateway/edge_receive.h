/* The subscribers' end of an edge: publishes in the remote node's place. Small messages go from the engine's thread
 * straight into the rings of the subscribers; what is large (the engine shall receive on, while it is copied) or would
 * have to wait for room goes through a queue, to a thread of the edge. Functions are for one thread, the owner's, but
 * edge_receive_tick.
 */
#ifndef GATEWAY_EDGE_RECEIVE_H
#define GATEWAY_EDGE_RECEIVE_H

#include "gateway/edge.h"

struct edge_receive;

/* Copies what `options` point to, but for the net. It subscribes before it joins. */
int edge_receive_open(struct edge_receive **edge, const struct edge_options *options, struct error *error);

/* Acknowledges what is handed on: within 5 ms of `soon`. Any thread. */
void edge_receive_tick(struct edge_receive *edge);

/* After `news`; any thread. */
void edge_receive_resume(struct edge_receive *edge);

/* Leaves the dataflow; `left` follows. Again is fine. */
void edge_receive_end(struct edge_receive *edge);

/* After `left`, or after edge_receive_end, when it waits for the thread. Until then what comes is acknowledged. NULL is
 * fine. */
void edge_receive_free(struct edge_receive *edge);

struct edge_counts edge_receive_counts(struct edge_receive *edge);

#endif
