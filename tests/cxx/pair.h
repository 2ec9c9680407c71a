/* Two nodes of this process, for tests in C++: `source`, with the outputs "out" and "other", and `sink`, whose inputs
 * "in" and "second" they go to; the one of "out" waits where 8 messages are queued. */
#ifndef CXX_PAIR_H
#define CXX_PAIR_H

#include "dora/dora.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pair;

/* The nodes are the caller's, to be closed before pair_close. */
struct pair *pair_open(dora_node **source, dora_node **sink);
void pair_stop(struct pair *pair); /* asks the sink to stop */
void pair_close(struct pair *pair);

#ifdef __cplusplus
}
#endif

#endif
