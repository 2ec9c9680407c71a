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
};

struct agent {
    uv_loop_t *loop;
    struct agent_options options;
    struct daemon *daemon;
    struct control_connection *coordinator; /* NULL: none */
    bool is_registered, was_registered, has_complained, is_ending, has_ended;
    int64_t retry_ns;
    struct alarm *retry; /* connect again; while ending: for how long the coordinator may still listen */
    struct run *runs;    /* newest first */
};

/* ---- agent.c ---- */

void agent_notice(const struct agent *agent, const char *format, ...) __attribute__((format(printf, 2, 3)));
void agent_refuse(struct control_request *request, const struct error *error); /* by the code of `error` */
/* The run that `params` names by its UUID, and is not over; else NULL, and the request is refused. */
struct run *agent_run(struct agent *agent, struct control_request *request, json_t *params);
/* Ends, if it is to and all is done. */
void agent_check(struct agent *agent);

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

/* ---- trace.c ---- */

void agent_trace_end(struct run *run); /* nobody traces it any more */

#endif
