/* A dataflow as its descriptor means it.
 *
 * graph_load() reads a descriptor and everything it names (modules, type files), checks all of it, and gives the flat
 * dataflow: modules expanded, short spellings resolved, defaults filled in. Every finding, error or warning, is kept
 * with file, line and column, and all are found in one run. What this part does not do: start anything, or contact
 * anybody.
 *
 * The model is plain data, owned by the graph, read-only after loading, and so safe to read from several threads.
 * Absent text is NULL; absent numbers are as each field says. Lists are pointer + count.
 */
#ifndef GRAPH_GRAPH_H
#define GRAPH_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Where something stands in a descriptor; line and column count from 1, 0 when unknown. */
struct graph_place {
    const char *file; /* as the user would type it */
    uint32_t line, column;
};

enum graph_severity { GRAPH_ERROR, GRAPH_WARNING, GRAPH_NOTE };

/* One finding. `hint` says what would be right, or is NULL. */
struct graph_finding {
    enum graph_severity severity;
    struct graph_place place;
    const char *message, *hint;
    bool is_type; /* from the type checks: `strict_types` made it an error, or would */
};

enum graph_input_kind {
    GRAPH_INPUT_NODE,  /* another node's output */
    GRAPH_INPUT_TIMER, /* dora/timer/… */
    GRAPH_INPUT_LOGS,  /* dora/logs[/level[/node]] */
};

enum graph_queue_policy { GRAPH_DROP_OLDEST, GRAPH_BACKPRESSURE };

enum graph_log_level {
    GRAPH_LOG_ERROR,
    GRAPH_LOG_WARN,
    GRAPH_LOG_INFO,
    GRAPH_LOG_DEBUG,
    GRAPH_LOG_TRACE,
    GRAPH_LOG_STDOUT,
    GRAPH_LOG_UNSET
};

struct graph_input {
    const char *id; /* with "<operator>/" in front for an operator's input */
    struct graph_place place;
    enum graph_input_kind kind;
    const char *source;        /* NODE: the producer's node id; index in `source_node` */
    const char *source_output; /* NODE: the producer's output id, "<operator>/<output>" where it is an operator's */
    size_t source_node;        /* NODE: index into graph->nodes */
    int64_t interval_ns;       /* TIMER: > 0 */
    enum graph_log_level log_level; /* LOGS: least severe level wanted; GRAPH_LOG_UNSET for all */
    const char *log_node;           /* LOGS: only from this node; NULL for all */
    uint64_t queue_size;            /* >= 1; default 10 */
    enum graph_queue_policy queue_policy;
    int64_t timeout_ns; /* input_timeout; 0 for none */
    const char *type;   /* URN from input_types, or NULL */
    struct graph_place type_place;
};

struct graph_output {
    const char *id; /* with "<operator>/" in front for an operator's output */
    struct graph_place place;
    const char *type; /* URN from output_types, or NULL */
    struct graph_place type_place;
    const char **metadata; /* parameter keys that output_metadata promises */
    size_t metadata_count;
    struct graph_place metadata_place;
};

struct graph_env {
    const char *name, *value; /* expanded and coerced as dora does, printed as text */
};

enum graph_node_kind {
    GRAPH_NODE_STANDARD,  /* its own executable */
    GRAPH_NODE_DYNAMIC,   /* path: dynamic; started by hand */
    GRAPH_NODE_SHELL,     /* path: shell; `sh -c args` */
    GRAPH_NODE_OPERATORS, /* a host of operators */
    GRAPH_NODE_ROS2,
    GRAPH_NODE_OPERATOR, /* one that graph_split has taken out of its host */
};

enum graph_operator_source { GRAPH_OPERATOR_LIBRARY, GRAPH_OPERATOR_PYTHON, GRAPH_OPERATOR_WASM };

/* One operator of a GRAPH_NODE_OPERATORS node. Its ports stand in the node's lists, prefixed with "<id>/". */
struct graph_operator {
    const char *id, *name, *description;
    const char *thread; /* operators of a host with the same share one; NULL: one of its own */
    enum graph_operator_source source;
    const char *path; /* as written */
    const char *conda_env;
    const char *build;
    const char *pattern; /* as in graph_node */
    struct graph_place place, pattern_place;
};

enum graph_restart { GRAPH_RESTART_NEVER, GRAPH_RESTART_ON_FAILURE, GRAPH_RESTART_ALWAYS };

struct graph_label {
    const char *key, *value;
};

struct graph_node {
    const char *id, *name, *description;
    struct graph_place place;
    enum graph_node_kind kind;

    const char *path;   /* as written, with modules' paths made relative to the dataflow; NULL for operators */
    const char *sha256; /* of a path that is a URL */
    const char **args;  /* split as a shell splits words; for SHELL exactly one element, the command line */
    size_t arg_count;
    struct graph_env *env; /* the node's over the dataflow's, sorted by name; forbidden names left out */
    size_t env_count;
    const char *build; /* commands, one a line, or NULL */
    const char *git, *branch, *tag, *rev, *hub;

    struct graph_input *inputs; /* sorted by id */
    size_t input_count;
    struct graph_output *outputs; /* sorted by id */
    size_t output_count;
    struct graph_operator *operators;
    size_t operator_count;
    bool is_lone_operator; /* written as `operator`: others may leave its id out */
    bool is_split;         /* by graph_split: the ports are without it */
    const char *host;      /* OPERATOR: the id of the node whose process it is in */
    const char *pattern;   /* "service-server", …, as written, or NULL */
    struct graph_place pattern_place;

    enum graph_restart restart;
    uint32_t max_restarts;            /* 0: no limit */
    int64_t restart_delay_ns;         /* 0: at once */
    int64_t max_restart_delay_ns;     /* 0: no cap */
    int64_t restart_window_ns;        /* 0: none */
    int64_t health_check_timeout_ns;  /* 0: none */
    int64_t finish_grace_ns;          /* -1: not set */
    uint64_t shared_memory_pool_size; /* bytes; 0: not set */

    const char *send_stdout_as, *send_logs_as; /* output ids */
    enum graph_log_level min_log_level;        /* GRAPH_LOG_UNSET: not set */
    uint64_t max_log_size;                     /* bytes; 0: no rotation */
    uint32_t max_rotated_files;                /* default 5 */

    uint32_t *cpu_affinity;
    size_t cpu_affinity_count;

    /* deploy, with the dataflow's filled in: where it is to run. */
    const char *machine, *working_dir, *distribute; /* NULL: not set */
    struct graph_label *labels;                     /* that its machine must have, where `machine` is NULL */
    size_t label_count;
    const char *ros2; /* ROS2: its block as JSON */
};

/* One entry of `type_rules`: a reader of `to` also takes `from`. */
struct graph_type_rule {
    const char *from, *to;
    struct graph_place place;
};

struct graph {
    const char *path;         /* of the descriptor, as given */
    const char *directory;    /* absolute: the working directory of its nodes */
    struct graph_node *nodes; /* in the descriptor's order */
    size_t node_count;
    int64_t health_check_interval_ns; /* default 5 s */
    bool strict_types, exit_when_nodes_finish, enable_debug_inspection;
    struct graph_env *env; /* of every node, and in each one's list already; sorted by name */
    size_t env_count;
    struct graph_type_rule *type_rules;
    size_t type_rule_count;

    struct graph_finding *findings; /* in the order of the files */
    size_t finding_count, error_count, warning_count;

    struct graph_private *private;
};

struct graph_options {
    bool strict_types;           /* treat type warnings as errors, whatever the descriptor says */
    bool check_sources;          /* also: does each node's executable, script or library exist? */
    bool fragment;               /* also accept pieces of dataflows: a module's file, one node, and inputs that name
                                    nodes which are not there */
    const struct graph_env *env; /* --env: over the dataflow's, under the nodes' */
    size_t env_count;
};

/* Loads and checks the descriptor at `path` ("-" is not special). Returns a graph also when the descriptor is wrong:
 * look at `error_count`, and use the nodes only when it is 0. NULL, with `error` set, only when there is nothing to
 * report findings about: the file can't be read (-errno), is over 16 MiB (-EFBIG), or memory is short (-ENOMEM).
 * `options` may be NULL. */
struct graph *graph_load(const char *path, const struct graph_options *options, struct error *error);

/* As graph_load for text in memory; `path` only names it in findings and gives the directory for modules. */
struct graph *graph_parse(const char *text, size_t len, const char *path, const struct graph_options *options,
                          struct error *error);

/* Makes a node of its own of each operator, as the daemon has them (docs/operators.md). A node written as `operator`
 * keeps its id, and its ports lose the operator's. One written as `operators` becomes a node without ports, the host,
 * followed by a GRAPH_NODE_OPERATOR "<host>/<operator>" for each. Only of a graph without errors. -ENOMEM. */
int graph_split(struct graph *graph);

void graph_free(struct graph *graph); /* NULL is fine */

/* Where an input's messages come from, as a descriptor says it; a timer in the coarsest unit that is exact. */
void graph_print_source(const struct graph_input *input, struct buf *out);

/* The node with this id, or NULL. */
const struct graph_node *graph_find(const struct graph *graph, const char *id);

/* Prints the findings as a compiler does: "file:line:column: error: message", the line itself, a caret, the hint. */
void graph_print_findings(const struct graph *graph, struct buf *out, bool color);

/* The flat dataflow as YAML, loadable again and then the same, but for params of modules: one such as "2.0" stands in
 * the nodes' env as a text, and read again as an env value it is the number 2. */
int graph_expand(const struct graph *graph, struct buf *out, struct error *error);

/* The dataflow as JSON: what nodes see as their dataflow's descriptor. */
int graph_json(const struct graph *graph, struct buf *out, struct error *error);

/* Where the file that `path` of a standard node names is: as the daemon would start it, that is below graph->directory
 * or, for a name without a directory, on PATH. `$HOME` and the few others dora allows are put in. -ENOENT if nowhere.
 */
int graph_find_program(const struct graph *graph, const char *path, struct buf *out);

/* The JSON schema of descriptors, for editors. 0 or -ENOMEM. */
int graph_schema(struct buf *out, struct error *error);

/* The name of a log level as dora writes it ("error" … "stdout"), and back (any case); GRAPH_LOG_UNSET if unknown. */
const char *graph_log_level_name(enum graph_log_level level);
enum graph_log_level graph_log_level_parse(const char *name);

#endif
