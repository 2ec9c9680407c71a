/* Operators in shared libraries, by dora's C interface: an event becomes a RawEvent_t, and what the operator returns a
 * status or a failure. Nothing is allocated on the way of an event, but by dora_read_input_id and dora_read_data, which
 * give copies. */
#ifndef OPERATOR_DISPATCH_H
#define OPERATOR_DISPATCH_H

#include "operator/host.h"

extern const struct operator_kind library_kind; /* without a context */

#endif
