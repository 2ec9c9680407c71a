/* dora's C node interface: the names, types and meaning that nodes written against dora-rs use. Such a node compiles
 * unchanged and links with -ldora (or by the name -ldora_node_api_c). What this interface can't do, dora.h can; the two
 * can't be mixed on one context. Text here is pointer and length, not NUL-terminated.
 *
 * Threads: one at a time for each context; an event may be read by several. */
#ifndef DORA_NODE_API_H
#define DORA_NODE_API_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum DoraEventType {
    DoraEventType_Stop,
    DoraEventType_Input,
    DoraEventType_InputClosed,
    DoraEventType_Error,
    DoraEventType_Unknown, /* whatever else may come: ignore it */
};
typedef enum DoraEventType DoraEventType;

/* Joins the dataflow (see dora_node_open) and waits until all of its nodes have. NULL on failure, with a line on standard
 * error that says why. */
void *init_dora_context_from_env(void);

/* Closes all outputs and ends the node; the context is gone. */
void free_dora_context(void *dora_context);

/* Waits for the next event, to be given to free_dora_event. NULL: the stream has ended. */
void *dora_next_event(void *dora_context);
void free_dora_event(void *dora_event); /* ends all pointers read from it */

enum DoraEventType read_dora_event_type(void *dora_event);

/* Of an Input event, and NULL, 0 of any other: its id; its data, where that is bytes (uint8) and not empty. Borrowed from
 * the event. */
void read_dora_input_id(void *dora_event, char **out_ptr, size_t *out_len);
void read_dora_input_data(void *dora_event, char **out_ptr, size_t *out_len);

/* When it was sent, NTP64 (seconds since 1970 in the upper 32 bits, 2^-32 s in the lower); 0 for other events. */
unsigned long long read_dora_input_timestamp(void *dora_event);

/* Sends a copy of the data on the output `id`. 0, or -1 with a line on standard error. An output that the descriptor
 * doesn't have: 0, nothing is sent, and a warning the first time. */
int dora_send_output(void *dora_context, const char *id_ptr, size_t id_len, const char *data_ptr, size_t data_len);

/* Logs a message at the level "error", "warn", "info", "debug" or "trace"; any other name means "info". 0 or -1. */
int dora_log(void *dora_context, const char *level_ptr, size_t level_len, const char *msg_ptr, size_t msg_len);

#ifdef __cplusplus
}
#endif

#endif
