/* The publisher's end of an edge: a watcher of the output, in a thread of its own, that puts each message on the wire
 * straight from shared memory and keeps it until it is acknowledged. All functions are for one thread, the owner's.
 */
#ifndef GATEWAY_EDGE_SEND_H
#define GATEWAY_EDGE_SEND_H

#include "gateway/edge.h"

struct edge_send;

/* Copies what `options` point to, but for the net. */
int edge_send_open(struct edge_send **edge, const struct edge_options *options, struct error *error);

/* Ends it: with `drain` what its queue has now is still taken and delivered, unless 10 s pass without progress. `left`
 * follows. Again is fine. */
void edge_send_end(struct edge_send *edge, bool drain);

/* As with `drain`, but the output doesn't end: the receiver waits for another sender of it. */
void edge_send_hand_over(struct edge_send *edge);

/* After `left`, or after edge_send_end, when it waits for the thread. NULL is fine. */
void edge_send_free(struct edge_send *edge);

struct edge_counts edge_send_counts(struct edge_send *edge);

#endif
