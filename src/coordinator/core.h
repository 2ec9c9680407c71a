/* What the files of the coordinator share: its state, and the dataflows that live.
 *
 * A dataflow lives from `dataflow.start`, or the daemon's word that it runs one, until it has finished or failed. The
 * store has a row for each, written before the daemon is asked and at each change of its status; its nodes are kept
 * here in between, and the daemon tells them anew to the next coordinator.
 *
 *          row written        the daemon's updates
 *     ─────▶ starting ──▶ running ──▶ stopping ──▶ finished | failed
 *               └────────────┴───────────┴── no daemon knows it: failed
 */
#ifndef COORDINATOR_CORE_H
#define COORDINATOR_CORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/error.h"
#include "base/uuid.h"
#include "control/connection.h"
#include "control/server.h"
#include "coordinator/machine.h"
#include "coordinator/parts.h"
#include "coordinator/placement.h"
#include "coordinator/store.h"

struct coordinator;
struct flow;
struct moving;

/* Somebody who waits for something to become of a dataflow. */
struct waiter {
    struct waiter *next;
    struct control_request *request; /* is told of each change of status; NULL: only the end counts */
    bool until_started;              /* else until it has ended */

    /* Called once. `fault`: the start has failed, with the daemon's reason; else NULL. */
    void (*done)(void *context, json_t *dataflow, const struct control_fault *fault);
    void *context;
};

struct flow {
    struct flow *next;
    struct coordinator *coordinator;
    char uuid[UUID_TEXT];
    json_t *dataflow;  /* the object of docs/control.md */
    json_t *placement; /* node → machine's name, null for the coordinator's own; NULL: all nodes are there */
    struct part **parts;
    size_t part_count;
    unsigned last_serial;
    bool is_released;         /* all parts have been ready */
    struct moving *moving;    /* one of its nodes, to another machine; NULL: none */
    json_t *stop;             /* it is to stop: what daemons are told, but for the dataflow */
    char *fault_code, *fault; /* why it can't start; NULL: it can */
    struct waiter *waiters;
};

/* A request that waits for the daemon to come back. */
struct parked {
    struct parked *next;
    struct control_request *request;
    const struct method *method;
};

/* A command that makes the nodes of a dataflow note what they do. */
struct tracer {
    struct tracer *next;
    const struct control_connection *asker;
    const struct machine *machine; /* whose nodes they are */
    char uuid[UUID_TEXT];
};

struct coordinator {
    uv_loop_t loop;
    const char *version;
    bool quiet;
    int64_t begun; /* clock_now */
    struct store *store;
    const char *store_path;
    struct control_server *server;
    struct control_owner owner;
    uv_signal_t terminate, interrupt;
    uv_timer_t grace; /* in which the daemon here may come back */
    bool in_grace;
    uv_timer_t lost; /* when the next of the other machines has been gone for too long */
    int64_t lost_after_ns;
    struct machine here; /* the coordinator's own; the others follow it */
    struct flow *flows;
    json_t *unsaved; /* dataflows that have ended while the disk was full, or NULL */
    struct parked *parked, **parked_end;
    struct tracer *tracers;
    struct remote *remotes; /* commands on other machines */
    json_int_t last_remote;
    struct control_connection **connections; /* all of them */
    size_t connection_count, connection_cap;
    struct control_request *shutdown; /* to be answered when the daemons have gone */
    uv_timer_t shutdown_patience;     /* for how long they are waited for */
    bool own_is_told;                 /* the daemon here, which goes last */
    int64_t shutdown_until;           /* clock_now at the end of all patience */
    bool is_ending;
};

/* Whether a request waits a little for a daemon that has not come back yet. */
enum patience { WITHOUT_DAEMON, WITH_DAEMON_IF_ALIVE, WITH_DAEMON };

/* A request of a command. */
struct method {
    const char *name; /* ending in '.': all that begin so */
    enum patience patience;
    void (*handle)(struct coordinator *coordinator, struct control_request *request, const char *name, json_t *params);
};

void __attribute__((format(printf, 2, 3)))
coordinator_say(const struct coordinator *coordinator, const char *format, ...);
void coordinator_end(struct coordinator *coordinator); /* the loop's work */
void coordinator_unpark(struct coordinator *coordinator);
void coordinator_forget(struct coordinator *coordinator, const struct control_connection *connection);
double coordinator_time(void); /* seconds since 1970 */

/* flow.c */
struct flow *flow_find(const struct coordinator *coordinator, const char *uuid);
/* Takes over the dataflow object, which may hold its `placement`. NULL: no memory. */
struct flow *flow_add(struct coordinator *coordinator, json_t *dataflow);
const char *flow_status(const json_t *dataflow);
bool flow_is_over(const json_t *dataflow);
const char *flow_label(const json_t *dataflow); /* its name, or its uuid */

/* The word of a part's daemon, or what has become of the part: the dataflow is what its parts are. Where it has ended,
 * it is gone afterwards, which the second says by false. */
void flow_update(struct flow *flow, struct part *part, const json_t *said);
bool flow_settle(struct flow *flow);

/* Tells whoever waited for it, if the nodes of all parts have been started. */
void flow_started(struct flow *flow);

/* It has failed without having run, or nobody runs it any more; it is gone afterwards. `fault` may be NULL. */
void flow_fail(struct flow *flow, const char *why, const struct control_fault *fault);

/* 0 or -ENOMEM. */
int flow_wait(struct flow *flow, struct control_request *request, bool until_started,
              void (*done)(void *context, json_t *dataflow, const struct control_fault *fault), void *context);
void flow_save_late(struct coordinator *coordinator); /* what could not be saved when it ended */
void flow_free_all(struct coordinator *coordinator);

/* start.c */
int start_part(struct flow *flow, struct part *part, const char *yaml, json_t *options, json_t *ended);

/* stop.c */
void stop_part(struct flow *flow, struct part *part, const json_t *how);

/* ask.c: asks the daemons of several machines the same; `done` gets an object with the lists `keys` (ended by NULL, and
 * kept) of all their answers, each entry with "machine" (or "seen_by", where it is about a machine), or a fault where
 * none has answered. One that doesn't in 2 s is left out. Takes over `params`. */
typedef void ask_done(void *context, json_t *lists, const struct control_fault *fault);
void ask_all(struct coordinator *coordinator, struct machine *const *machines, size_t count, const char *method,
             json_t *params, const char *const *keys, ask_done *done, void *context);
void ask_every(struct coordinator *coordinator, const char *method, json_t *params, const char *const *keys,
               ask_done *done, void *context); /* all that are there */

/* daemon.c: the daemons' connections. */
void daemon_request(struct coordinator *coordinator, struct control_request *request, const char *method,
                    json_t *params);
void daemon_register(struct coordinator *coordinator, struct control_request *request, json_t *params); /* register.c */
/* What the daemon of that machine says of a dataflow. */
void daemon_take(struct coordinator *coordinator, struct machine *machine, const json_t *dataflow);
void daemon_forget(struct machine *machine); /* it is another one's turn, or nobody's */
void daemon_gone(struct coordinator *coordinator, struct machine *machine, const char *why);
void daemon_grace(struct coordinator *coordinator);                    /* begins to wait for the one here */
int daemon_load(struct coordinator *coordinator, struct error *error); /* what lived when we ended last */

/* files.c: has the machines remove the programs that were carried there, but for those of dataflows that live. */
void files_clean(struct coordinator *coordinator);

/* param.c: tells the nodes of a part that have begun to run since `before`, the nodes as they were, what is kept for
 * them. */
void params_replay(struct flow *flow, const json_t *before);

/* trace.c */
void trace_asker_gone(struct coordinator *coordinator, const struct control_connection *asker);
void trace_free_all(struct coordinator *coordinator);

/* remote.c */
void remote_asker_gone(struct coordinator *coordinator, const struct control_connection *asker);
void remote_free_all(struct coordinator *coordinator);

/* select.c: which dataflow a request means. Refuses the request and gives false where that is unclear. */
bool select_uuid(struct coordinator *coordinator, struct control_request *request, const json_t *params,
                 char uuid[UUID_TEXT]);
struct flow *select_live(struct coordinator *coordinator, struct control_request *request, const json_t *params);

/* Refuses with what the store or the system said. */
void refuse_error(struct control_request *request, const struct error *error);
void refuse_memory(struct control_request *request);

/* The requests, by file. */
void handle_start(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_place(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_file(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_stop(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_restart(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_list(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_get(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_wait(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_clean(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_descriptor(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_status(struct coordinator *, struct control_request *, const char *, json_t *);
/* Goes on with a shutdown, when a daemon has been told or is gone. */
void shutdown_go_on(struct coordinator *coordinator);
void handle_shutdown(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_param(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_trace(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_remote(struct coordinator *, struct control_request *, const char *, json_t *);
/* move.c: nodes that nobody runs, as a coordinator has ended while they moved, run again where they were. For when a
 * daemon has registered. */
void move_look_for_lost(struct flow *flow);
void move_heard(struct flow *flow, const struct part *part); /* what a part has said; may remove it */
void handle_move(struct coordinator *, struct control_request *, const char *, json_t *);
void handle_forward(struct coordinator *, struct control_request *, const char *, json_t *);

/* start.c: for a restart too. Takes over all but `request`. */
struct start_wish {
    struct control_request *request;
    json_t *dataflow; /* the object, as `starting` */
    char *yaml;
    json_t *options;
    bool until_started;
    const char *params_of; /* a dataflow whose parameters it gets; NULL: none */
};
void start_dataflow(struct coordinator *coordinator, struct start_wish *wish);

#endif
