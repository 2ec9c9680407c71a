/* What the files of the agent share. */
#ifndef AGENT_PARTS_H
#define AGENT_PARTS_H

#include <jansson.h>

#include "control/connection.h"
#include "agent/agent.h"
#include "daemon/dataflow.h"

/* A dataflow, from `dataflow.start` until the coordinator has learned how it ended. */
struct run {
    struct agent *agent;
    struct run *next;
    struct graph *graph;
    struct dataflow *dataflow; /* NULL: it has ended, and `last` is all there is to say */
    json_t *last;
    char uuid[DATAFLOW_ID_MOST];
    char *name, *path, *directory; /* name may be NULL */
    char **env;                    /* "K=V", NULL-terminated */
    double started;                /* seconds since 1970 */
    struct control_request *start; /* to be answered when its processes run */
    bool is_dirty, is_telling;     /* something is new; an update is on its way */
    bool is_tracing;

    /* Where it is a part of a dataflow that runs on several machines: */
    bool is_part;
    bool is_ready, is_asking, is_released; /* all have joined here; the coordinator is asked; has let it go */
    struct found_wait *found;              /* who waits for edges that are made again */
    struct move_wait *moves;               /* who waits for a step of a node's move */
    struct alarm *rest;                    /* before an edge is asked for that could not be made */
    struct alarm *patience;                /* for how long the gateway may take to leave edges */
    bool is_resting;
    json_t *files; /* of nodes, where programs were carried here: {node: {"sha256", "name"}}; NULL: none */
    json_t *offer; /* what the gateway was told of its ports; NULL: nothing yet */
};

struct agent {
    uv_loop_t *loop;
    struct agent_options options;
    struct daemon *daemon;
    struct control_connection *coordinator; /* NULL: none */
    bool is_registered, was_registered, has_complained, is_ending, has_ended;
    struct control_standing standing; /* as it was told last */
    int64_t retry_ns;
    struct alarm *retry;       /* connect again; while ending: for how long the coordinator may still listen */
    struct run *runs;          /* newest first */
    struct gateway *gateway;   /* to other machines; NULL: none */
    struct remote *remotes;    /* commands for other machines */
    struct arriving *arriving; /* files that are being carried here */
};

/* ---- agent.c ---- */

void agent_notice(const struct agent *agent, const char *format, ...) __attribute__((format(printf, 2, 3)));
void agent_refuse(struct control_request *request, const struct error *error); /* by the code of `error` */
/* The run that `params` names by its UUID, and is not over; else NULL, and the request is refused. */
struct run *agent_run(struct agent *agent, struct control_request *request, json_t *params);
/* The same, by its UUID; NULL: there is none that goes on. */
struct run *agent_find(struct agent *agent, const char *uuid);
/* Ends, if it is to and all is done. */
void agent_check(struct agent *agent);
/* Tells how it stands, where that is new. */
void agent_stand(struct agent *agent);

/* ---- dataflow.c ---- */

json_t *run_describe(const struct run *run);
void run_tell(struct run *run); /* sends an update, once there is a coordinator */
/* The coordinator knows what run_describe said just now. */
void run_told(struct run *run);
void run_free(struct run *run);
void run_start(struct agent *agent, struct control_request *request, json_t *params);
void run_stop(struct agent *agent, struct control_request *request, json_t *params);
void run_descriptor(struct run *run, struct control_request *request, json_t *params);

/* ---- nodes.c ---- */

json_t *node_describe(const struct participant *participant);
const char *json_get_text(json_t *object, const char *key); /* NULL: absent, or no text */
json_t *json_from_bytes(const char *text);                  /* what is not UTF-8 replaced; null for NULL */
/* `grace` of the params, in ns; 10 s where it is absent, -1 where it is nonsense. */
int64_t node_grace(json_t *params);

/* One method each. */
typedef void agent_method(struct run *run, struct control_request *request, json_t *params);
agent_method node_list, node_info, node_restart, node_stop, node_add, node_remove, node_replace, node_connect,
    node_disconnect, node_param, topic_list, topic_watch, topic_publish, agent_trace;

/* ---- files_here.c ---- */

void file_offer(struct agent *agent, struct control_request *request, json_t *params);
void file_put(struct agent *agent, struct control_request *request, json_t *params);
void file_clean(struct agent *agent, struct control_request *request, json_t *params);
void files_arriving_drop(struct agent *agent);
/* Lets nodes run the files that were carried here: `files` as in the options of dataflow.start, or NULL. */
int run_files_read(struct run *run, json_t *files, const struct daemon_part *part, struct error *error);
/* Whether what the node is to run was carried here, if it is to be: 0 or -ENOENT. */
int run_files_check(const struct run *run, const char *node, struct error *error);

/* ---- metrics.c ---- */

void agent_metrics(struct agent *agent, struct control_request *request, json_t *params);
/* What its processes use. */
struct usage {
    double cpu;     /* percent of one core, see docs/control.md */
    int64_t cpu_ns; /* so far */
    uint64_t memory;
};
struct usage metrics_usage(struct participant *participant);
json_t *metrics_inputs(struct participant *participant);
json_t *metrics_outputs(struct participant *participant);

/* ---- gateway.c ---- */

/* Starts the process, and keeps it running. */
int gateway_open(struct agent *agent, struct error *error);
/* Asks it to end; false: it has not yet, and agent_check is called when it has. */
bool gateway_end(struct agent *agent);
void gateway_close(struct gateway *gateway); /* kills it; NULL is fine */
bool gateway_is_open(const struct gateway *gateway);
/* It has looked round, and nobody was in its way. */
void gateway_has_looked(struct gateway *gateway);
bool gateway_is_clear(const struct gateway *gateway);
/* Why it can't be, or be the one it is to be, until it has looked round after all; NULL: nothing of that kind. */
const char *gateway_refusal(const struct gateway *gateway);
/* As gateway_give_up, and that is its refusal. */
void gateway_refuse(struct gateway *gateway, const char *why);
struct agent *gateway_agent(const struct gateway *gateway);
/* As control_send; -ENOTCONN: it is not there now. */
int gateway_ask(struct gateway *gateway, const char *method, json_t *params, const struct control_calls *calls,
                void *context);
/* It does not do what it is asked to, or takes too long: killed, and started again. */
void gateway_give_up(struct gateway *gateway, const char *why);
/* What the gateway offers of a dataflow to programs of zenoh: all its ports here; nothing any more. */
void gateway_offer(struct run *run);
void gateway_withdraw(const struct run *run);

/* ---- gateway_metrics.c ---- */

/* Answers with `result`, which is taken over, and what the gateway says of the other machines and the edges (of one
 * dataflow, or all for NULL), if it does so soon. */
void gateway_metrics(struct agent *agent, struct control_request *request, json_t *result, const struct run *only);

/* ---- gateway_requests.c ---- */

void gateway_request(void *gateway, struct control_request *request, const char *method, json_t *params);

/* ---- part.c ---- */

/* Reads where the nodes run; `*part` has lists of the graph's nodes, for run_part_list_free, or a NULL machine where
 * all of them run here. */
int run_part_read(struct run *run, json_t *params, struct daemon_part *part, struct error *error);
void run_part_list_free(struct daemon_part *part);
int run_part_begin(struct run *run, struct error *error);
void run_part_ready(void *run); /* daemon_observer.ready and edges */
void run_part_stop_all(void *run); /* observer: all parts are to stop */
void run_part_edges(void *run);
/* Asks the coordinator again whether the part may go, where that is not known. */
void run_part_ask(struct run *run);
void run_part_over(struct run *run); /* nobody waits for it any more */
/* The gateway can't be had: what waits for it fails. */
void run_part_fail(struct run *run, const char *why);

agent_method run_node_lost, run_node_found, run_part_ended;

/* ---- move.c ---- */

agent_method node_move;
void run_moves_look(struct run *run); /* edges have changed, or a node's move has come further */
void run_moves_over(struct run *run); /* nobody waits for it any more */
/* Those that are being prepared are taken back. */
void run_moves_refuse(struct run *run, const char *why);
/* The coordinator is gone, who would say how they go on. */
void run_moves_undo(struct run *run);

/* ---- remote.c ---- */

/* `machine.command`, `machine.output`, `machine.end`. */
void agent_remote(struct agent *agent, struct control_request *request, const char *method, json_t *params);
void remote_forget_all(struct agent *agent); /* nobody will ask for them any more: they are told to end */
void remote_close_all(struct agent *agent);  /* killed */

/* ---- trace.c ---- */

void agent_trace_end(struct run *run); /* nobody traces it any more */

#endif
