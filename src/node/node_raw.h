/* For processes that pass messages on: one as it lies in shared memory, with its own sequence number and timestamp. Not
 * part of dora.h; what the functions there say of threads holds here too.
 */
#ifndef NODE_NODE_RAW_H
#define NODE_NODE_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dora/dora.h"

struct node_raw {
    const void *data, *meta; /* meta: parameters and the type of a nested array (meta.h) */
    size_t size, meta_len;
    /* To send what isn't in one piece: `data` is NULL, and this writes `size` bytes to `to`. */
    void (*fill)(const void *context, void *to);
    const void *context;
    dora_sample *loan; /* or what this node was loaned, and has been filled; stays the caller's */
    uint64_t sequence, timestamp;
    uint64_t missed; /* to send: messages before it that were dropped on their way here, which each receiver counts */
    char format;
};

/* As dora_node_open, told by `config` in place of DORA_NODE_CONFIG. */
int node_raw_open(dora_node **node, const char *config, const dora_node_options *options, dora_error *error);

/* The same in two steps, for one thread that opens several nodes: node_raw_greet says who the node is and waits for
 * nobody, node_raw_join waits for the dataflow's start, for which all have to be greeted. Nothing else may be done with
 * the node before. After an error of either `*node` is NULL. */
int node_raw_greet(dora_node **node, const char *config, const dora_node_options *options, dora_error *error);
int node_raw_join(dora_node **node, dora_error *error);

/* An INPUT event's message. What it points to is the publisher's memory, valid as long as the event. */
void node_raw_read(const dora_event *event, struct node_raw *raw);

/* As dora_event_free, and also after dora_node_close: data stays readable until then. Any thread. */
void node_raw_release(dora_event *event);

/* Sends a copy of the message on `output`. Meta is checked as its readers will; the data they check themselves.
 * -EBADMSG: meta is not what a node makes; -EAGAIN: it would have to wait for room and `wait` is false, so nobody has
 * got it; else as dora_send. */
int node_raw_send(dora_node *node, const char *output, const struct node_raw *raw, bool wait);

/* As dora_next with the timeout 0, but leaves dora_fd() as it is: for a thread that looks after several nodes, and
 * looks at each often before it sleeps. -ETIMEDOUT: nothing is there. */
int node_raw_look(dora_node *node, dora_event **event);

/* The wait of the thread that receives, or its next one, ends with -EINTR. Any thread. */
void node_raw_interrupt(dora_node *node);

/* From now on a send that has to wait for room ends with -ECANCELED. Any thread. */
void node_raw_cancel(dora_node *node);

/* Tells the daemon that this node fails, and why: its result is a failure with this text, whatever its process's status
 * will be, and its subscribers hear so when it leaves. Neither allocates nor locks, so that a signal's handler may call
 * it. Any thread. 0, -EPIPE: the daemon is gone; -EAGAIN: it doesn't read; -EMSGSIZE: longer than a packet. */
int node_raw_fail(dora_node *node, const char *text);

/* Asks for the stop of the whole dataflow, of which this node hears as all others do. Any thread. Errors as above. */
int node_raw_stop_all(dora_node *node);

/* Whether the daemon has hung up, rather than asked to stop. */
bool node_raw_cut_off(dora_node *node);

#endif
