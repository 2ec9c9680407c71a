/* Requests that are passed on: to the machine of the node that they are about, or to all, and the answers are joined.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "coordinator/core.h"

static void on_progress(void *context, json_t *event)
{
    control_progress(context, json_incref(event));
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    if (fault)
        control_refuse(context, fault);
    else
        control_answer(context, json_incref(result));
}

static void pass_on(const struct machine *machine, struct control_request *request, const char *method, json_t *params)
{
    static const struct control_calls calls = {on_progress, on_answer};
    if (machine_can_be_asked(machine, request) &&
        control_send(machine->connection, method, json_incref(params), &calls, request) < 0)
        control_refusef(request, "failed", NULL, "the daemon can't be asked");
}

/* ---- One machine ---- */

/* The node of `node/port`. */
static struct part *part_of_topic(const struct flow *flow, const json_t *topic)
{
    const char *text = json_string_value(topic), *slash = text ? strchr(text, '/') : NULL;
    autofree char *node = slash ? strndup(text, (size_t)(slash - text)) : NULL;
    return node ? parts_of_node(flow, node) : NULL;
}

/* NULL: all topics are of one machine, or of nobody. */
static const json_t *topic_elsewhere(const struct flow *flow, const json_t *params, struct part **part)
{
    const json_t *topics = json_object_get(params, "topics"), *topic;
    size_t i;
    *part = part_of_topic(flow, json_object_get(params, "topic"));
    json_array_foreach((json_t *)topics, i, topic)
    {
        struct part *other = part_of_topic(flow, topic);
        if (*part && other && other != *part)
            return topic;
        *part = *part ? *part : other;
    }
    return NULL;
}

/* The command goes there by itself, if it can. */
static void refuse_elsewhere(struct control_request *request, const struct machine *machine, const char *why)
{
    control_refuse(request,
                   &(struct control_fault){
                       .code = "refused", .message = why, .hint = "run the command there", .machine = machine->name});
}

/* A command joins the dataflow as one more process of its own machine. */
static void join(struct coordinator *coordinator, struct flow *flow, struct control_request *request,
                 const char *method, json_t *params)
{
    struct part *part;
    const json_t *elsewhere = topic_elsewhere(flow, params, &part);
    if (elsewhere) {
        control_refusef(request, "invalid", "ask for those of one machine at a time",
                        "the outputs are on several machines: `%s` is on another one than the first",
                        json_string_value(elsewhere));
        return;
    }
    part = part ? part : flow->parts[0]; /* that daemon says that there is no such topic */
    if (part->machine == machine_of(coordinator, control_asker(request))) {
        pass_on(part->machine, request, method, params);
        return;
    }
    char why[ERROR_MESSAGE_MAX];
    snprintf(why, sizeof why, "this is possible only where the node runs, on machine `%s`",
             machine_label(part->machine));
    refuse_elsewhere(request, part->machine, why);
}

/* Of dataflows on several machines: the nodes of the topic's machine, else of the one where the command runs, else of
 * the first that runs some. */
static void read_trace(struct flow *flow, struct control_request *request, json_t *params)
{
    struct machine *from = machine_of(flow->coordinator, control_asker(request));
    struct part *named = part_of_topic(flow, json_object_get(params, "topic"));
    struct part *own = from ? parts_on(flow, from) : NULL, *part = named ? named : own;
    if (part && part->machine == from) {
        pass_on(part->machine, request, "trace.read", params);
        return;
    }
    for (size_t i = 0; i < flow->part_count && !part; i++)
        part = parts_is_over(flow->parts[i]) ? NULL : flow->parts[i];
    char why[ERROR_MESSAGE_MAX];
    if (named)
        snprintf(why, sizeof why, "the messages of `%s` are followed where its node runs, on machine `%s`",
                 json_string_value(json_object_get(params, "topic")), machine_label(part->machine));
    else
        snprintf(why, sizeof why, "no node of dataflow %s runs on this machine", flow_label(flow->dataflow));
    refuse_elsewhere(request, (part ? part : flow->parts[0])->machine, why);
}

static void connect_nodes(struct flow *flow, struct control_request *request, const char *method, json_t *params)
{
    const struct part *source = part_of_topic(flow, json_object_get(params, "source"));
    struct part *target = part_of_topic(flow, json_object_get(params, "target"));
    if (source && target && source != target)
        control_refusef(request, "invalid", "write the connection into the descriptor",
                        "nodes of two machines (`%s` and `%s`) can't be joined or parted while the dataflow runs",
                        machine_label(source->machine), machine_label(target->machine));
    else
        pass_on((target ? target : flow->parts[0])->machine, request, method, params);
}

static void ask_node(struct flow *flow, struct control_request *request, const char *method, json_t *params,
                     const char *node)
{
    struct part *part = parts_of_node(flow, node);
    if (!part)
        control_refusef(request, "not-found", "`dora node list` shows them", "dataflow %s has no node `%s`",
                        flow_label(flow->dataflow), node);
    else if (part->is_lost)
        control_refusef(request, "no-daemon", "it runs again when the machine is there, if it has a restart policy",
                        "node `%s` was lost with machine `%s`", node, machine_label(part->machine));
    else
        pass_on(part->machine, request, method, params);
}

/* A node that has ended, whose machine is asked to start it again: the others have closed their edges to it. */
struct restarting {
    struct coordinator *coordinator;
    struct control_request *request;
    char uuid[UUID_TEXT];
    char node[];
};

static void on_restarted(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct restarting *restarting = context;
    struct flow *flow = flow_find(restarting->coordinator, restarting->uuid);
    const struct part *part = flow && !fault ? parts_of_node(flow, restarting->node) : NULL;
    if (part)
        parts_tell_others(flow, part, "node.found",
                          json_pack("{s:s, s:[s], s:s}", "dataflow", flow->uuid, "nodes", restarting->node, "machine",
                                    machine_label(part->machine)));
    on_answer(restarting->request, result, fault);
}

static bool has_ended(const struct flow *flow, const char *id)
{
    json_t *node;
    size_t i;
    json_array_foreach(json_object_get(flow->dataflow, "nodes"), i, node)
    {
        const char *other = json_string_value(json_object_get(node, "id"));
        if (other && strcmp(other, id) == 0)
            return flow_is_over(node);
    }
    return false;
}

static void start_again(struct flow *flow, struct control_request *request, json_t *params, const char *node)
{
    static const struct control_calls calls = {.done = on_restarted};
    const struct part *part = parts_of_node(flow, node);
    struct restarting *restarting = malloc(sizeof *restarting + strlen(node) + 1);
    if (!restarting) {
        refuse_memory(request);
        return;
    }
    *restarting = (struct restarting){flow->coordinator, request, ""};
    strcpy(restarting->uuid, flow->uuid);
    strcpy(restarting->node, node);
    if (control_send(part->machine->connection, "node.restart", json_incref(params), &calls, restarting) < 0) {
        control_refusef(request, "failed", NULL, "the daemon can't be asked");
        free(restarting);
    }
}

/* ---- All machines ---- */

/* What comes of the lists of several daemons. */
struct joining {
    struct coordinator *coordinator;
    struct control_request *request;
    char uuid[UUID_TEXT]; /* "": of all dataflows */
    bool is_of_nodes;     /* `node.list` */
};

/* Of two machines that know a topic, the one whose node it is tells of it. */
static void keep_own_topics(const struct joining *joining, json_t *list)
{
    struct flow *flow = flow_find(joining->coordinator, joining->uuid);
    for (size_t i = json_array_size(list); flow && i-- > 0;) {
        const json_t *topic = json_array_get(list, i);
        const char *node = json_string_value(json_object_get(topic, "node"));
        const char *machine = json_string_value(json_object_get(topic, "machine"));
        const struct part *part = node ? parts_of_node(flow, node) : NULL;
        if (part && machine && strcmp(machine_label(part->machine), machine) != 0)
            json_array_remove(list, i);
    }
}

/* Nodes of a machine that is lost or out of reach, or has ended them all: as they were told last. */
static void add_absent(const struct joining *joining, json_t *list)
{
    const struct flow *flow = flow_find(joining->coordinator, joining->uuid);
    json_t *node;
    size_t k;
    for (size_t i = 0; flow && i < flow->part_count; i++)
        if (parts_is_over(flow->parts[i]) || !flow->parts[i]->machine->connection)
            json_array_foreach(json_object_get(flow->parts[i]->said, "nodes"), k, node) json_array_append(list, node);
}

static const char *const nodes_keys[] = {"nodes", NULL}, *const topics_keys[] = {"topics", NULL},
                         *const metrics_keys[] = {"nodes", "machines", "edges", NULL};

static void on_joined(void *context, json_t *lists, const struct control_fault *fault)
{
    autofree struct joining *joining = context;
    struct control_connection *asker = control_asker(joining->request);
    const struct machine *from = asker ? machine_of(joining->coordinator, asker) : NULL;
    struct timespec now;
    json_t *absent = json_array();
    if (joining->is_of_nodes)
        add_absent(joining, absent);
    if (fault && json_array_size(absent) == 0) {
        control_refuse(joining->request, fault);
        json_decref(absent);
        return;
    }
    lists = fault ? json_pack("{s:[]}", "nodes") : json_incref(lists);
    json_array_extend(json_object_get(lists, "nodes"), absent);
    json_decref(absent);
    keep_own_topics(joining, json_object_get(lists, "topics"));
    clock_gettime(CLOCK_REALTIME, &now);
    json_object_set_new(lists, "time", json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
    if (from && from->name)
        json_object_set_new(lists, "here", json_string(from->name));
    control_answer(joining->request, lists);
}

static struct joining *join_answers(struct coordinator *coordinator, struct control_request *request)
{
    struct joining *joining = malloc(sizeof *joining);
    if (joining)
        *joining = (struct joining){.coordinator = coordinator, .request = request};
    else
        refuse_memory(request);
    return joining;
}

/* The machine of this node, or (NULL) all machines with nodes of it that run. */
static void ask_parts(struct flow *flow, struct control_request *request, const char *method, json_t *params,
                      const char *const *keys, const char *node)
{
    const struct part *only = node ? parts_of_node(flow, node) : NULL;
    struct machine *machines[MACHINES_MOST];
    struct joining *joining = join_answers(flow->coordinator, request);
    size_t count = 0;
    if (!joining)
        return;
    strcpy(joining->uuid, flow->uuid);
    joining->is_of_nodes = keys == nodes_keys && !node;
    for (size_t i = 0; i < flow->part_count && count < MACHINES_MOST; i++)
        if (only ? flow->parts[i] == only : !parts_is_over(flow->parts[i]))
            machines[count++] = flow->parts[i]->machine;
    ask_all(flow->coordinator, machines, count, method, json_incref(params), keys, on_joined, joining);
}

/* Every machine there is. */
static void forward_to_all(struct coordinator *coordinator, struct control_request *request, const char *method,
                           json_t *params)
{
    size_t connected = machine_count_connected(coordinator);
    if (connected == 0 || (connected == 1 && coordinator->here.connection)) {
        pass_on(&coordinator->here, request, method, params);
        return;
    }
    struct joining *joining = join_answers(coordinator, request);
    if (joining)
        ask_every(coordinator, method, json_incref(params), metrics_keys, on_joined, joining);
}

static bool is_method(const char *method, const char *name)
{
    return strcmp(method, name) == 0;
}

static bool is_within_reach(const struct part *part)
{
    return part && !part->is_lost && part->machine->connection;
}

void handle_forward(struct coordinator *coordinator, struct control_request *request, const char *method,
                    json_t *params)
{
    if (is_method(method, "metrics") && !json_object_get(params, "dataflow")) {
        forward_to_all(coordinator, request, method, params);
        return;
    }
    struct flow *flow = select_live(coordinator, request, params);
    if (!flow)
        return;
    json_object_set_new(params, "dataflow", json_string(flow->uuid));
    const char *node = json_string_value(json_object_get(params, "node"));
    bool is_several = flow->part_count > 1;
    bool is_list = is_method(method, "metrics") || is_method(method, "topic.list") || is_method(method, "node.list") ||
                   is_method(method, "node.info");
    if (is_method(method, "topic.watch") || is_method(method, "topic.publish"))
        join(coordinator, flow, request, method, params);
    else if (!is_several && !(is_list && machine_count_connected(coordinator) > 1))
        pass_on(flow->parts[0]->machine, request, method, params);
    else if (is_method(method, "node.connect") || is_method(method, "node.disconnect"))
        connect_nodes(flow, request, method, params);
    else if (node && is_method(method, "node.restart") && is_within_reach(parts_of_node(flow, node)) &&
             has_ended(flow, node))
        start_again(flow, request, params, node);
    else if (node && !(is_list && is_within_reach(parts_of_node(flow, node))))
        ask_node(flow, request, method, params, node);
    else if (is_list)
        ask_parts(flow, request, method, params,
                  is_method(method, "topic.list") ? topics_keys
                  : is_method(method, "metrics")  ? metrics_keys
                                                  : nodes_keys,
                  node);
    else if (is_method(method, "trace.read"))
        read_trace(flow, request, params);
    else
        pass_on(flow->parts[0]->machine, request, method, params);
}
