#include "graph/keys.h"

#include "graph/draft.h"

const bool keys_url_path_later = true, keys_logs_input_later = false;

#define TABLE(NAME, WHAT, OLD, FLAGS)                                                                                  \
    const struct key_table keys_##NAME = {#NAME, WHAT, NAME, sizeof NAME / sizeof *NAME, OLD, FLAGS};                  \
    _Static_assert(sizeof NAME / sizeof *NAME <= KEYS_MAX, "KEYS_MAX is too small")

static const char *const policies[] = {"drop_oldest", "backpressure", NULL};
static const char *const restarts[] = {"never", "on-failure", "always", NULL};
static const char *const framings[] = {"raw", "arrow-ipc", NULL};
static const char *const distributes[] = {"local", "scp", "http", NULL};

/* The dataflow */

static const struct key debug[] = {
    {"enable_debug_inspection", KEY_BOOL, 0, 0, 0, NULL, NULL,
     "Has no effect: `dora topic` can watch every output without it."},
};
static const struct key_old debug_old[] = {
    {"publish_all_messages_to_zenoh", "write `enable_debug_inspection: true`"},
    {NULL, NULL},
};
TABLE(debug, "`debug`", debug_old, 0);

static const struct key type_rule[] = {
    {"from", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct graph_type_rule, from), NULL, NULL, "The type that is sent."},
    {"to", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct graph_type_rule, to), NULL, NULL,
     "The type that also accepts it."},
};
TABLE(type_rule, "a type rule", NULL, 0);

static const struct key deploy[] = {
    {"machine", KEY_TEXT, 0, 0, offsetof(struct graph_node, machine), NULL, NULL, "The machine that runs the node."},
    {"working_dir", KEY_TEXT, 0, 0, offsetof(struct graph_node, working_dir), NULL, NULL,
     "The node's working directory on that machine; the dataflow's directory if not set."},
    {"labels", KEY_TEXT_MAP, 0, 0, SIZE_MAX, NULL, NULL, "Labels that the machine must have, where none is named."},
    {"distribute", KEY_TEXT, 0, 0, offsetof(struct graph_node, distribute), distributes, NULL,
     "How the node's program comes to the machine; `local`: it is there; `scp` or `http`: `dora start` brings it."},
};
TABLE(deploy, "`deploy`", NULL, 0);

/* Ports */

static const struct key input[] = {
    {"source", KEY_TEXT, 0, KEY_REQUIRED, SIZE_MAX, NULL, NULL,
     "Where the input comes from: `<node>/<output>`, `dora/timer/<unit>/<n>` or `dora/logs`."},
    {"queue_size", KEY_UINT64, 0, 0, offsetof(struct draft_input, in.queue_size), NULL, NULL,
     "How many samples may wait; 10 if not set."},
    {"queue_policy", KEY_CHOICE, 0, 0, offsetof(struct draft_input, in.queue_policy), policies, NULL,
     "What happens when the queue is full."},
    {"input_timeout", KEY_SECONDS, 0, 0, offsetof(struct draft_input, in.timeout_ns), NULL, NULL,
     "Seconds of silence after which the input counts as closed."},
};
TABLE(input, "an input", NULL, TABLE_OPEN);

/* Operators */

static const struct key python[] = {
    {"source", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct graph_operator, path), NULL, NULL, "The Python file."},
    {"conda_env", KEY_TEXT, 0, 0, offsetof(struct graph_operator, conda_env), NULL, NULL,
     "The conda environment to run it in."},
};
TABLE(python, "`python`", NULL, TABLE_OPEN);

/* An operator in a list needs `id`, a single one does not; all else is the same. */
#define OP(FIELD) offsetof(struct operator_draft, FIELD)
static const struct key operator_keys[] = {
    {"id", KEY_TEXT, 0, 0, OP(op.id), NULL, NULL, "The operator's id."},
    {"thread", KEY_TEXT, 0, 0, OP(op.thread), NULL, NULL,
     "Operators of a node with the same share one thread; without it each has its own."},
    {"name", KEY_TEXT, 0, 0, OP(op.name), NULL, NULL, "A name for people."},
    {"description", KEY_TEXT, 0, 0, OP(op.description), NULL, NULL, "What the operator does."},
    {"shared-library", KEY_TEXT, 0, 0, OP(library), NULL, NULL,
     "The shared library, without the `lib` before and the `.so` behind its name."},
    {"python", KEY_PYTHON, 0, 0, OP(python), NULL, &keys_python, "The Python file."},
    {"wasm", KEY_TEXT, 0, 0, OP(wasm), NULL, NULL, "The WebAssembly module."},
    {"build", KEY_TEXT, 0, 0, OP(op.build), NULL, NULL, "Commands to build it, one a line."},
    {"inputs", KEY_INPUTS, 0, 0, OP(ports.inputs), NULL, &keys_input, "What the operator receives."},
    {"outputs", KEY_IDS, 0, 0, OP(ports.outputs), NULL, NULL, "What the operator sends."},
    {"input_types", KEY_TEXT_MAP, 0, 0, OP(ports.input_types), NULL, NULL, "The type each input expects."},
    {"output_types", KEY_TEXT_MAP, 0, 0, OP(ports.output_types), NULL, NULL, "The type each output has."},
    {"output_framing", KEY_FRAMING_MAP, 0, KEY_LATER, OP(ports.output_framing), framings, NULL,
     "How each output is framed."},
    {"output_metadata", KEY_TEXTS_MAP, 0, 0, OP(ports.output_metadata), NULL, NULL,
     "Parameters that each output promises to carry."},
    {"pattern", KEY_TEXT, 0, 0, OP(ports.pattern), NULL, NULL, "The communication pattern, such as `service-server`."},
    {"send_stdout_as", KEY_TEXT, 0, 0, OP(send_stdout_as), NULL, NULL, "The output that gets each line printed."},
    {"send_logs_as", KEY_TEXT, 0, 0, OP(send_logs_as), NULL, NULL, "The output that gets each log entry as JSON."},
    {"min_log_level", KEY_LEVEL, 0, 0, OP(min_log_level), NULL, NULL, "The least severe level to log."},
    {"max_log_size", KEY_BYTES, 0, 0, OP(max_log_size), NULL, NULL, "Size at which a log file is rotated."},
    {"max_rotated_files", KEY_UINT32, 0, 0, OP(max_rotated_files), NULL, NULL,
     "How many rotated log files to keep, 1 to 100."},
};
static const struct key_old operator_old[] = {
    {"source", "name the kind of source: `python: <file>` or `shared-library: <path>`"},
    {"shared_library", "write `shared-library`"},
    {"config", "write `inputs`, `outputs` and the source beside `id`, without `config`"},
    {NULL, NULL},
};
enum { OPERATOR_KEYS = sizeof operator_keys / sizeof *operator_keys };
const struct key_table keys_operator = {"operator",    "an operator", operator_keys,
                                        OPERATOR_KEYS, operator_old,  TABLE_OPEN | TABLE_NEEDS_FIRST};
const struct key_table keys_single_operator = {"single_operator", "an operator", operator_keys,
                                               OPERATOR_KEYS,     operator_old,  TABLE_OPEN};

/* The ROS2 bridge */

static const char *const directions[] = {"subscribe", "publish", NULL};
static const char *const roles[] = {"client", "server", NULL};
static const char *const transports[] = {"dds", "zenoh", NULL};
static const char *const profiles[] = {"humble", "rep2016", NULL};
static const char *const durabilities[] = {"volatile", "transient_local", NULL};
static const char *const livelinesses[] = {"automatic", "manual_by_participant", "manual_by_topic", NULL};

static const struct key ros2_transport[] = {
    {"kind", KEY_TEXT, 0, KEY_REQUIRED, SIZE_MAX, transports, NULL, "The transport."},
    {"compatibility", KEY_TEXT, 0, 0, SIZE_MAX, profiles, NULL, "The wire profile of the ROS2 release; for zenoh."},
    {"config_uri", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "A zenoh configuration file; for zenoh."},
};
TABLE(ros2_transport, "`transport`", NULL, 0);

static const struct key ros2_qos[] = {
    {"reliable", KEY_BOOL, 0, 0, SIZE_MAX, NULL, NULL, "Resend what is lost."},
    {"durability", KEY_TEXT, 0, 0, SIZE_MAX, durabilities, NULL, "Whether late readers get earlier samples."},
    {"liveliness", KEY_TEXT, 0, 0, SIZE_MAX, livelinesses, NULL, "How a writer shows that it lives."},
    {"lease_duration", KEY_NUMBER, 0, 0, SIZE_MAX, NULL, NULL, "Seconds after which a silent writer counts as gone."},
    {"max_blocking_time", KEY_NUMBER, 0, 0, SIZE_MAX, NULL, NULL, "Seconds a reliable writer may block."},
    {"keep_last", KEY_UINT32, 0, 0, SIZE_MAX, NULL, NULL, "How many samples to keep."},
    {"keep_all", KEY_BOOL, 0, 0, SIZE_MAX, NULL, NULL, "Keep all samples."},
};
TABLE(ros2_qos, "`qos`", NULL, 0);

static const struct key ros2_topic[] = {
    {"topic", KEY_TEXT, 0, KEY_REQUIRED, SIZE_MAX, NULL, NULL, "The ROS2 topic."},
    {"message_type", KEY_TEXT, 0, KEY_REQUIRED, SIZE_MAX, NULL, NULL, "Its type, such as `geometry_msgs/Twist`."},
    {"direction", KEY_TEXT, 0, 0, SIZE_MAX, directions, NULL, "From ROS2 (`subscribe`) or to it (`publish`)."},
    {"output", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The node's output that carries a subscribed topic."},
    {"input", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The node's input that is published."},
    {"qos", KEY_BLOCK, 0, 0, SIZE_MAX, NULL, &keys_ros2_qos, "Quality of service of this topic."},
};
TABLE(ros2_topic, "a topic", NULL, 0);

static const struct key ros2[] = {
    {"transport", KEY_BLOCK, 0, 0, SIZE_MAX, NULL, &keys_ros2_transport, "How the bridge talks to ROS2."},
    {"topic", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The one topic to bridge."},
    {"topics", KEY_BLOCKS, 0, 0, SIZE_MAX, NULL, &keys_ros2_topic, "Several topics to bridge."},
    {"service", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The service to bridge."},
    {"action", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The action to bridge."},
    {"message_type", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The type of `topic`."},
    {"service_type", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The type of `service`."},
    {"action_type", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The type of `action`."},
    {"direction", KEY_TEXT, 0, 0, SIZE_MAX, directions, NULL, "From ROS2 (`subscribe`) or to it (`publish`)."},
    {"role", KEY_TEXT, 0, 0, SIZE_MAX, roles, NULL, "Which end of the service or action the node is."},
    {"qos", KEY_BLOCK, 0, 0, SIZE_MAX, NULL, &keys_ros2_qos, "Quality of service of all topics."},
    {"namespace", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The ROS2 namespace; `/` if not set."},
    {"node_name", KEY_TEXT, 0, 0, SIZE_MAX, NULL, NULL, "The ROS2 node's name; the node's id if not set."},
};
TABLE(ros2, "`ros2`", NULL, 0);

/* Nodes */

#define AT(FIELD) offsetof(struct draft, FIELD)
static const struct key node[] = {
    {"id", KEY_TEXT, ON_ALL, KEY_REQUIRED, AT(local_id), NULL, NULL, "The node's id, by which others name it."},
    {"name", KEY_TEXT, ON_ALL, 0, AT(node.name), NULL, NULL, "A name for people."},
    {"description", KEY_TEXT, ON_ALL, 0, AT(node.description), NULL, NULL, "What the node does."},
    {"env", KEY_ENV, ON_ALL, 0, AT(env), NULL, NULL, "Environment variables, over the dataflow's."},
    {"deploy", KEY_BLOCK, ON_ALL, 0, AT(deploy), NULL, &keys_deploy, "Where the node runs."},

    {"path", KEY_TEXT, ON_STANDARD, 0, AT(node.path), NULL, NULL,
     "The executable or script, or `dynamic` (started by hand) or `shell` (runs `args`)."},
    {"operators", KEY_BLOCKS, ON_OPERATORS, 0, AT(operators), NULL, &keys_operator,
     "Operators that share one process."},
    {"operator", KEY_BLOCK, ON_OPERATORS, 0, AT(lone_operator), NULL, &keys_single_operator,
     "One operator in a process of its own."},
    {"ros2", KEY_BLOCK, ON_ROS2, KEY_LATER, AT(ros2), NULL, &keys_ros2, "A bridge to ROS2."},
    {"module", KEY_TEXT, ON_MODULE, 0, AT(module), NULL, NULL, "A file with nodes to put here."},

    {"path_sha256", KEY_TEXT, ON_STANDARD, KEY_LATER, AT(node.sha256), NULL, NULL, "The hash of what a URL gives."},
    {"git", KEY_TEXT, ON_STANDARD, KEY_LATER, AT(node.git), NULL, NULL, "The repository to build from."},
    {"branch", KEY_TEXT, ON_STANDARD, KEY_LATER, AT(node.branch), NULL, NULL, "The branch of `git`."},
    {"tag", KEY_TEXT, ON_STANDARD, KEY_LATER, AT(node.tag), NULL, NULL, "The tag of `git`."},
    {"rev", KEY_TEXT, ON_STANDARD, KEY_LATER, AT(node.rev), NULL, NULL, "The commit of `git`."},
    {"hub", KEY_TEXT, ON_STANDARD, KEY_LATER, AT(node.hub), NULL, NULL, "A package: `[namespace/]name@version`."},
    {"build", KEY_TEXT, ON_STANDARD, 0, AT(node.build), NULL, NULL, "Commands to build the node, one a line."},
    {"args", KEY_TEXT, ON_PROCESS, 0, AT(args), NULL, NULL, "Arguments, split as a shell does."},

    {"inputs", KEY_INPUTS, ON_PROCESS | ON_MODULE, 0, AT(ports.inputs), NULL, &keys_input, "What the node receives."},
    {"outputs", KEY_IDS, ON_PROCESS, 0, AT(ports.outputs), NULL, NULL, "What the node sends."},
    {"input_types", KEY_TEXT_MAP, ON_PROCESS, 0, AT(ports.input_types), NULL, NULL, "The type each input expects."},
    {"output_types", KEY_TEXT_MAP, ON_PROCESS, 0, AT(ports.output_types), NULL, NULL, "The type each output has."},
    {"output_framing", KEY_FRAMING_MAP, ON_PROCESS, KEY_LATER, AT(ports.output_framing), framings, NULL,
     "How each output is framed."},
    {"output_metadata", KEY_TEXTS_MAP, ON_PROCESS, 0, AT(ports.output_metadata), NULL, NULL,
     "Parameters that each output promises to carry."},
    {"pattern", KEY_TEXT, ON_PROCESS, 0, AT(ports.pattern), NULL, NULL,
     "The communication pattern, such as `service-server`."},
    {"params", KEY_TEXT_MAP, ON_MODULE, 0, AT(params), NULL, NULL, "What the module's `args` get for `${_param.x}`."},

    {"restart_policy", KEY_CHOICE, ON_PROCESS, 0, AT(restart_policy), restarts, NULL,
     "When the node is started again after it ended."},
    {"max_restarts", KEY_UINT32, ON_PROCESS, 0, AT(node.max_restarts), NULL, NULL, "How often at most; 0: no limit."},
    {"restart_delay", KEY_SECONDS, ON_PROCESS, 0, AT(node.restart_delay_ns), NULL, NULL,
     "Seconds before the first restart; doubles each time."},
    {"max_restart_delay", KEY_SECONDS, ON_PROCESS, 0, AT(node.max_restart_delay_ns), NULL, NULL,
     "Seconds that the delay never exceeds."},
    {"restart_window", KEY_SECONDS, ON_PROCESS, 0, AT(node.restart_window_ns), NULL, NULL,
     "Seconds after which the count of restarts begins anew."},
    {"health_check_timeout", KEY_SECONDS, ON_PROCESS, 0, AT(node.health_check_timeout_ns), NULL, NULL,
     "Seconds of silence after which the node is killed."},
    {"finish_grace_secs", KEY_SECONDS, ON_PROCESS, KEY_LATER, AT(node.finish_grace_ns), NULL, NULL,
     "Seconds the node has to end once all its inputs closed."},

    {"send_stdout_as", KEY_TEXT, ON_PROCESS, 0, AT(node.send_stdout_as), NULL, NULL,
     "The output that gets each line printed."},
    {"send_logs_as", KEY_TEXT, ON_PROCESS, 0, AT(node.send_logs_as), NULL, NULL,
     "The output that gets each log entry as JSON."},
    {"min_log_level", KEY_LEVEL, ON_PROCESS, 0, AT(node.min_log_level), NULL, NULL, "The least severe level to log."},
    {"max_log_size", KEY_BYTES, ON_PROCESS, 0, AT(node.max_log_size), NULL, NULL,
     "Size at which a log file is rotated."},
    {"max_rotated_files", KEY_UINT32, ON_PROCESS, 0, AT(node.max_rotated_files), NULL, NULL,
     "How many rotated log files to keep, 1 to 100."},

    {"shared_memory_pool_size", KEY_BYTES, ON_PROCESS, KEY_LATER, AT(node.shared_memory_pool_size), NULL, NULL,
     "How much memory the node keeps for its samples."},
    {"cpu_affinity", KEY_CORES, ON_STANDARD | ON_OPERATORS | ON_ROS2, 0, AT(cpu_affinity), NULL, NULL,
     "The processors the node may run on."},
};
static const struct key_old node_old[] = {
    {"custom", "write `path`, `args`, `build`, `inputs` and `outputs` beside `id`, without `custom`"},
    {"_unstable_deploy", "write `deploy`"},
    {"source", "write `path`"},
    {"runtime-node", "write `operators`"},
    {NULL, NULL},
};
TABLE(node, "a node", node_old, 0);

#define IN(FIELD) offsetof(struct dataflow_draft, FIELD)
static const struct key dataflow[] = {
    {"nodes", KEY_BLOCKS, 0, KEY_REQUIRED, IN(nodes), NULL, &keys_node, "The nodes."},
    {"env", KEY_ENV, 0, 0, IN(env), NULL, NULL, "Environment variables of every node."},
    {"deploy", KEY_BLOCK, 0, 0, IN(deploy), NULL, &keys_deploy, "Where nodes run that do not say so."},
    {"debug", KEY_BLOCK, 0, 0, IN(debug), NULL, &keys_debug, "For looking into a dataflow."},
    {"health_check_interval", KEY_INTERVAL, 0, 0, IN(health_check_interval_ns), NULL, NULL,
     "Seconds between two looks at the nodes' health; 5 if not set."},
    {"strict_types", KEY_BOOL, 0, 0, IN(strict_types), NULL, NULL, "Make errors of what the type checks find."},
    {"exit_when_nodes_finish", KEY_BOOL, 0, 0, IN(exit_when_nodes_finish), NULL, NULL,
     "End although timers could go on, once all nodes with other inputs ended."},
    {"type_rules", KEY_BLOCKS, 0, 0, IN(type_rules), NULL, &keys_type_rule, "More pairs of types that fit."},
};
static const struct key_old dataflow_old[] = {
    {"_unstable_deploy", "write `deploy`"},
    {"_unstable_debug", "write `debug`"},
    {"communication", "leave it out: how nodes communicate needs no setting any more"},
    {NULL, NULL},
};
TABLE(dataflow, "a dataflow", dataflow_old, 0);

/* Modules */

static const struct key module_header[] = {
    {"name", KEY_TEXT, 0, KEY_REQUIRED, offsetof(struct module_draft, name), NULL, NULL, "The module's name."},
    {"inputs", KEY_IDS, 0, 0, offsetof(struct module_draft, inputs), NULL, NULL, "Inputs its user must wire."},
    {"inputs_optional", KEY_IDS, 0, 0, offsetof(struct module_draft, inputs_optional), NULL, NULL,
     "Inputs its user may wire."},
    {"outputs", KEY_IDS, 0, 0, offsetof(struct module_draft, outputs), NULL, NULL, "Outputs its user can read."},
};
TABLE(module_header, "`module`", NULL, 0);

static const struct key module_file[] = {
    {"module", KEY_BLOCK, 0, KEY_REQUIRED, offsetof(struct module_draft, header), NULL, &keys_module_header,
     "What the module is."},
    {"nodes", KEY_BLOCKS, 0, KEY_REQUIRED, offsetof(struct module_draft, nodes), NULL, &keys_node, "Its nodes."},
    {"build", KEY_TEXT, 0, 0, offsetof(struct module_draft, build), NULL, NULL,
     "Commands that come before those of each of its nodes."},
};
TABLE(module_file, "a module file", NULL, 0);
