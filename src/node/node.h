/* What the files of libdora share: a node, its ports and its links.
 *
 * Two halves, by who may touch them:
 *   under `lock`     outputs, tx links, arena, the socket and what came from it (`notes`): any thread
 *   the receiver's   inputs, rx links, timers, the stream's state: the one thread that is in dora_next
 * A packet from the daemon is read by whoever notices it first (control.c): what concerns sending is done at once, the
 * rest waits in `notes` for the receiver.
 */
#ifndef NODE_NODE_H
#define NODE_NODE_H

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/lock.h"
#include "base/process.h"
#include "base/stamp.h"
#include "dora/dora.h"
#include "proto/proto.h"
#include "shm/arena.h"
#include "shm/doorbell.h"
#include "shm/link.h"
#include "shm/message.h"

/* ---- Sending ---- */

struct tx_link {
    uint32_t id; /* the daemon's; grows */
    struct link_tx tx;
    struct doorbell bell; /* the subscriber's */
    bool self;            /* the subscriber is this node */
    bool down;            /* to be closed once nobody waits on it */
    uint32_t waiters;
    struct tx_link *next;
};

/* Where an output's messages go: an edge of a link. In order of the links' ids. */
struct route {
    struct tx_link *link;
    uint32_t edge;
};

struct output {
    char *id;
    size_t id_len;
    uint64_t sequence; /* of the next message */
    uint64_t dropped;  /* over links that have ended */
    bool closed;
    bool busy;        /* a sender waits for room, with the lock released: others queue behind it */
    pthread_t sender; /* that one */
    struct route *routes;
    size_t route_count;
};

/* ---- Receiving ---- */

struct rx_link {
    uint32_t id;
    struct link_rx *rx;
    uint32_t users; /* sources that read it */
    bool down;      /* the publisher's process is gone, or has closed its end: what is queued is all that comes */
    struct rx_link *next;
};

/* Where an input's messages come from: an edge of a link. A restarted publisher is a new source behind the old one,
 * which is drained first; several publishers at a time take turns. */
struct source {
    struct rx_link *link;
    uint32_t edge;
    bool down; /* this edge was taken away, though the link is up */
    struct source *next;
};

struct input {
    char *id;
    uint32_t kind; /* enum proto_port_kind */
    struct source *sources;
    struct input *served_after; /* the input that was served next after this one */
    bool closed, close_reported;
    bool broken;        /* input_timeout closed it; the next message mends it */
    int64_t timeout_ns; /* 0: none */
    int64_t deadline;   /* of input_timeout, CLOCK_NEVER before the first message */
    int64_t interval_ns;
    int64_t due;    /* timer: when the next tick is */
    uint64_t left;  /* after Stop: messages still to deliver */
    uint64_t next;  /* sequence number behind the last message delivered */
    uint64_t until; /* while it moves: all before this one are handled here */
    uint64_t from; /* what comes before this one has been handled by its predecessor; 0: from the first that isn't on */
    uint64_t received, skipped, dropped; /* dropped: over links that have ended */
};

/* Something from the daemon that waits for the receiver: a copy of the packet. */
struct note {
    struct note *next;
    struct proto_packet packet;
    char content[];
};

/* An event made of a note or by the node itself, waiting to be delivered. */
struct notice {
    struct notice *next;
    dora_event *event;
};

struct dora_node {
    _Atomic uint32_t refs; /* the node, and each loan that outlives it */
    struct error error;    /* of the last failed call; under `lock` */
    struct process_mark process;

    char *id, *dataflow_id;
    const char *descriptor; /* mapped JSON */
    size_t descriptor_size;
    uint32_t restart_count, flags;
    int64_t epoch_ns;
    uint64_t epoch_ntp64;

    struct lock lock;
    struct condition idle; /* an output's `busy` was cleared */
    int socket;
    struct proto_page *page;
    uint32_t control_read; /* page->control when the socket was last read */
    bool socket_closed;
    int socket_error; /* why, where it wasn't the daemon who closed it */
    struct arena arena;
    struct output *outputs;
    size_t output_count;
    struct tx_link *tx_links;
    struct stamp stamp;
    uint64_t clock; /* timestamp of the last message sent */
    bool stopping;
    struct note *notes, **notes_end;

    _Atomic uint64_t cause_input, cause_sequence; /* while traced: what is being handled; index + 1, 0 for nothing */
    _Atomic bool warned;                          /* of sending on an unknown output; see node_api.c */
    _Atomic uint64_t clock_seen;                  /* the largest timestamp received */

    uint32_t control_applied; /* page->control when `notes` were last applied */
    struct doorbell bell;
    void (*wait_begin)(void *context); /* see dora.h; any thread's */
    int (*wait_end)(void *context);
    void *wait_context;
    int64_t poll_ns;
    uint32_t poll_skip, poll_backoff; /* waits until polling is tried again; see wait.c */
    int poll_fd, timer_fd;            /* -1 until dora_fd is called */
    struct input *inputs;
    size_t input_count;
    struct input *served; /* least recently served first */
    bool has_timers, has_timeouts;
    bool holds_on; /* a closed link's samples still lie in its publisher's memory: GOODBYE would be a lie */
    struct rx_link *rx_links;
    struct notice *notices, **notices_end;
    struct notice *deferred, **deferred_end; /* events that a wait for an answer put aside; delivered first */
    bool cut_off;                            /* what the daemon sends can't be received; a notice says why */
    bool stop_requested, stop_delivered, inputs_ended, ended;
    bool is_moving, has_moved, is_between; /* between events: nothing is being handled that has been taken */
    int (*save)(void *context, void **data, size_t *size);
    void *save_context;
    const void *moved_state; /* mapped */
    size_t moved_state_size;
    _Atomic bool interrupted;    /* see node_raw_interrupt */
    struct stamp taken_stamp;    /* of the receiver's thread */
    int64_t looked_ns;           /* when the socket was last read without cause */
    uint64_t delivered;          /* events */
    _Atomic(dora_event *) spare; /* one freed event, so that a steady flow doesn't allocate */
};

/* Sets the node's error (node_fail takes the lock) and returns `code`. */
int node_fail(dora_node *node, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int node_fail_locked(dora_node *node, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* -ECHILD in a forked child. */
static inline int node_check(const dora_node *node)
{
    return process_same(&node->process) ? 0 : -ECHILD;
}

/* For the daemon's health check. A lost count between two threads does no harm. */
static inline void node_bump(const dora_node *node)
{
    /* relaxed: only that it grows matters. */
    _Atomic uint64_t *activity = &node->page->activity;
    atomic_store_explicit(activity, atomic_load_explicit(activity, memory_order_relaxed) + 1, memory_order_relaxed);
}

void node_unref(dora_node *node);

/* As dora_node_open, with what DORA_NODE_CONFIG says, or NULL; and its two steps (node_raw.h). `*node` is NULL after an
 * error. */
int node_open(dora_node **node, const char *config, const dora_node_options *options, dora_error *error);
int node_greet(dora_node **node, const char *config, const dora_node_options *options, dora_error *error);
int node_join(dora_node **node, dora_error *error);

/* Around whatever may take long; without the lock. */
static inline void wait_enter(const dora_node *node)
{
    if (node->wait_begin)
        node->wait_begin(node->wait_context);
}

static inline int wait_leave(const dora_node *node)
{
    int rc = node->wait_end ? node->wait_end(node->wait_context) : 0;
    return rc < 0 ? rc : 0;
}

/* ---- control.c ---- */

/* acquire: whoever sees the count finds the packet in the socket. */
static inline uint32_t control_count(const dora_node *node)
{
    return atomic_load_explicit(&node->page->control, memory_order_acquire);
}

/* Whether the daemon has sent what the receiver has not applied, though a sender may have read it. The receiver's. */
static inline bool control_pending(const dora_node *node)
{
    return control_count(node) != node->control_applied;
}

/* Reads what the daemon has sent. Under the lock. */
void control_pump(dora_node *node);
/* Adds to `notes` a packet that no daemon sent. Under the lock. */
int control_note(dora_node *node, const struct proto_packet *packet);
/* Applies `notes`; the receiver, without the lock. */
void control_apply(dora_node *node);

/* ---- publish.c ---- */

int publish_add_link(dora_node *node, const struct proto_packet *packet); /* LINK_OUT; under the lock */
bool publish_drop_link(dora_node *node, uint32_t id);                     /* false: none of its links */
bool publish_drop_edge(dora_node *node, uint32_t link, uint32_t edge);
void publish_close(dora_node *node);
struct output *publish_find(dora_node *node, const char *id, size_t len);
/* Fails with -ENOENT: there is none of this id. With the lock held. */
int publish_no_output(dora_node *node, const char *id, size_t len);

/* What is to be sent. `block` holds the data where it isn't ARENA_NONE, and is taken over. */
struct publish_data {
    const void *bytes;
    size_t size;
    uint32_t block;
    bool keep;        /* … unless it stays the caller's */
    char format;      /* one character of a plain array's, or PUBLISH_NESTED */
    const void *type; /* PUBLISH_NESTED: arrow.h's description */
    size_t type_len;
};

enum { PUBLISH_NESTED = '+' };

int publish(dora_node *node, const char *output, size_t output_len, struct publish_data data,
            const dora_params *params);

/* The same, step by step. publish_begin takes the lock and finds an output that may send; NULL: `*rc` says why, and the
 * lock isn't held. publish_end gives back the block of data, if any, and the lock. In between, data and meta are put
 * where they fit: in the message, or in a block. */
struct publish_meta {
    uint8_t small[MESSAGE_INLINE];
    uint32_t block; /* ARENA_NONE: in `small` */
    size_t len;
};

struct publish_head {
    uint64_t sequence, timestamp;
    bool is_protected, flush;
};

void sample_lend(const dora_sample *loan, struct publish_data *data); /* the data is a loan's, and stays it */
struct output *publish_begin(dora_node *node, const char *output, size_t output_len, int *rc);
int publish_data_place(dora_node *node, struct publish_data *data, bool has_meta);
int publish_meta_room(dora_node *node, const struct publish_data *data, size_t len, struct publish_meta *meta,
                      uint8_t **room);
int publish_message(dora_node *node, struct output *output, const struct publish_data *data,
                    const struct publish_meta *meta, const struct publish_head *head); /* gives back meta's block */
void publish_end(dora_node *node, uint32_t block);
int publish_alloc(dora_node *node, size_t size, uint32_t *block); /* under the lock */

/* ---- subscribe.c: the receiver's ---- */

int subscribe_add_link(dora_node *node, struct proto_packet *packet); /* LINK_IN */
void subscribe_drop_link(dora_node *node, uint32_t id);
void subscribe_drop_edge(dora_node *node, uint32_t link, uint32_t edge);
void subscribe_close(dora_node *node);
bool subscribe_ready(const dora_node *node);             /* whether an input may have something; not timers */
int64_t subscribe_deadline(const dora_node *node);       /* when a timer or a timeout is due */
int subscribe_next(dora_node *node, dora_event **event); /* 1: an input's event; 0: none */
void subscribe_stop(dora_node *node);                    /* from now on only what is queued */
bool subscribe_ended(const dora_node *node);             /* every input's end has been delivered */

/* ---- event.c ---- */

dora_event *event_new(dora_node *node, dora_event_kind kind, const char *id);
/* Appends an event to a list of notices, or frees it (-ENOMEM). */
int event_defer(struct notice ***end, dora_event *event);
dora_event *event_take_notice(struct notice **at, struct notice ***end);
int event_notice(dora_node *node, dora_event_kind kind, const char *id, const char *text, const char *json);

/* ---- handover.c ---- */

void handover_say_where(dora_node *node, uint32_t output);                    /* WHERE; under the lock */
void handover_output(dora_node *node, const struct proto_at *at);             /* OUTPUT_AT; under the lock */
void handover_input(dora_node *node, const struct proto_packet *packet);      /* INPUT_AT, INPUT_FROM; the receiver's */
void handover_take_state(dora_node *node, const struct proto_packet *packet); /* STATE; the receiver's */
bool handover_is_due(const dora_node *node);                                  /* it has handled what it is needed for */
/* Hands over the state and makes the Stop. 1: `*out` is it; 0: it can't, and the node goes on. */
int handover_leave(dora_node *node, dora_event **out);
void handover_say_last(dora_node *node); /* before GOODBYE; under the lock */
void handover_close(dora_node *node);

/* ---- next.c: the receiver's ---- */

/* A timeout that doesn't wait, and doesn't arm dora_fd() either. */
#define NODE_LOOK INT64_MIN

/* As dora_next, without the deferred events. */
int next_event(dora_node *node, dora_event **event, int64_t timeout_ns);

/* ---- wait.c: the receiver's ---- */

/* Waits until an input or the daemon has something, or `deadline`, or a while. Negative: the caller's wait_end ends it.
 */
int wait_for_work(dora_node *node, int64_t now, int64_t deadline);
/* Where dora_fd is in use: arms it, true unless there is work already. */
bool wait_poll_arm(dora_node *node);
void wait_poll_disarm(dora_node *node);

#endif
