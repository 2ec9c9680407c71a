/* A host for one operator of this program, without threads, files or a dataflow: it calls the three functions as a host
 * does, and keeps what the operator sends. */
#ifndef CXX_FAKE_HOST_H
#define CXX_FAKE_HOST_H

#include "dora/dora.h"

#ifdef __cplusplus
extern "C" {
#endif

struct fake_input {
    const char *id, *format, *text; /* `text` NULL: no data */
};

/* What an operator's function returned. The texts are static; "" is none. */
struct fake_result {
    const char *error;
    int status;       /* a DoraStatus_t */
    const char *sent; /* "OUTPUT: TEXT" of the last message */
};

/* The node and the event that operator.h's functions give; NULL: none. */
void fake_set(dora_node *node, const dora_event *event);
const void *fake_outputs(void);      /* the SendOutput_t */
void fake_refuse(const char *error); /* what sending fails with from now on; NULL: it doesn't */

const char *fake_init(void); /* its error */
struct fake_result fake_input(struct fake_input input);
struct fake_result fake_input_closed(const char *id);
struct fake_result fake_stop(void);
struct fake_result fake_nothing(void); /* an event without a meaning */
const char *fake_drop(void);

#ifdef __cplusplus
}
#endif

#endif
