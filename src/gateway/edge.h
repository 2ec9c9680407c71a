/* What both ends of an edge have in common (docs/machines.md): one output of one node, on its way to one machine.
 */
#ifndef GATEWAY_EDGE_H
#define GATEWAY_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "link/net.h"

struct edge_options {
    struct net *net;
    const char *stream; /* the key, dora/@1/edge/DATAFLOW/TO/NODE/OUTPUT */
    const char *config; /* DORA_NODE_CONFIG, to join the dataflow with */
    const char *output; /* receiving: the id of the one output that the config gives */
    int64_t patience;   /* sending: how long its end waits for a receiver that says nothing; 0: 10 s */

    /* Called by the edge's own thread; `context` is theirs. */
    void (*joined)(void *context, int rc, const char *message); /* once: it takes part, or can't (negative errno) */
    /* Receiving: the node has failed, or was restarted (NULL); the stream goes on after edge_receive_resume. */
    void (*news)(void *context, const char *failed);
    void (*left)(void *context); /* once, the last: the edge is at its end, or was closed, and may be freed */
    void (*soon)(void *context); /* receiving: edge_receive_tick is to be called within 5 ms; from any thread */
    void *context;
};

struct edge_counts {
    uint64_t messages, bytes; /* of data: sent, or handed on */
    uint64_t unacknowledged;
    uint64_t resent, duplicates, gaps;
    uint64_t rejected; /* what came and made no sense */
    uint64_t lost;     /* receiving: for want of memory, or told so by the sender */
};

#endif
