/* The daemon: runs dataflows on this machine. It starts the nodes' processes, joins them with shared memory, watches
 * them and ends them; it never touches what they send each other.
 *
 * Everything happens on the loop it is given, in its thread, and so do the observer's calls; none of them comes from
 * within a function of this header. The loop must run until `finished` was called, and after daemon_close until it has
 * nothing left to do.
 *
 * The process belongs to the daemon while it is open: it becomes a subreaper, SIGCHLD is the daemon's, RLIMIT_NOFILE is
 * raised to what is allowed, and at the end of the last dataflow every descendant is killed and reaped.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "base/clock.h"
#include "base/error.h"
#include "graph/graph.h"

struct daemon;
struct dataflow;
struct log_line; /* logs.h */

#define DAEMON_STOP_GRACE (10 * CLOCK_SECOND)

struct daemon_options {
    bool allow_shell;           /* `path: shell` may be started */
    bool uv;                    /* Python nodes run under `uv run` */
    bool hot_reload;            /* operators in Python are told when their file changes */
    int exit_when_nodes_finish; /* 0 or 1: whatever the descriptor says; -1: as it says */
    const char *const *env; /* "K=V", NULL-terminated, for every node, over the inherited; NULL for none. Must outlive
                               the daemon */
};

/* What makes a dataflow a *part*: others of its nodes run on other machines (docs/machines.md). Those are *remote*:
 * they are in the graph and have no process here, nobody waits for them, and results leave them out. What they send and
 * get goes over edges, see edge.h. */
struct daemon_part {
    const char *machine;         /* the name of this machine */
    const char *const *machines; /* of each node, in the graph's order: the machine that it runs on */
    const bool *ended; /* of each node, whether it runs nowhere any more: its outputs are closed; NULL: none */
};

/* How a node's story ended. */
enum node_cause {
    NODE_FINISHED,       /* exit code 0, or ended by SIGTERM or SIGINT after the daemon had sent SIGTERM */
    NODE_EXITED,         /* `code` is the exit code */
    NODE_SIGNALED,       /* `code` is the signal, which the daemon did not send */
    NODE_NOT_SPAWNED,    /* `code` is a negative errno */
    NODE_GRACE_KILLED,   /* SIGKILL, because it didn't end within the grace time of a stop */
    NODE_KILLED,         /* SIGKILL, because the user would not wait */
    NODE_UNHEALTHY,      /* SIGKILL, because it was silent for longer than its health_check_timeout */
    NODE_BROKE_PROTOCOL, /* SIGKILL, because it sent the daemon what no node sends */
    NODE_CASCADING,      /* failed only because `because` ended before it had joined the dataflow */
    NODE_NEVER_RAN,      /* dynamic, and nobody started it; or the dataflow ended before its turn came */
};

struct node_result {
    const char *id;
    bool ok;
    bool dynamic; /* doesn't count */
    enum node_cause cause;
    int code;
    const char *because; /* CASCADING: a node id; else NULL */
    const char *message; /* "exited with code 3", "was killed by signal 11 (SIGSEGV)": follows "Node `X` failed: " */
    const char *stderr_tail; /* its last lines of stderr, "" for none */
    uint32_t restarts;
};

/* Lives as long as the call of `finished` that carries it. */
struct dataflow_result {
    bool ok; /* no error, and every node that counts is ok */
    const char
        *error; /* what ended the dataflow where it was no node's doing, such as a lack of descriptors; or NULL */
    size_t node_count;
    const struct node_result *nodes; /* what failed first first, then what failed because of it, then the others */
};

/* Each may be NULL. */
struct daemon_observer {
    void *context;
    void (*log)(void *context, const struct log_line *line);
    void (*started)(void *context);                  /* every node has joined: messages flow */
    void (*notice)(void *context, const char *text); /* one line for people: a restart, a node that failed */
    void (*finished)(void *context, const struct dataflow_result *result); /* `dataflow` is gone afterwards */
    void (*changed)(void *context); /* some node's status, or the dataflow's, is another one */
    void (*ready)(void *context);   /* of a part: all here have joined, and wait for dataflow_release; once */
    void (*stop_all)(void *context); /* of a part: one of its nodes stops the dataflow, on all machines */
    void (*edges)(void *context);   /* of a part: some edge's state is another one (edge.h) */
};

/* The loop must outlive the daemon. */
int daemon_open(struct daemon **daemon, uv_loop_t *loop, const struct daemon_options *options, struct error *error);

/* Kills what still runs (its `finished` is not called) and frees the daemon once the loop has run on. NULL is fine. */
void daemon_close(struct daemon *daemon);

/* A child of this process that is none of a dataflow's, and is left alone, as long as it isn't reaped or given back.
 * `child` is the caller's; its pid is set. */
struct spared;
void daemon_spare(struct daemon *daemon, struct spared *child);
void daemon_spare_no_more(struct daemon *daemon, struct spared *child);

/* The name of the socket it listens on. */
const char *daemon_socket(const struct daemon *daemon);

/* Starts a dataflow: from 0 on, `finished` is called once, whatever happens. The graph must have no errors and outlive
 * the dataflow; `id` is a UUID's text. Log files go to <the graph's directory>/out/<id>. */
int daemon_start(struct daemon *daemon, const struct graph *graph, const char *id,
                 const struct daemon_observer *observer, struct dataflow **dataflow, struct error *error);

/* The same with other options than the daemon's; what they point to must outlive the dataflow. `part` is copied; NULL:
 * all nodes run here. */
int daemon_start_with(struct daemon *daemon, const struct graph *graph, const char *id,
                      const struct daemon_options *options, const struct daemon_part *part,
                      const struct daemon_observer *observer, struct dataflow **dataflow, struct error *error);

/* Lets a part's nodes go as soon as all have joined; until then they wait. */
void dataflow_release(struct dataflow *dataflow);

/* No more restarts; Stop to every node; SIGTERM to what still runs after `grace_ns`, and SIGKILL after half as long
 * again. A later call can only shorten what is left. */
void dataflow_stop(struct dataflow *dataflow, int64_t grace_ns);

/* SIGKILL at once. */
void dataflow_kill(struct dataflow *dataflow);

const char *dataflow_id(const struct dataflow *dataflow);

#endif
