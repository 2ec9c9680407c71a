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
 * to ABSENT when it says GOODBYE or its process ends. A node of another machine is REMOTE all its life. A host of
 * operators goes from ABSENT over HOSTING to ENDED; its operators have no process, and go from RUNNING to ENDED when
 * they say GOODBYE.
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
#include "daemon/reload.h"
#include "daemon/restart.h"
#include "daemon/watch.h"
#include "proto/proto.h"

enum { DATAFLOW_ID_MOST = 64 };

/* What has gone over a port, over links that have ended too. */
struct port_count {
    uint64_t messages, dropped, bytes;
};

struct edge_state {
    bool is_down;             /* disconnected while the link is up */
    struct port_count before; /* its output's count when the link was made */
    /* Of the reporter's edges: whose lines it carries, NULL for dora/logs, and whether as they were printed. */
    const struct participant *source;
    bool is_raw;
};

/* A link, or the place for one: edges, up to LINK_EDGES_MOST of them, from one node to another. */
struct wire {
    struct participant *publisher, *subscriber;
    uint32_t link; /* the id of the link that is up; 0: none */
    uint32_t edge_count;
    struct link_edge *edges;
    struct edge_state *states;
    int segment;           /* of the link that is up, until its counters are looked at; else -1 */
    struct link_view view; /* from then on */
    struct link_tx *tx;    /* the reporter's end, where it is the publisher */
};

enum input_state {
    INPUT_OPEN,
    INPUT_CLOSED, /* its output is closed, and the node has been told */
    INPUT_LOOSE,  /* disconnected: nothing comes, but something may be connected again */
};

/* What becomes of a node that is stopped alone. */
enum halt { HALT_NONE, HALT_STOP, HALT_RESTART, HALT_REMOVE };

/* Somebody waits for what becomes of a node. */
struct node_wait {
    struct node_wait *next;
    bool for_run; /* until it runs; else until it has ended */
    /* `code` 0, or negative with the reason. */
    void (*done)(void *context, int code, const char *why);
    void *context;
};

/* How far the ladder of a stop has been climbed. */
enum stop_step { STOP_NONE, STOP_ASKED, STOP_TERMINATED, STOP_KILLED, STOP_GIVEN_UP };

enum participant_state {
    PARTICIPANT_ABSENT,   /* no process yet; dynamic: not here */
    PARTICIPANT_STARTING, /* its process runs, and has not said HELLO */
    PARTICIPANT_JOINED,   /* waits for the others */
    PARTICIPANT_RUNNING,
    PARTICIPANT_LEAVING, /* said GOODBYE, or hung up: its process is about to end */
    PARTICIPANT_WAITING, /* to be restarted */
    PARTICIPANT_ENDED,
    PARTICIPANT_REMOTE,  /* on another machine */
    PARTICIPANT_HOSTING, /* a host whose process runs */
};

/* What a process had used of the processor at two points in time, between which and now that is told in percent. For
 * whoever asks; the daemon itself doesn't look. */
struct cpu_window {
    pid_t pid;
    int64_t since_ns, since_used; /* CLOCK_MONOTONIC; ns */
    int64_t last_ns, last_used;   /* the next `since`, once it is old enough */
};

struct participant {
    struct dataflow *dataflow;
    const struct graph_node *node;
    uint32_t serial; /* within the dataflow, never used twice; of the graph's nodes, their index */
    bool is_dynamic;
    bool is_host;                   /* of operators that are participants of their own (host.c) */
    struct participant *host;       /* an operator: whose process it is in; NULL: it has its own */
    bool is_watcher;                /* no node of the graph, see watcher.c and reporter.h */
    struct reporter *reporter;      /* it is the daemon itself */
    bool is_removed;                /* freed as soon as nobody can be looking at it */
    struct graph *own;              /* what `node` lives in, where that isn't the dataflow's graph */
    char *directory;                /* of an added node; NULL: the graph's */
    struct participant *stands_for; /* a watcher that publishes: whose output, */
    uint32_t stands_for_output;     /* and which */
    struct edge *edge;              /* a watcher that is the gateway's end of this edge */
    struct move *move;              /* it moves to another machine, or from there; NULL: it stays */
    char *machine;                  /* REMOTE: where it runs */
    bool is_lost;                   /* REMOTE: it runs nowhere now */
    uint32_t told;                  /* REMOTE: how often its subscribers have been told of a failure or restart */
    struct participant *replaces;   /* takes over from this one when it runs */
    bool is_replaced;               /* its outputs go on without it */
    bool is_new;                    /* added, and has not run yet: if it fails, it was never there */
    enum halt halt;
    enum stop_step halt_step;
    int64_t halt_grace_ns;
    struct alarm *halt_alarm;
    struct node_wait *waits;
    enum participant_state state;

    uint8_t token[PROTO_TOKEN];
    pid_t pid;             /* of the process that was spawned, also its group; 0: none */
    struct watch *process; /* its pidfd */
    struct watch *partner; /* the pidfd of the process that said HELLO, where that is another one */
    struct peer *peer;     /* NULL before HELLO */
    uint32_t packets_left; /* that it may still send: who floods is dropped */
    struct alarm *alarm;   /* WAITING: restart; or hung up: for how long its outputs stay open */

    uint8_t *inputs;                    /* by input: enum input_state */
    bool *outputs_closed;               /* by output */
    uint32_t open_inputs;               /* of those that come from nodes */
    uint32_t data_inputs, other_inputs; /* from nodes; timers and logs */
    struct wire **out, **in;            /* where its outputs go, and its inputs come from; `out` owns them */
    uint32_t out_count, in_count;
    struct port_count *received, *sent; /* by input, over links that have ended; by output */

    struct process_end end; /* of this generation, as far as it is known */
    char wrongdoing[128];
    char *complaint;       /* end.complaint */
    bool has_told_failure; /* of this generation: its subscribers know */
    struct restart_history restarts;
    uint64_t seen_activity; /* of page->activity, since `seen_ns` */
    int64_t seen_ns;
    struct cpu_window cpu;

    struct logs *logs;
    struct reload *reload; /* its file is watched; NULL: not */
    struct node_result result;
    char message[OUTCOME_MESSAGE_MOST];
    char *stderr_tail;
    uint32_t ended_order; /* 1, 2, … */
};

/* Of a dataflow that runs on several machines. */
struct part {
    char *machine; /* this one */
    bool is_released, is_ready, is_drained;
    struct edge *edges;
    bool has_changed;    /* an edge's state is another one */
    struct alarm *drain; /* for how long the edges may still deliver, when all nodes have ended */
    int64_t drain_ns;    /* what it was set to; 0: not yet */
};

struct dataflow {
    struct daemon *daemon;
    struct dataflow *next;
    uint32_t serial; /* in tokens */
    const struct graph *graph;
    char id[DATAFLOW_ID_MOST];
    struct daemon_observer observer;
    struct daemon_options options;
    bool finish_with_inputs;
    int json;         /* the descriptor for its nodes, a sealed memfd */
    bool is_json_old; /* the dataflow has changed since */

    struct participant **participants;
    uint32_t count, last_participant;
    struct participant *reporter; /* NULL: nobody listens to what nodes print */
    struct part *part;            /* NULL: all of it runs here */

    uint32_t to_join; /* nodes that have not joined; dynamic ones don't count, here and below */
    uint32_t to_end;  /* nodes that have not ended */
    bool is_spawned, has_started, has_changed;
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
    struct spared *spared; /* children that are none of ours */
};

/* ---- dataflow.c ---- */

/* Connects the nodes and lets them go, if all have joined and nothing else holds them. */
void dataflow_begin(struct dataflow *dataflow);
/* The start has failed because this node ended; or the dataflow for want of something, which the text names. */
void dataflow_fail_start(struct dataflow *dataflow, const struct participant *culprit);
void dataflow_fail(struct dataflow *dataflow, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Why a node can't join a dataflow any more; NULL: it can. */
const char *dataflow_refusal(const struct dataflow *dataflow, char text[OUTCOME_MESSAGE_MOST]);
/* Looks, soon, whether everything has ended. */
void dataflow_check(struct dataflow *dataflow);
/* Tells the observer, soon, that a status is another one. */
void dataflow_changed(struct dataflow *dataflow);
void dataflow_notice(struct dataflow *dataflow, const char *format, ...) __attribute__((format(printf, 2, 3)));
void dataflow_free(struct dataflow *dataflow);

/* ---- population.c ---- */

/* A participant for the node, without wires. `own` (may be NULL) is what the node lives in, and taken over in any case.
 * NULL: out of memory. */
struct participant *population_add(struct dataflow *dataflow, const struct graph_node *node, struct graph *own,
                                   struct error *error);
/* A node that runs here: no watcher, not removed, not of another machine. */
bool population_is_own(const struct participant *participant);
/* The node of this name, no watcher; or NULL. */
struct participant *population_find(const struct dataflow *dataflow, const char *id);
/* Takes it out of the dataflow, with its wires; what it is freed from calls dataflow_check. */
void population_remove(struct participant *participant);
void population_sweep(struct dataflow *dataflow); /* frees those removed */
void population_free(struct dataflow *dataflow);
int population_wait(struct participant *participant, bool for_run, void (*done)(void *, int, const char *),
                    void *context);
/* Tells those who wait for that: it runs, or has ended, or, with a negative code, never will. */
void population_settle(struct participant *participant, bool for_run, int code, const char *why);

/* ---- participant.c ---- */

void participant_spawn(struct participant *participant);
void participant_alarm(void *participant); /* its alarm is due */
int participant_make_token(struct participant *participant, struct error *error);
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

/* ---- host.c ---- */

/* A host of a list of operators has a process and neither ports nor a socket; its operators have those, and no process
 * (docs/operators.md). A node with one operator is a node like others, but for its program. */

/* Joins operators with their hosts, once all participants are there. */
int host_attach(struct dataflow *dataflow, struct error *error);
/* The one whose process it is in: its host, or itself. */
struct participant *host_of(struct participant *participant);
/* What DORA_RUNTIME_CONFIG says to a node of operators; makes the tokens of a host's. */
int host_configure(struct participant *participant, const char *directory, struct buf *text, struct error *error);
void host_started(struct participant *host);          /* its process runs, so its operators may come */
bool host_is_awaited(const struct participant *host); /* not all its operators have joined */
void host_ask(struct participant *host);              /* PROTO_STOP to all of them */
void host_gone(struct participant *host);             /* its process has ended, and with it all that have not left */
/* Where operators have failed, the host's result says so, and no more. */
void host_judge(struct participant *host);

/* ---- ending.c ---- */

void participant_gone(struct participant *participant);        /* its processes have ended */
void participant_end(struct participant *participant);         /* for good; `result` says how */
void participant_tell_failed(struct participant *participant); /* its subscribers, once; as `message` says */
void participant_disconnect(struct participant *participant);  /* its links end, for its process has ended */
void participant_cascade(struct participant *participant);     /* sets `result`: failed because the start did */

/* ---- wiring.c ---- */

/* Lays the wires of a dataflow whose participants are there. */
int wiring_lay(struct dataflow *dataflow, struct error *error);
/* Lays an edge, in a wire of its own where the others between the two are up; it is not up itself yet. -ENOMEM. */
int wiring_add(struct participant *publisher, struct participant *subscriber, struct link_edge edge);
/* The same from a node and all those that publish for it too; an output that is closed closes the input. */
int wiring_connect(struct participant *publisher, uint32_t output, struct participant *subscriber, uint32_t input);
/* Lays the wires to all inputs of a node that is added. */
int wiring_lay_inputs(struct participant *participant, struct error *error);
/* The edge's parameters as the input has them. */
struct link_edge wiring_edge(uint32_t output, const struct graph_node *node, uint32_t input);
int wiring_output(const struct graph_node *node, const char *id); /* its index, or -ENOENT */
int wiring_input(const struct graph_node *node, const char *id);
/* The edge from this output to this input; false: there is none. */
bool wiring_find(const struct participant *publisher, uint32_t output, const struct participant *subscriber,
                 uint32_t input, struct wire **wire, uint32_t *edge);
void wiring_disconnect(struct wire *wire, uint32_t edge);
/* Where an input's messages come from now; of several publishers the one that is a node. False: from nowhere. */
bool wiring_source(const struct participant *subscriber, uint32_t input, const struct participant **publisher,
                   uint32_t *output);
void wiring_free(struct wire *wire); /* takes it out of both participants */

/* ---- links.c ---- */

/* Makes a link where both ends are here, and tells both. */
void wire_up(struct wire *wire);
/* It is down, and so are its disconnected edges for good. */
void wire_down(struct wire *wire);
/* All wires of a node: up where the other end runs; LINK_DOWN to the others. */
void wiring_up(struct participant *participant);
void wiring_down_in(struct participant *participant);
void wiring_down_out(struct participant *participant);
void wire_edge_down(struct wire *wire, uint32_t edge);
/* The subscriber has closed its end of this link; no such link: it crossed with what the daemon did itself. */
void wiring_closed(struct participant *subscriber, uint32_t link);

/* ---- closing.c ---- */

/* Its outputs are closed: INPUT_CLOSED to the subscribers. */
void wiring_close_output(struct participant *participant, uint32_t output);
void wiring_close_outputs(struct participant *participant);
/* Tells a node that has just joined of the inputs that are closed. */
void wiring_report_closed(struct participant *participant);
void wiring_close_input(struct participant *participant, uint32_t input);
void wiring_loosen_input(struct participant *participant, uint32_t input);
void wiring_open_input(struct participant *participant, uint32_t input);
/* The same packet once to each node that subscribes to this one. */
void wiring_tell_subscribers(struct participant *participant, const struct proto_packet *packet);

/* ---- counters.c ---- */

/* What has gone over an edge of a link that is up; false: it isn't. */
bool counters_read(struct wire *wire, uint32_t edge, struct link_counters *counters);
/* Adds the delays of an edge whose counters were read. */
void counters_delays(const struct wire *wire, uint32_t edge, uint64_t counts[LINK_DELAYS]);
/* Brings participant->sent up to date. */
void counters_sample(struct participant *publisher);
/* The link ends now: what it counted is added to its ends' counts. */
void counters_keep(struct wire *wire);

/* ---- topology.c ---- */

/* Why nothing can be changed now: -EPERM; else 0. */
int topology_refusal(const struct dataflow *dataflow, struct error *error);
/* What one changes in a dataflow that runs. Negative errno with a message: -EINVAL, -ENOENT, -EEXIST, -EPERM (not now),
 * -ENOMEM. `warnings` as in description_check_types. */
int topology_add(struct dataflow *dataflow, const char *yaml, const char *directory, const char *replaces,
                 struct participant **added, struct buf *warnings, struct error *error);
int topology_connect(struct dataflow *dataflow, const char *source, const char *target, struct buf *warnings,
                     struct error *error);
int topology_disconnect(struct dataflow *dataflow, const char *source, const char *target, struct error *error);
/* ---- description.c ---- */

/* The dataflow as it is now: its nodes, and their inputs as they are connected. Either may be NULL. */
int description_write(const struct dataflow *dataflow, struct buf *yaml, struct buf *json, struct error *error);
/* Makes dataflow->json anew; on failure it stays what it was. */
int description_seal(struct dataflow *dataflow, struct error *error);
/* Whether the types of an output and an input fit, as in a descriptor: -EINVAL where that makes an error of it; else
 * what there is to warn of is appended to `warnings` (NULL: not wanted), a line each. */
int description_check_types(const struct participant *publisher, uint32_t output, const struct participant *subscriber,
                            uint32_t input, struct buf *warnings, struct error *error);
/* The warnings of a graph that was read, behind a line of its text, likewise. */
void description_warnings(const struct graph *graph, uint32_t lines_before, struct buf *warnings);

/* ---- ports.c ---- */

/* What a name means; -ENOENT, with what was probably meant. "node/port": an operator's port has a slash of its own. */
int ports_find_node(const struct dataflow *dataflow, const char *id, struct participant **found, struct error *error);
int ports_find_output(const struct dataflow *dataflow, const char *name, struct participant **publisher,
                      uint32_t *output, struct error *error);
int ports_find_input(const struct dataflow *dataflow, const char *name, struct participant **subscriber,
                     uint32_t *input, struct error *error);

/* ---- watcher.c ---- */

/* A watcher of these topics, or one that publishes in this output's place, with wires but no process yet. NULL: see
 * `error`. */
struct participant *watcher_listen(struct dataflow *dataflow, const char *const *topics, size_t count,
                                   uint64_t queue_size, enum graph_queue_policy policy, struct error *error);
struct participant *watcher_stand_for(struct participant *publisher, uint32_t output, const char *topic,
                                      struct error *error);
/* Writes what its process needs to join; without one it is removed again after a while. */
int watcher_admit(struct participant *watcher, char config[PROTO_CONFIG_TEXT_MOST], struct error *error);
int watcher_open(struct dataflow *dataflow, const char *const *topics, size_t count, uint64_t queue_size,
                 char config[PROTO_CONFIG_TEXT_MOST], struct error *error);
int watcher_publish(struct dataflow *dataflow, const char *topic, char config[PROTO_CONFIG_TEXT_MOST],
                    struct error *error);
/* One more publisher for this one input. */
int watcher_feed(struct dataflow *dataflow, const char *input, char config[PROTO_CONFIG_TEXT_MOST],
                 struct error *error);

/* ---- halt.c ---- */

/* Stops one node: Stop, SIGTERM after the grace time, SIGKILL after half as long again. */
void halt_begin(struct participant *participant, enum halt halt, int64_t grace_ns);
void halt_due(void *participant);
void halt_done(struct participant *participant);                           /* its process has ended */
void participant_again(struct participant *participant, int64_t delay_ns); /* it has ended, and starts once more */

/* ---- stop.c, health.c ---- */

void stop_begin(struct dataflow *dataflow, int64_t grace_ns);
void stop_ladder(void *dataflow);
void health_start(struct dataflow *dataflow);
void health_check(void *dataflow);

#endif
