/* What the nodes of the benchmark share: joining the dataflow, sending a stamped message, receiving the next one. They
 * use the library as any user would, through dora.h alone. As everywhere in the benchmark, a failure ends the process.
 *
 * Parameters, from the environment that the descriptor gives:
 *   BENCH_COUNT    messages to send or to make room for
 *   BENCH_SIZE     bytes of a message, 8 at least
 *   BENCH_PACE_NS  time between two messages; 0: as fast as it goes
 *   BENCH_POLL_NS  dora_node_options.poll_ns: -1 blocks, 0 is the default
 *   BENCH_FOREVER  1: poll_ns is DORA_FOREVER, it never sleeps
 *   BENCH_LOAN     1: loan, stamp and send in place; 0: send a copy
 *   BENCH_OUT      where the results go (see bench.h)
 */
#ifndef BENCH_NODE_H
#define BENCH_NODE_H

#include <dora/dora.h>

#include "../bench.h"

dora_node *node_open(void);

/* A message begins with the time it was sent at; one of 16 bytes or more has its number behind that. The rest of it is
 * written once in the life of a copying sender, never by a loaning one: the figures are those of the hand-over, to
 * which whoever fills the whole of a large message adds the time of that. */
struct outlet {
    dora_node *node;
    size_t size;
    int64_t *copied; /* `size` bytes that are sent as a copy; NULL: loan */
};

struct outlet outlet_open(dora_node *node); /* its output is named `out` */
void outlet_close(struct outlet *outlet);

/* Sends message `number` with the stamp `now`, to be taken before the call: the loan or the copy is part of the way. */
void outlet_send(struct outlet *outlet, int64_t now, int64_t number);

/* The next message, whatever else happens to the node in between; NULL when none will come. */
dora_event *node_next_input(dora_node *node);

#endif
