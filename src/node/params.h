/* Parameters as they travel: dora_params to and from bytes, and what a message's parameters mean to its queue.
 *
 * The encoding (numbers and text as in wire.h):
 *
 *     number count        entries, in ascending order of keys (as strcmp), no key twice
 *     number elements     of all lists together
 *     entry × count:
 *         byte kind       enum dora_param_kind
 *         text key
 *         value           bool: byte 0 or 1; int, timestamp: signed number; float: 8 bytes, little-endian; string:
 * text; lists: number of elements, then each as a value of its kind
 *
 * No parameters at all are 0 bytes. There is one encoding for each set of parameters, and decoding accepts no other.
 */
#ifndef NODE_PARAMS_H
#define NODE_PARAMS_H

#include <stdbool.h>
#include <stddef.h>

#include "dora/dora.h"

struct params_item {
    dora_param param;
    void *memory; /* holds key and value; NULL when they lie in the object itself, behind its items */
};

struct dora_params {
    size_t count, capacity;
    struct params_item *items; /* in order of keys; `first` until they outgrow it */
    struct params_item first[];
};

/* An empty object with room for `capacity` items, and `extra` bytes behind them; NULL when out of memory. */
dora_params *params_alloc(size_t capacity, size_t extra);

/* What dora_event_params gives for a message without parameters; not to be freed. */
const dora_params *params_empty(void);

/* `params` may be NULL, which is as good as empty. */
size_t params_encoded_size(const dora_params *params);
void params_encode(const dora_params *params, void *out); /* writes params_encoded_size() bytes */

/* `bytes` come from another process, which may even change them meanwhile: they are copied first, then checked. On
 * success `*out` is the caller's, to give to dora_params_free. -EBADMSG: not what params_encode makes; -ENOMEM. */
int params_decode(const void *bytes, size_t len, dora_params **out);

/* Whether a full queue keeps the message and drops others first: it belongs to a request or a goal. */
bool params_protects(const dora_params *params);
/* Whether the message supersedes those queued before it: `flush` is true. */
bool params_flushes(const dora_params *params);

#endif
