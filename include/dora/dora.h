/* libdora: the library a dora node links.
 *
 * A node receives events (inputs, stop, …) and sends outputs. Data moves through shared memory straight between the
 * processes; the library starts no thread, installs no signal handler and keeps no global state, so several nodes can
 * live in one process.
 *
 *     dora_node *node;
 *     dora_error error;
 *     if (dora_node_open(&node, NULL, &error) < 0)
 *         return fprintf(stderr, "%s\n", error.message), 1;
 *     dora_event *event;
 *     while (dora_next(node, &event, DORA_FOREVER) == 0) {
 *         if (dora_event_type(event) == DORA_EVENT_INPUT)
 *             dora_send(node, "echo", dora_event_data(event, NULL), dora_event_size(event), NULL);
 *         dora_event_free(event);
 *     }
 *     dora_node_close(node);
 *
 * Errors: functions return 0 (or a count, where said) or a negative errno. dora_node_error() gives the message behind
 * the last failure.
 *
 * Threads: one thread at a time receives (dora_next, dora_fd, dora_input_stats); any number may send, loan, release
 * samples and log at the same time as it. An event may be read by several threads, and freed by any one. Not after
 * fork(): a child must not use its parent's node (calls return -ECHILD).
 */
#ifndef DORA_DORA_H
#define DORA_DORA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arrow_abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DORA_VERSION "0.1.0"
#define DORA_FOREVER INT64_MAX /* a timeout that never comes */

#if defined __GNUC__
#define DORA_API __attribute__((visibility("default")))
#else
#define DORA_API
#endif

typedef struct dora_node dora_node;
typedef struct dora_event dora_event;
typedef struct dora_sample dora_sample; /* a block of shared memory: being written (loaned) or being read (received) */
typedef struct dora_params dora_params; /* what travels beside the data: key → value */

typedef struct dora_error {
    int code; /* negative errno */
    char message[1024];
} dora_error;

/* The version of the library that is linked, as DORA_VERSION was for it. */
DORA_API const char *dora_version(void);

/* ---- Life ------------------------------------------------------------------------------------------------------- */

typedef struct dora_node_options {
    const char
        *node_id;    /* join a running dataflow as its `path: dynamic` node of this id; NULL: from the environment */
    int64_t poll_ns; /* how long a wait polls at most before it sleeps; 0: the default (50 µs, adaptive);
                        < 0: sleep at once; DORA_FOREVER: never sleep */
    /* For callers who hold a lock that nobody should wait for, such as an interpreter's: `wait_begin` is called before
     * every wait and `wait_end` after it, by the thread that waits, which holds none of this library's locks then. They
     * may send, but not receive; on the output whose sending waits they get -EDEADLK. What `wait_end` returns below 0
     * ends the waiting call with that failure; a wait ends early when a signal was handled. NULL: none. */
    void (*wait_begin)(void *context);
    int (*wait_end)(void *context);
    void *wait_context;
} dora_node_options;

/* Joins the dataflow and waits until all its nodes have: what is sent from then on reaches every one of them. What the
 * node is, it learns from the environment that dora gave its process (DORA_NODE_CONFIG); `options` may be NULL.
 * `error` may be NULL. Failures: -ENOENT not started by dora and no node_id, -ECONNREFUSED no daemon there, -ETIMEDOUT
 * none has the node_id and one did not answer within 2 s, -EPROTO library and daemon speak different versions (the
 * message names both), -ECANCELED the dataflow could not start. */
DORA_API int dora_node_open(dora_node **node, const dora_node_options *options, dora_error *error);

/* Closes all outputs, tells the daemon, releases everything. Samples still held stay readable until released; events
 * must be freed before. NULL is fine. */
DORA_API void dora_node_close(dora_node *node);

/* The message of the last failed call on `node`, "" if none; valid until the next failing call of any thread. */
DORA_API const char *dora_node_error(const dora_node *node);

DORA_API const char *dora_node_id(const dora_node *node);
DORA_API const char *dora_dataflow_id(const dora_node *node);         /* UUID text */
DORA_API const char *dora_dataflow_descriptor(const dora_node *node); /* the dataflow as this node joined it, JSON */
DORA_API unsigned dora_restart_count(const dora_node *node);          /* 0 for the first run */

/* Now, by the node's hybrid logical clock (NTP64): later than all it has sent and received. */
DORA_API uint64_t dora_timestamp(dora_node *node);

/* Names of inputs and outputs in the descriptor's order; NULL behind the last. */
DORA_API const char *dora_input_name(const dora_node *node, size_t index);
DORA_API const char *dora_output_name(const dora_node *node, size_t index);

/* ---- Receiving -------------------------------------------------------------------------------------------------- */

typedef enum dora_event_kind {
    DORA_EVENT_STOP,            /* finish: asked to, or every input has ended (see dora_event_stop_cause); a timer
                                   never ends, unless the dataflow says exit_when_nodes_finish */
    DORA_EVENT_INPUT,           /* a message, or a tick of a timer (no data) */
    DORA_EVENT_INPUT_CLOSED,    /* that input is at its end; all it had has been delivered */
    DORA_EVENT_INPUT_RECOVERED, /* an input that input_timeout had closed delivers again */
    DORA_EVENT_NODE_FAILED,     /* a node that this one listens to failed; dora_event_text says how */
    DORA_EVENT_NODE_RESTARTED,  /* a node that this one listens to was restarted */
    DORA_EVENT_PARAM_UPDATE,    /* a parameter of this node was set: id is the key, data its JSON */
    DORA_EVENT_PARAM_DELETED,
    DORA_EVENT_RELOAD,
    DORA_EVENT_ERROR, /* dora_event_text says what */
} dora_event_kind;

/* Waits up to `timeout_ns` for the next event. 0: `*event` is the caller's, to give to dora_event_free. -ETIMEDOUT:
 * none came. -ENODATA: the stream has ended, no event will come any more. 0 as timeout does not wait (try-receive).
 *
 * Order: a stop request first; then the inputs, least recently served first, each in the order it was sent; an input's
 * end comes after its last message, in its turn. Timers tick at the dataflow's start + k × interval on
 * every node alike; ticks a busy node missed are skipped and counted. After a Stop, messages already queued still come,
 * then the stream ends. */
DORA_API int dora_next(dora_node *node, dora_event **event, int64_t timeout_ns);
DORA_API void dora_event_free(dora_event *event); /* NULL is fine */

/* A descriptor for poll(), select(), epoll or an event loop: readable when dora_next may have something. After it was
 * readable, call dora_next(…, 0) until -ETIMEDOUT: that arms it again. Owned by the node. Negative errno on failure. */
DORA_API int dora_fd(dora_node *node);

DORA_API dora_event_kind dora_event_type(const dora_event *event);
/* Input id (INPUT*), node id (NODE_*), key (PARAM_*), "MANUAL", "ALL_INPUTS_CLOSED" or "MOVED" (STOP); "" otherwise.
 * Valid as long as the event. */
DORA_API const char *dora_event_id(const dora_event *event);
DORA_API const char *dora_event_text(const dora_event *event); /* of NODE_FAILED, ERROR; "" otherwise */

/* The data of an input in place, read-only, 64-byte aligned; NULL and 0 for none. `size` may be NULL. What the bytes
 * are: dora_event_format. For arrays with more than one buffer use dora_event_arrow. */
DORA_API const void *dora_event_data(const dora_event *event, size_t *size);
DORA_API size_t dora_event_size(const dora_event *event);
/* The format string of the Arrow C data interface: "C" for bytes (uint8), "g" for double, "n" for a tick, … */
DORA_API const char *dora_event_format(const dora_event *event);
DORA_API uint64_t dora_event_sequence(const dora_event *event);  /* of the output it came from, from 0 */
DORA_API uint64_t dora_event_timestamp(const dora_event *event); /* when it was sent: NTP64, hybrid logical clock */
DORA_API const dora_params *dora_event_params(const dora_event *event); /* never NULL; valid as long as the event */

/* Keeps the data beyond its event: the sample is the caller's until dora_sample_release, whatever becomes of its
 * publisher. NULL with errno ENODATA (no data) or ENOMEM. */
DORA_API dora_sample *dora_event_keep(const dora_event *event);

/* The data as an Arrow array (Arrow C data interface), without copying: read-only, and alive until both structs'
 * `release` are called, also beyond the event and the node. -ENODATA when the event has none. */
DORA_API int dora_event_arrow(const dora_event *event, struct ArrowArray *array, struct ArrowSchema *schema);

/* ---- Sending ---------------------------------------------------------------------------------------------------- */

/* Outputs are named by their id. Common failures of sending: -ENOENT the descriptor has no such output (nothing sent),
 * -EPIPE that output was closed, -ENOSPC no memory left for the data, -ECANCELED the dataflow stops while the call
 * waits for room, -EAGAIN as that, where waiting can't help (the receiver is this same node). Only an input with
 * `queue_policy: backpressure` makes a sender wait. After -ECANCELED the message may have reached some of its
 * subscribers and not others. No subscriber is no failure. */

/* Sends a copy of `size` bytes as an Arrow uint8 array. `data` may be NULL where `size` is 0; `params` may be NULL. */
DORA_API int dora_send(dora_node *node, const char *output, const void *data, size_t size, const dora_params *params);

/* A loan: `size` bytes of shared memory (64-byte aligned, content undefined) to fill in place and send without a copy.
 * Owned by the caller until dora_send_sample or dora_sample_release. -ENOSPC when memory is out. */
DORA_API int dora_loan(dora_node *node, size_t size, dora_sample **sample);

/* Sends a loan as an array of the primitive Arrow type `format` (NULL: bytes, "C"), and takes it over whether this
 * succeeds or not. -EINVAL when the size is no multiple of the type's, or the sample isn't a loan of this node. */
DORA_API int dora_send_sample(dora_node *node, const char *output, dora_sample *sample, const char *format,
                              const dora_params *params);

/* As dora_send_sample, but the loan stays the caller's, who only reads it from now on: its memory is used for nothing
 * else until it is released. It may be sent again, on any output. */
DORA_API int dora_share_sample(dora_node *node, const char *output, dora_sample *sample, const char *format,
                               const dora_params *params);

/* Sends an Arrow array of any type: its buffers are copied once, to shared memory. As in Arrow's own functions both
 * structs are taken over and released, whether this succeeds or not. -EINVAL when they contradict themselves. */
DORA_API int dora_send_arrow(dora_node *node, const char *output, struct ArrowArray *array, struct ArrowSchema *schema,
                             const dora_params *params);

/* No more will be sent on this output (NULL: on any): its receivers get INPUT_CLOSED. */
DORA_API int dora_close_output(dora_node *node, const char *output);

DORA_API void *dora_sample_data(dora_sample *sample); /* to write a loan; a received sample is read-only memory */
DORA_API size_t dora_sample_size(const dora_sample *sample);
DORA_API void dora_sample_release(dora_sample *sample); /* gives a loan back unsent, or a received one; NULL is fine */

/* ---- Parameters ------------------------------------------------------------------------------------------------- */

typedef enum dora_param_kind {
    DORA_PARAM_BOOL,
    DORA_PARAM_INT,
    DORA_PARAM_FLOAT,
    DORA_PARAM_STRING,
    DORA_PARAM_INTS,
    DORA_PARAM_FLOATS,
    DORA_PARAM_STRINGS,
    DORA_PARAM_TIMESTAMP, /* ns since 1970 UTC */
} dora_param_kind;

typedef struct dora_param {
    const char *key;
    dora_param_kind kind;
    size_t len; /* of a list, in elements; of a string, in bytes */
    union {
        bool boolean;
        int64_t integer; /* and timestamp */
        double real;
        const char *string; /* NUL-terminated */
        const int64_t *integers;
        const double *reals;
        const char *const *strings;
    } value;
} dora_param;

DORA_API dora_params *dora_params_new(void); /* NULL when memory is out */
DORA_API void dora_params_free(dora_params *params);
/* Sets `param->key`, replacing what was there; copies everything. -EINVAL, -ENOMEM. */
DORA_API int dora_params_set(dora_params *params, const dora_param *param);
DORA_API int dora_params_set_bool(dora_params *params, const char *key, bool value);
DORA_API int dora_params_set_int(dora_params *params, const char *key, int64_t value);
DORA_API int dora_params_set_float(dora_params *params, const char *key, double value);
DORA_API int dora_params_set_string(dora_params *params, const char *key, const char *value);
DORA_API size_t dora_params_count(const dora_params *params);
/* The index-th, in order of keys; NULL beyond the last. Valid until `params` changes or ends. */
DORA_API const dora_param *dora_params_at(const dora_params *params, size_t index);
DORA_API const dora_param *dora_params_get(const dora_params *params, const char *key); /* NULL if not there */

/* ---- Patterns ---------------------------------------------------------------------------------------------------
 *
 * Conventions on parameters, the same as dora's: a service's request and reply carry the same `request_id`; an action's
 * goal, feedback and result carry the same `goal_id`, and the result a `goal_status`; the chunks of a stream carry
 * `session_id`, `segment_id`, `seq`, `fin` and `flush`. Messages of requests and goals are the last that a full queue
 * drops. Failures as for dora_send. */

#define DORA_ID_SIZE 37 /* a UUID's text with its NUL */

DORA_API void dora_new_id(char id[DORA_ID_SIZE]); /* UUID version 7: sorts by time */

/* Sends a request with a new id, which is written to `id`. `params` may be NULL; it is not changed. */
DORA_API int dora_send_request(dora_node *node, const char *output, const void *data, size_t size,
                               const dora_params *params, char id[DORA_ID_SIZE]);

/* Answers a request: the reply carries all parameters of the request's event. -EINVAL: it is no request. */
DORA_API int dora_send_reply(dora_node *node, const char *output, const dora_event *request, const void *data,
                             size_t size);

/* Waits for the message with this `request_id`; other events are kept, in order, for later calls of dora_next. `server`
 * is the node that answers; NULL: any. 0: `*reply` is the caller's. -ETIMEDOUT. -ECONNRESET: the server failed or was
 * restarted, and the request is lost with it. -ECANCELED: a Stop came. -ENODATA: the stream has ended. */
DORA_API int dora_await_reply(dora_node *node, const char *id, const char *server, int64_t timeout_ns,
                              dora_event **reply);

typedef enum dora_goal_status { DORA_GOAL_SUCCEEDED, DORA_GOAL_ABORTED, DORA_GOAL_CANCELED } dora_goal_status;

/* As dora_send_request, for a goal. */
DORA_API int dora_send_goal(dora_node *node, const char *output, const void *data, size_t size,
                            const dora_params *params, char id[DORA_ID_SIZE]);
/* The server's: tells the client of its progress; ends the goal. `id` as in dora_event_goal_id. */
DORA_API int dora_send_feedback(dora_node *node, const char *output, const char *id, const void *data, size_t size);
DORA_API int dora_send_result(dora_node *node, const char *output, const char *id, dora_goal_status status,
                              const void *data, size_t size);
/* The client's: asks the server, on an output of its own, to give up a goal; it answers by a result. */
DORA_API int dora_send_cancel(dora_node *node, const char *output, const char *id);
/* As dora_await_reply, for a goal's result; its feedback is kept for dora_next. `status` may be NULL. */
DORA_API int dora_await_result(dora_node *node, const char *id, const char *server, int64_t timeout_ns,
                               dora_event **result, dora_goal_status *status);

/* The ids an event carries, NULL for none; valid as long as the event. */
DORA_API const char *dora_event_request_id(const dora_event *event);
DORA_API const char *dora_event_goal_id(const dora_event *event);
/* How the goal ended whose result this is; -ENODATA: it is no result. A status that no node of dora's sends is taken
 * for DORA_GOAL_ABORTED. */
DORA_API int dora_event_goal_status(const dora_event *event, dora_goal_status *status);
DORA_API const char *dora_goal_status_name(dora_goal_status status); /* "succeeded", "aborted", "canceled" */

/* A stream of chunks, such as speech: where the sender is in it. */
typedef struct dora_stream {
    char session[DORA_ID_SIZE];
    int64_t segment, sequence;
} dora_stream;

DORA_API void dora_stream_begin(dora_stream *stream); /* a new session */
/* Sends the next chunk; `last` ends the segment, and the next chunk begins another. */
DORA_API int dora_stream_send(dora_node *node, const char *output, dora_stream *stream, const void *data, size_t size,
                              bool last);
/* Gives up the segment: begins another with this chunk, and drops what the receivers have queued of the output. */
DORA_API int dora_stream_flush(dora_node *node, const char *output, dora_stream *stream, const void *data, size_t size);

/* Where in its stream a chunk is that has come. What it doesn't say is 0 or false. */
typedef struct dora_chunk {
    const char *session; /* valid as long as the event */
    int64_t segment, sequence;
    bool last;  /* of its segment */
    bool flush; /* the segment before it was given up */
} dora_chunk;

DORA_API int dora_event_chunk(const dora_event *event, dora_chunk *chunk); /* -ENODATA: it has no `session_id` */

/* ---- Moving ------------------------------------------------------------------------------------------------------
 *
 * `dora node move` starts a node on another machine and ends it where it was, and none of its messages is lost or comes
 * twice. What the node has in its memory goes along where it says how; else it begins afresh. */

/* From now on `save` is called when the node moves: by the thread in dora_next, in that call, after the event before
 * has been handled and before the Stop (its cause is DORA_STOP_MOVED) that it returns. `save` puts malloc'ed memory
 * into `*data`, which is freed by the library, and its size, 8 MiB at most, into `*size`. Below 0: it can't be moved
 * now, and goes on as if nothing had been. It may send; it must not receive. NULL: none. The receiving thread's. */
DORA_API int dora_on_move(dora_node *node, int (*save)(void *context, void **data, size_t *size), void *context);

/* What `save` of the process before this one gave; NULL: it did not move here, or had nothing to give. Read-only, valid
 * until dora_node_close. `size` may be NULL. */
DORA_API const void *dora_moved_state(const dora_node *node, size_t *size);

/* ---- Looking at oneself ----------------------------------------------------------------------------------------- */

typedef struct dora_input_stats {
    uint64_t received; /* messages delivered, ticks included */
    uint64_t dropped;  /* messages the queue dropped, oldest first */
    uint64_t skipped;  /* ticks missed */
    uint64_t queued;   /* waiting now */
} dora_input_stats;

DORA_API int dora_get_input_stats(dora_node *node, const char *input, dora_input_stats *stats); /* -ENOENT */

typedef struct dora_output_stats {
    uint64_t sent;        /* messages */
    uint64_t dropped;     /* over all receivers: a message two receivers lost counts twice */
    uint64_t subscribers; /* receivers now */
} dora_output_stats;

DORA_API int dora_get_output_stats(dora_node *node, const char *output, dora_output_stats *stats); /* -ENOENT */

typedef enum dora_log_level {
    DORA_LOG_ERROR,
    DORA_LOG_WARN,
    DORA_LOG_INFO,
    DORA_LOG_DEBUG,
    DORA_LOG_TRACE,
} dora_log_level;

/* Writes a log line with its level: one JSON object on standard output, which dora collects. */
DORA_API int dora_log_message(dora_node *node, dora_log_level level, const char *message);

typedef enum dora_stop_cause {
    DORA_STOP_MANUAL,
    DORA_STOP_ALL_INPUTS_CLOSED,
    DORA_STOP_MOVED, /* it goes on as another process, on another machine; see dora_on_move */
} dora_stop_cause;

DORA_API dora_stop_cause dora_event_stop_cause(const dora_event *event); /* of a STOP event */

#ifdef __cplusplus
}
#endif

#endif
