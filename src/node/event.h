/* An event as libdora holds it: counted, because samples and Arrow arrays made of it outlive it. */
#ifndef NODE_EVENT_H
#define NODE_EVENT_H

#include <stdatomic.h>

#include "node/node.h"
#include "shm/message.h"

struct dora_event {
    _Alignas(64) dora_node *node; /* not to be used once the node may be closed */
    _Atomic uint32_t refs;
    dora_event_kind kind;
    const char *id;
    char *text; /* id, text and JSON of a notice, in one allocation */
    struct message message;
    const void *data; /* inline, or in `data_block`, or `text` */
    size_t size;
    struct link_hold data_block, meta_block;
    const void *type; /* of a nested array */
    size_t type_len;
    dora_params *params; /* NULL: none */
    const char *message_text;
    char format[64];
    enum dora_stop_cause stop_cause;
    void *memory; /* that this lies in */
};

_Static_assert((offsetof(struct dora_event, message) + 8 * MESSAGE_HEAD) % 64 == 0, "inline data is aligned");

void event_unref(dora_event *event);
/* Of an event that holds nothing; NULL is fine. */
void event_free_memory(dora_event *event);

#endif
