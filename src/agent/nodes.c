/* What the coordinator asks of single nodes. */
#include "agent/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/json_text.h"
#include "daemon/part.h"

/* ---- JSON ---- */

const char *json_get_text(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

json_t *json_from_bytes(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    autobuf struct buf quoted = {0};
    json_text_add(&quoted, text, strlen(text));
    return quoted.failed ? NULL : json_loads(quoted.data, JSON_DECODE_ANY, NULL);
}

int64_t node_grace(json_t *params)
{
    json_t *grace = json_object_get(params, "grace");
    if (!grace || json_is_null(grace))
        return DAEMON_STOP_GRACE;
    double seconds = json_number_value(grace);
    if (!json_is_number(grace) || !(seconds >= 0))
        return -1;
    return seconds > 1e9 ? CLOCK_NEVER : (int64_t)(seconds * 1e9);
}

static const char *status_of(const struct participant *participant)
{
    switch (participant->state) {
    case PARTICIPANT_ABSENT:
        return participant->is_dynamic ? "absent" : "starting";
    case PARTICIPANT_STARTING:
    case PARTICIPANT_JOINED:
        return participant->restarts.total ? "restarting" : "starting";
    case PARTICIPANT_WAITING:
        return "restarting";
    case PARTICIPANT_ENDED:
        return participant->result.ok ? "finished" : "failed";
    default:
        return "running";
    }
}

static pid_t pid_of(const struct participant *participant)
{
    return participant->pid > 0 ? participant->pid : participant->peer ? participant->peer->pid : 0;
}

static json_t *pid_json(const struct participant *participant)
{
    pid_t pid = pid_of(participant);
    return pid > 0 ? json_integer(pid) : json_null();
}

json_t *node_describe(const struct participant *participant)
{
    static const char *const kinds[] = {"standard", "dynamic", "shell", "operators", "ros2", "operator"};
    bool has_failed = participant->state == PARTICIPANT_ENDED && !participant->result.ok;
    return json_pack("{s:s, s:s, s:s, s:o, s:i, s:o, s:o}", "id", participant->node->id, "kind",
                     kinds[participant->node->kind], "status", status_of(participant), "pid", pid_json(participant),
                     "restarts", (int)participant->restarts.total, "message",
                     json_from_bytes(has_failed ? participant->message : NULL), "stderr",
                     json_from_bytes(has_failed ? participant->stderr_tail : NULL));
}

/* The node object with what it uses. */
static json_t *describe_more(struct participant *participant)
{
    json_t *object = node_describe(participant);
    struct usage usage = metrics_usage(participant);
    json_object_set_new(object, "cpu", json_real(usage.cpu));
    json_object_set_new(object, "memory", json_integer((json_int_t)usage.memory));
    return object;
}

/* ---- Finding ---- */

/* The node that the params name; NULL: the request is refused. */
static struct participant *find(struct run *run, struct control_request *request, json_t *params)
{
    const char *id = json_get_text(params, "node");
    struct participant *found = NULL;
    struct error error = ERROR_INIT;
    if (!id)
        control_refusef(request, "invalid", NULL, "`node` is needed");
    else if (ports_find_node(run->dataflow, id, &found, &error) < 0)
        agent_refuse(request, &error);
    else if (part_refuse_node(found, &error) < 0) {
        agent_refuse(request, &error);
        found = NULL;
    }
    return found;
}

/* The same for what changes the node: it is neither being stopped nor in a dataflow that doesn't run. */
static struct participant *find_to_change(struct run *run, struct control_request *request, json_t *params,
                                          int64_t *grace_ns)
{
    struct error error = ERROR_INIT;
    *grace_ns = node_grace(params);
    struct participant *found = find(run, request, params);
    if (!found)
        return NULL;
    if (topology_refusal(run->dataflow, &error) < 0)
        agent_refuse(request, &error);
    else if (*grace_ns < 0)
        control_refusef(request, "invalid", NULL, "`grace` is no number of seconds");
    else if (found->halt != HALT_NONE || found->is_new || found->move)
        control_refusef(request, "refused", "try again when that is done", "node `%s` is being %s already",
                        found->node->id,
                        found->is_new ? "added"
                        : found->move ? "moved"
                                      : "stopped");
    else
        return found;
    return NULL;
}

void node_list(struct run *run, struct control_request *request, json_t *params)
{
    (void)params;
    json_t *nodes = json_array();
    for (uint32_t i = 0; i < run->dataflow->count; i++)
        if (population_is_own(run->dataflow->participants[i]))
            json_array_append_new(nodes, describe_more(run->dataflow->participants[i]));
    control_answer(request, json_pack("{s:o}", "nodes", nodes));
}

void node_info(struct run *run, struct control_request *request, json_t *params)
{
    struct participant *found = find(run, request, params);
    if (!found)
        return;
    json_t *object = describe_more(found);
    json_object_set_new(object, "path", json_from_bytes(found->node->path));
    json_object_set_new(object, "generation", json_integer(found->restarts.total));
    json_object_set_new(object, "inputs", metrics_inputs(found));
    json_object_set_new(object, "outputs", metrics_outputs(found));
    control_answer(request, json_pack("{s:[o]}", "nodes", object));
}

/* ---- Requests that take a while ---- */

/* One that is answered when a node runs, or has ended. */
struct pending {
    struct control_request *request;
    json_t *result;
    struct participant *then; /* a second node to wait for: until it has ended */
};

static void on_done(void *context, int code, const char *why)
{
    struct pending *pending = context;
    struct participant *then = take_ptr(pending->then);
    if (code == 0 && then && !then->is_removed && population_wait(then, false, on_done, pending) == 0)
        return;
    if (code == 0)
        control_answer(pending->request, take_ptr(pending->result));
    else
        control_refusef(pending->request, "failed", NULL, "the node %s", why);
    json_decref(pending->result);
    free(pending);
}

/* Answers with `result`, which it takes over, when that has come to be. */
static bool answer_when(struct participant *participant, bool for_run, struct control_request *request, json_t *result,
                        struct participant *then)
{
    struct pending *pending = malloc(sizeof *pending);
    if (pending)
        *pending = (struct pending){request, result, then};
    if (pending && population_wait(participant, for_run, on_done, pending) == 0)
        return true;
    free(pending);
    json_decref(result);
    control_refusef(request, "failed", NULL, "the daemon has no memory left");
    return false;
}

static void halt(struct run *run, struct control_request *request, json_t *params, enum halt halt)
{
    int64_t grace_ns;
    struct participant *found = find_to_change(run, request, params, &grace_ns);
    if (!found)
        return;
    if (halt == HALT_RESTART && found->is_dynamic) {
        control_refusef(request, "refused", NULL, "node `%s` is dynamic: dora does not start it", found->node->id);
        return;
    }
    if (halt != HALT_STOP && (found->is_host || found->host)) {
        control_refusef(request, "refused", "stop it, or write it as a node with one `operator`",
                        "`%s` shares its process with other operators, and stays as long as the dataflow",
                        found->node->id);
        return;
    }
    if (answer_when(found, halt == HALT_RESTART, request, json_object(), NULL))
        halt_begin(found, halt, grace_ns);
}

void node_restart(struct run *run, struct control_request *request, json_t *params)
{
    halt(run, request, params, HALT_RESTART);
}

void node_stop(struct run *run, struct control_request *request, json_t *params)
{
    halt(run, request, params, HALT_STOP);
}

void node_remove(struct run *run, struct control_request *request, json_t *params)
{
    halt(run, request, params, HALT_REMOVE);
}

/* Adds the lines of `warnings`, if there are any. */
static json_t *with_warnings(json_t *result, struct buf *warnings)
{
    if (warnings->failed || !warnings->len)
        return result;
    json_t *list = json_array();
    char *rest = warnings->data;
    for (char *line; (line = strsep(&rest, "\n"));)
        json_array_append_new(list, json_from_bytes(line));
    json_object_set_new(result, "warnings", list);
    return result;
}

static void add(struct run *run, struct control_request *request, json_t *params, struct participant *old,
                int64_t grace_ns)
{
    const char *yaml = json_get_text(params, "yaml"), *directory = json_get_text(params, "directory");
    struct error error = ERROR_INIT;
    struct participant *added;
    autobuf struct buf warnings = {0};
    if (!yaml || (directory && *directory != '/')) {
        control_refusef(request, "invalid", NULL, "the node's `yaml` and an absolute `directory` are needed");
        return;
    }
    if (topology_add(run->dataflow, yaml, directory, old ? old->node->id : NULL, &added, &warnings, &error) < 0) {
        agent_refuse(request, &error);
        return;
    }
    added->halt_grace_ns = grace_ns;
    json_t *result = with_warnings(old ? json_object() : json_pack("{s:s}", "node", added->node->id), &warnings);
    if (added->is_removed) {
        control_refusef(request, "failed", NULL, "node `%s` %s", added->node->id, added->message);
        json_decref(result);
    } else if (added->is_dynamic) {
        control_answer(request, result);
    } else {
        answer_when(added, true, request, result, old);
    }
}

void node_add(struct run *run, struct control_request *request, json_t *params)
{
    add(run, request, params, NULL, 0);
}

void node_replace(struct run *run, struct control_request *request, json_t *params)
{
    int64_t grace_ns;
    struct participant *old = find_to_change(run, request, params, &grace_ns);
    if (old && (old->is_host || old->host))
        control_refusef(request, "refused", NULL, "`%s` shares its process with other operators: it can't be replaced",
                        old->node->id);
    else if (old)
        add(run, request, params, old, grace_ns);
}

/* ---- Wires and parameters ---- */

static void wire(struct run *run, struct control_request *request, json_t *params, bool connect)
{
    const char *source = json_get_text(params, "source"), *target = json_get_text(params, "target");
    struct error error = ERROR_INIT;
    autobuf struct buf warnings = {0};
    if (!source || !target)
        control_refusef(request, "invalid", NULL, "`source` and `target` are needed");
    else if ((connect ? topology_connect(run->dataflow, source, target, &warnings, &error)
                      : topology_disconnect(run->dataflow, source, target, &error)) < 0)
        agent_refuse(request, &error);
    else
        control_answer(request, with_warnings(json_object(), &warnings));
}

void node_connect(struct run *run, struct control_request *request, json_t *params)
{
    wire(run, request, params, true);
}

void node_disconnect(struct run *run, struct control_request *request, json_t *params)
{
    wire(run, request, params, false);
}

void node_param(struct run *run, struct control_request *request, json_t *params)
{
    const size_t text_most = PROTO_PACKET_MOST - 256;
    const char *key = json_get_text(params, "key");
    json_t *value = json_object_get(params, "value");
    struct participant *found = find(run, request, params);
    if (!found)
        return;
    autofree char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (!key || (value && !text) || strlen(key) + (text ? strlen(text) : 0) > text_most) {
        control_refusef(request, "invalid", NULL, "a parameter needs a `key`, and at most %zu bytes of both",
                        text_most);
        return;
    }
    struct proto_packet packet = {.type = PROTO_PARAM_DELETED, .text = {key}, .text_count = 1};
    if (text)
        packet = (struct proto_packet){.type = PROTO_PARAM_UPDATE, .text = {key, text}, .text_count = 2};
    if (found->state == PARTICIPANT_RUNNING)
        participant_send(found, &packet);
    control_answer(request, json_object());
}
