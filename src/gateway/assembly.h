/* A message that came over the wire, on its way into shared memory: whole, or in parts, of which each is copied when it
 * comes. One edge's, and one thread's at a time. */
#ifndef GATEWAY_ASSEMBLY_H
#define GATEWAY_ASSEMBLY_H

#include <stdbool.h>
#include <stddef.h>

#include "dora/dora.h"
#include "link/net.h"

/* Zeros: no part has come. */
struct assembly {
    dora_sample *loan; /* the message whose parts are coming; NULL: none */
    size_t filled;     /* bytes of it that have come */
};

/* Takes a part: 0; -EBADMSG: it is none that fits; else why there is no memory. */
int assembly_part(struct assembly *assembly, dora_node *node, const struct net_sample *sample);

/* Sends a message on `output`; `is_tail`: the last piece of one in parts. -EBADMSG: it is none, or not the tail of
 * these parts; else as node_raw_send. */
int assembly_send(struct assembly *assembly, dora_node *node, const char *output, const struct net_sample *sample,
                  bool is_tail, bool wait);

void assembly_drop(struct assembly *assembly);

#endif
