/* What the files of the daemon share: the daemon, its dataflows, their nodes (participants) and wires.
 *
 * A participant's life:
 *
 *              spawn          HELLO            all have joined           GOODBYE
 *     ABSENT ────────▶ STARTING ────▶ JOINED ──────────────▶ RUNNING ──────────────▶ LEAVING
 *       ▲                 │             │      CONFIG… LINK…    │                       │
 *       │                 └─────────────┴──────── START ────────┼───────────────────────┘
 *       │                                                       ▼ its process has ended
 *       └──────────── the delay is over ◀─── WAITING ◀─── restarted?  ───▶ ENDED
 *
 * Before the dataflow has started, the end of any process fails it. A dynamic node goes from ABSENT to JOINED, and back
 * to ABSENT when it says GOODBYE or its process ends.
 */
#ifndef DAEMON_DATAFLOW_H
#define DAEMON_DATAFLOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/daemon.h"
#include "daemon/logs.h"
#include "daemon/outcome.h"
#include "daemon/peer.h"
#include "daemon/restart.h"
#include "daemon/watch.h"
#include "proto/proto.h"

enum { DATAFLOW_ID_MOST = 64 };

/* A link, or the place for one: all edges, or LINK_EDGES_MOST of them, from one node to another. */
struct wire {
    struct participant *publisher, *subscriber;
    uint32_t link; /* the id of the link that is up; 0: none */
    uint32_t edge_count;
    struct link_edge *edges;
};

enum participant_state {
    PARTICIPANT_ABSENT,   /* no process yet; dynamic: not here */
    PARTICIPANT_STARTING, /* its process runs, and has not said HELLO */
    PARTICIPANT_JOINED,   /* waits for the others */
    PARTICIPANT_RUNNING,
    PARTICIPANT_LEAVING, /* said GOODBYE, or hung up: its process is about to end */
    PARTICIPANT_WAITING, /* to be restarted */
    PARTICIPANT_ENDED,
};

struct participant {
    struct dataflow *dataflow;
    const struct graph_node *node;
    uint32_t index; /* in the graph */
    bool is_dynamic;
    enum participant_state state;

    uint8_t token[PROTO_TOKEN];
    pid_t pid;             /* of the process that was spawned, also its group; 0: none */
    struct watch *process; /* its pidfd */
    struct watch *partner; /* the pidfd of the process that said HELLO, where that is another one */
    struct peer *peer;     /* NULL before HELLO */
    uint32_t packets_left; /* that it may still send: who floods is dropped */
    struct alarm *alarm;   /* WAITING: restart; or hung up: for how long its outputs stay open */

    bool *closed;                       /* by input: its output is closed */
    uint32_t open_inputs;               /* of those that come from nodes */
    uint32_t data_inputs, other_inputs; /* from nodes; timers and logs */
    struct wire *out;                   /* where its outputs go: out_count wires */
    struct wire **in;                   /* where its inputs come from */
    uint32_t out_count, in_count;

    struct process_end end; /* of this generation, as far as it is known */
    char wrongdoing[128];
    struct restart_history restarts;
    uint64_t seen_activity; /* of page->activity, since `seen_ns` */
    int64_t seen_ns;

    struct logs *logs;
    struct node_result result;
    char message[OUTCOME_MESSAGE_MOST];
    char *stderr_tail;
    uint32_t ended_order; /* 1, 2, … */
};

/* How far the ladder of a stop has been climbed. */
enum stop_step { STOP_NONE, STOP_ASKED, STOP_TERMINATED, STOP_KILLED, STOP_GIVEN_UP };

struct dataflow {
    struct daemon *daemon;
    struct dataflow *next;
    uint32_t serial; /* in tokens */
    const struct graph *graph;
    char id[DATAFLOW_ID_MOST];
    struct daemon_observer observer;
    bool finish_with_inputs;
    int json; /* the descriptor for its nodes, a sealed memfd */

    struct participant *participants;
    struct wire *wires;     /* by publisher, then by subscriber */
    struct wire **incoming; /* the same by subscriber */
    struct link_edge *edges;
    uint32_t count, wire_count;

    uint32_t to_join; /* nodes that have not joined; dynamic ones don't count, here and below */
    uint32_t to_end;  /* nodes that have not ended */
    bool is_spawned, has_started;
    struct proto_start start;
    const struct participant *culprit; /* whose end made the start fail */
    char *error;                       /* dataflow_result.error */

    enum stop_step step;
    int64_t step_due, grace_ns;
    struct alarm *ladder, *health, *later;
    uint32_t ended_count;
};

struct daemon {
    uv_loop_t *loop;
    struct daemon_options options;
    char socket_name[PROTO_ADDRESS_MOST];
    struct watch *listener;
    uv_signal_t *child_signal;
    int spare_fd; /* given up to take in, and turn away, a connection when there are no descriptors left */
    struct peer *strangers, **strangers_end; /* connected, and have not said HELLO; oldest first */
    size_t stranger_count;
    struct dataflow *dataflows;
    uint32_t last_serial, last_link;
};

/* ---- dataflow.c ---- */

/* All nodes have joined: connects them and lets them go. */
void dataflow_release(struct dataflow *dataflow);
/* The start has failed because this node ended; or the dataflow for want of something, which the text names. */
void dataflow_fail_start(struct dataflow *dataflow, const struct participant *culprit);
void dataflow_fail(struct dataflow *dataflow, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Why a node can't join a dataflow any more; NULL: it can. */
const char *dataflow_refusal(const struct dataflow *dataflow, char text[OUTCOME_MESSAGE_MOST]);
/* Looks, soon, whether everything has ended. */
void dataflow_check(struct dataflow *dataflow);
void dataflow_notice(struct dataflow *dataflow, const char *format, ...) __attribute__((format(printf, 2, 3)));
void dataflow_free(struct dataflow *dataflow);

/* ---- participant.c ---- */

void participant_spawn(struct participant *participant);
void participant_alarm(void *participant); /* its alarm is due */
/* A process says that it is this node; takes over the peer, whose descriptor for the arena is `arena`. */
void participant_join(struct participant *participant, struct peer *peer, int *arena);
void participant_run(struct participant *participant); /* JOINED → RUNNING, its links are sent */
void participant_refuse(struct participant *participant, enum proto_reason reason, const char *text);
int participant_send(struct participant *participant, const struct proto_packet *packet);
bool participant_is_here(const struct participant *participant); /* JOINED or RUNNING */

/* ---- process.c ---- */

void participant_signal(struct participant *participant, int signal);
void participant_kill(struct participant *participant, enum kill_reason reason);
void participant_break(struct participant *participant, const char *why); /* killed: it broke the protocol */
void process_check(struct participant *participant);                      /* has it ended? */
void process_abandon(struct participant *participant);                    /* it can't be killed */
int process_partner(struct participant *participant, pid_t pid, int socket, struct error *error);

/* ---- ending.c ---- */

void participant_gone(struct participant *participant);    /* its processes have ended */
void participant_end(struct participant *participant);     /* for good; `result` says how */
void participant_cascade(struct participant *participant); /* sets `result`: failed because the start did */

/* ---- wiring.c ---- */

/* Lays the wires of a dataflow whose participants are there. */
int wiring_lay(struct dataflow *dataflow, struct error *error);
/* Makes a link where both ends are here, and tells both. */
void wire_up(struct wire *wire);
/* All wires of a node: up where the other end runs; LINK_DOWN to the others. */
void wiring_up(struct participant *participant);
void wiring_down_in(struct participant *participant);
void wiring_down_out(struct participant *participant);
/* Its outputs are closed: INPUT_CLOSED to the subscribers. */
void wiring_close_output(struct participant *participant, uint32_t output);
void wiring_close_outputs(struct participant *participant);
/* Tells a node that has just joined of the inputs that are closed. */
void wiring_report_closed(struct participant *participant);
/* The same packet once to each node that subscribes to this one. */
void wiring_tell_subscribers(struct participant *participant, const struct proto_packet *packet);

/* ---- stop.c, health.c ---- */

void stop_begin(struct dataflow *dataflow, int64_t grace_ns);
void stop_ladder(void *dataflow);
void health_start(struct dataflow *dataflow);
void health_check(void *dataflow);

#endif
