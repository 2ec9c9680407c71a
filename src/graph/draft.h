/* A dataflow on its way from the text to the model: nodes as written, each with the file it was written in.
 *
 * Order of work: node.c reads every node (module.c the files that modules name, so that the list of drafts is flat);
 * then wiring.c resolves each input in the scope where it was written, across module borders, and fills the model.
 */
#ifndef GRAPH_DRAFT_H
#define GRAPH_DRAFT_H

#include "graph/keys.h"
#include "graph/types.h"

struct draft_input {
    struct graph_input in; /* source and source_output as written; queue_size 0 and timeout_ns 0 where not given */
    struct graph_place source_place;
    bool policy_given, timeout_given, broken; /* broken: reported already */
};

/* What the tables of keys fill for a dataflow, an operator, a module file. */
struct dataflow_draft {
    const struct tree *nodes, *env, *deploy, *debug, *type_rules;
    int64_t health_check_interval_ns;
    bool strict_types, exit_when_nodes_finish;
};

struct module_draft {
    const struct tree *header, *nodes;
    const char *build, *name;
    const struct tree *inputs, *inputs_optional, *outputs;
};

/* Inputs, outputs and what is said of their types. */
struct ports {
    const struct tree *inputs, *outputs, *input_types, *output_types, *output_framing, *output_metadata;
    const char *pattern;
    struct graph_place pattern_place;
};

struct operator_draft {
    struct graph_operator op;
    struct ports ports;
    const char *library, *wasm;
    const struct tree *python;
    const char *send_stdout_as, *send_logs_as;
    enum graph_log_level min_log_level;
    uint64_t max_log_size;
    uint32_t max_rotated_files;
};

/* One node as written, modules included. */
struct draft {
    struct graph_node node; /* id is the full one: "<module>.<id>" in modules */
    const char *local_id;
    struct scope *scope; /* where it was written */
    struct scope *inner; /* of a module node: its file's; NULL if that could not be read */
    size_t index;        /* in graph->nodes; unused for modules */
    struct graph_place id_place;
    size_t order; /* in which it was read */
    bool is_module, single_operator;
    unsigned logs_given; /* bits of what an operator has said already; see operator.c */

    const char *args, *module;
    struct ports ports;
    const struct tree *env, *lone_operator, *operators, *ros2, *params, *deploy, *cpu_affinity;
    unsigned restart_policy;
    struct keys_given given;

    struct draft_input *ins;
    size_t in_count;
    struct graph_output *outs;
    size_t out_count;
};

struct env_list {
    struct graph_env *vars;
    size_t count;
};

struct param {
    const char *key, *variable, *value; /* variable: "PARAM_<KEY>" */
};

/* The nodes that can name each other by their short ids: those of the dataflow, or of one use of a module file. */
struct scope {
    struct scope *parent;
    struct draft *module;  /* the node that uses the module file; NULL for the dataflow */
    const char *prefix;    /* "" or "<module>." */
    const char *directory; /* of the file, relative to the dataflow's: "" or "modules/sub" */
    const char *path;      /* of the file, relative to the dataflow's directory; NULL for the dataflow */
    const char *name;      /* the module's, for messages */
    const char *build;     /* the module file's; NULL */
    size_t depth;
    struct draft **drafts;
    size_t draft_count;
    struct draft **by_id; /* the same, sorted by local id */
    const struct tree *ports_in, *ports_optional, *ports_out;
    struct param *params;
    size_t param_count;
};

/* Modules in modules multiply; beyond this many nodes a dataflow is refused. */
enum { NODES_MAX = 20000 };

/* One run of graph_parse. */
struct load {
    struct graph *graph;
    const struct graph_options *options;
    struct scope *root;
    struct draft **drafts; /* of graph->nodes, in their order */
    size_t draft_count;
    struct draft **by_id;   /* the same, sorted by full id */
    struct draft **modules; /* the nodes that were expanded */
    size_t module_count;
    struct module_file *files;
    size_t file_count, file_bytes;
    size_t order;        /* how many nodes were read, modules included */
    struct env_list env; /* the dataflow's with --env over it */
    size_t env_total;
    struct graph_node deploy; /* the dataflow's `deploy` */
    struct types_note *notes;
    size_t note_count;
};

/* node.c: reads one entry of `nodes` into `scope`; expands it if it is a module. */
void node_read(struct load *load, struct scope *scope, const struct tree *tree);
void nodes_read(struct load *load, struct scope *scope, const struct tree *list);

/* ports.c: adds these ports to the node. `prefix` is "" or "<operator>/". */
void ports_read(struct load *load, struct draft *draft, const char *prefix, const struct ports *ports);
/* When all are added: sorts them and gives them their types. `first_note` is the first of the node's notes. */
void ports_finish(struct load *load, struct draft *draft, size_t first_note);
struct draft_input *ports_find_in(const struct draft *draft, const char *id);
struct graph_output *ports_find_out(const struct draft *draft, const char *id);

/* input.c: reads where an input comes from, as `<node>/<output>` or one of dora's own. */
void input_source(struct load *load, struct draft_input *input, const struct tree *source, const char *label);

/* operator.c: the operators of a node, their ports and what they say of logs. ros2.c: checks the block, keeps it as
 * JSON. */
void operators_read(struct load *load, struct draft *draft);
void ros2_read(struct load *load, struct draft *draft);

/* module.c: reads the file a module node names, and its nodes into a scope of their own. */
void module_expand(struct load *load, struct draft *draft);
/* Reads a module's file, at hand as `tree`, into `scope`. */
void module_read(struct load *load, struct scope *scope, const struct tree *tree);
/* Whether a module's list of ports has this one. */
bool module_lists(const struct tree *ports, const char *port);
/* The node in the module's scope that sends its output `port`; NULL if none does. */
struct draft *module_producer(const struct scope *scope, const char *port);

/* params.c: reads what a module's user sets, and puts it into `args`. */
void params_read(struct load *load, struct scope *scope, const struct tree *params);
const char *params_substitute(struct load *load, const struct scope *scope, const char *text, struct graph_place place);

/* env.c: reads an `env` mapping; values are expanded and coerced as dora does. */
void env_read(struct load *load, const struct tree *tree, struct env_list *list);
void env_set(struct load *load, struct env_list *list, const char *name, const char *value);
void env_add(struct load *load, struct env_list *list, const struct graph_env *vars, size_t count);
bool env_name_ok(struct graph *graph, const char *name, struct graph_place place);
bool env_is_utf8(const char *text);
void env_finish(struct graph *graph, struct env_list *list); /* sorts; of equal names the last stays */

/* deploy.c: reads a `deploy` mapping into `node`; and says where a node runs, when its own keys are known. */
void deploy_read(struct load *load, const struct tree *tree, struct graph_node *node);
void deploy_settle(struct load *load, struct draft *draft);

/* args.c: splits as a shell splits words. */
void args_split(struct load *load, struct draft *draft, const char *text, struct graph_place place);

/* scope.c: looking up nodes by the id they were written with. scope_finish sorts, and reports ids used twice. */
void scope_finish(struct load *load, struct scope *scope);
/* Whether files are named relative to a module's file, and so not to the dataflow. */
bool scope_moves_files(const struct scope *scope);
struct draft *scope_find(const struct scope *scope, const char *local_id);
const char *scope_suggest(struct load *load, const struct scope *scope, const char *local_id);

/* wiring.c: resolves all inputs and fills graph->nodes. */
void wiring_resolve(struct load *load);

/* ids.c: why a text can't be an id, or NULL. */
const char *id_node_fault(const char *id);
const char *id_port_fault(const char *id);
/* What stands behind "<operator>/" in a port's id; NULL if it is another operator's, or `port` is NULL. */
const char *id_within(const char *port, const char *operator);

/* path.c: `path`, written in a file in `directory`, relative to the dataflow; NULL if it leads out of it. */
const char *path_relative(struct graph *graph, const char *directory, const char *path);
/* What stands before the last slash; "" if there is none. */
const char *path_directory(struct graph *graph, const char *path);
bool path_is_url(const char *path);
/* For a file that is missing: "did you mean `x`?" with a similar name in its directory, or NULL. */
const char *path_near(struct graph *graph, const char *path);

/* file.c: the content of a regular file, with a NUL behind it; the caller frees it. -EFBIG if it has more than `max`
 * bytes, -EISDIR, -EINVAL if it is something else, or another negative errno. */
int file_read(const char *path, size_t max, char **text, size_t *len);

/* sources.c: reports nodes whose file is missing. */
void sources_check(struct load *load);

#endif
