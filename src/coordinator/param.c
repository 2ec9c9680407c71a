/* Parameters of nodes: kept in the state, and told to the node where it runs. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "coordinator/core.h"

enum {
    KEY_MOST = 256,
    VALUE_MOST = 64 << 10,
};

/* A change that the running node is told first, and that is kept once the daemon has taken it. */
struct change {
    struct coordinator *coordinator;
    struct control_request *request;
    char uuid[UUID_TEXT];
    char *node, *key;
    json_t *value; /* NULL: deleted */
};

static const json_t *find_node(const json_t *nodes, const char *id)
{
    size_t i;
    json_t *node;
    json_array_foreach(nodes, i, node)
    {
        const char *other = json_string_value(json_object_get(node, "id"));
        if (other && strcmp(other, id) == 0)
            return node;
    }
    return NULL;
}

static void keep(const struct change *change)
{
    struct error error = ERROR_INIT;
    struct store *store = change->coordinator->store;
    int rc = change->value ? store_param_set(store, change->uuid, change->node, change->key, change->value, &error)
                           : store_param_delete(store, change->uuid, change->node, change->key, &error);
    if (rc < 0)
        refuse_error(change->request, &error);
    else
        control_answer(change->request, json_object());
}

static void free_change(struct change *change)
{
    free(change->node);
    free(change->key);
    json_decref(change->value);
    free(change);
}

static void on_told(void *context, json_t *result, const struct control_fault *fault)
{
    struct change *change = context;
    (void)result;
    if (fault)
        control_refuse(change->request, fault);
    else
        keep(change);
    free_change(change);
}

static void make_change(struct coordinator *coordinator, struct control_request *request, const char *uuid,
                        const char *node, const char *key, json_t *value)
{
    static const struct control_calls calls = {.done = on_told};
    struct change *change = calloc(1, sizeof *change);
    if (!change) {
        refuse_memory(request);
        return;
    }
    *change = (struct change){.coordinator = coordinator,
                              .request = request,
                              .node = strdup(node),
                              .key = strdup(key),
                              .value = json_incref(value)};
    strcpy(change->uuid, uuid);
    json_t *told = json_pack("{s:s, s:s, s:s, s:O*}", "dataflow", uuid, "node", node, "key", key, "value", value);
    const struct flow *flow = flow_find(coordinator, uuid);
    const struct part *part = flow ? parts_of_node(flow, node) : NULL;
    if (!change->node || !change->key || !told)
        refuse_memory(request);
    else if (!part || (part->is_lost && part->machine->connection))
        keep(change); /* it is told when it runs */
    else if (!machine_can_be_asked(part->machine, request))
        ; /* refused */
    else if (control_send(part->machine->connection, "node.param", json_incref(told), &calls, change) == 0)
        change = NULL;
    else
        control_refusef(request, "failed", NULL, "the daemon can't be told");
    json_decref(told);
    if (change)
        free_change(change);
}

static const char *node_name(const void *nodes, size_t index)
{
    if (index >= json_array_size(nodes))
        return NULL;
    const char *id = json_string_value(json_object_get(json_array_get(nodes, index), "id"));
    return id ? id : "";
}

static bool node_is_known(struct coordinator *coordinator, struct control_request *request, const char *uuid,
                          const char *node)
{
    struct error error = ERROR_INIT;
    struct flow *flow = flow_find(coordinator, uuid);
    json_t *dataflow = flow ? json_incref(flow->dataflow) : NULL;
    if (!flow && store_get(coordinator->store, uuid, &dataflow, NULL, NULL, &error) < 0) {
        refuse_error(request, &error);
        return false;
    }
    const json_t *nodes = json_object_get(dataflow, "nodes");
    bool known = find_node(nodes, node);
    if (!known) {
        char rest[512];
        suggest_rest(rest, sizeof rest, node, node_name, nodes);
        control_refusef(request, "not-found", "`dora node list` shows them", "dataflow %s has no node `%s`%s",
                        flow_label(dataflow), node, rest);
    }
    json_decref(dataflow);
    return known;
}

static bool value_fits(const json_t *value)
{
    return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) <= VALUE_MOST;
}

void handle_param(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    const char *node = json_string_value(json_object_get(params, "node"));
    const char *key = json_string_value(json_object_get(params, "key"));
    json_t *value = json_object_get(params, "value"), *found = NULL;
    const char *what = method + strlen("param.");
    bool is_list = strcmp(what, "list") == 0, is_set = strcmp(what, "set") == 0;
    char uuid[UUID_TEXT];
    struct error error = ERROR_INIT;
    if (!node || (!is_list && (!key || !key[0] || strlen(key) > KEY_MOST)) ||
        (is_set && (!value || !value_fits(value)))) {
        control_refusef(request, "invalid", NULL, "%s needs a node%s%s", method,
                        is_list ? "" : " and a key of at most 256 bytes",
                        is_set ? ", and a JSON value of at most 64 KiB" : "");
        return;
    }
    if (!select_uuid(coordinator, request, params, uuid) ||
        (is_set && !node_is_known(coordinator, request, uuid, node)))
        return;
    if (is_list) {
        if (store_params(coordinator->store, uuid, node, &found, &error) < 0)
            refuse_error(request, &error);
        else if (json_object_size(found) || node_is_known(coordinator, request, uuid, node))
            control_answer(request, json_pack("{s:O}", "params", found));
        json_decref(found);
    } else if (is_set) {
        make_change(coordinator, request, uuid, node, key, value);
    } else if (store_param_get(coordinator->store, uuid, node, key, &found, &error) < 0) {
        refuse_error(request, &error);
    } else if (strcmp(what, "get") == 0) {
        control_answer(request, json_pack("{s:o}", "value", found));
    } else {
        json_decref(found);
        make_change(coordinator, request, uuid, node, key, NULL);
    }
}

static void on_replayed(void *context, json_t *result, const struct control_fault *fault)
{
    (void)context;
    (void)result;
    (void)fault; /* the node has gone again */
}

static void replay(struct flow *flow, const char *node)
{
    static const struct control_calls calls = {.done = on_replayed};
    struct coordinator *coordinator = flow->coordinator;
    const struct part *part = parts_of_node(flow, node);
    json_t *params, *value;
    const char *key;
    struct error error = ERROR_INIT;
    if (!part || !part->machine->connection)
        return;
    if (store_params(coordinator->store, flow->uuid, node, &params, &error) < 0) {
        coordinator_say(coordinator, "node %s is not told its parameters: %s", node, error.message);
        return;
    }
    json_object_foreach(params, key, value) control_send(
        part->machine->connection, "node.param",
        json_pack("{s:s, s:s, s:s, s:O}", "dataflow", flow->uuid, "node", node, "key", key, "value", value), &calls,
        NULL);
    json_decref(params);
}

static bool is_same(const json_t *one, const json_t *other, const char *key)
{
    return json_equal(json_object_get(one, key), json_object_get(other, key));
}

void params_replay(struct flow *flow, const json_t *before)
{
    json_t *nodes = json_object_get(flow->dataflow, "nodes"), *node;
    size_t i;
    if (before == nodes)
        return;
    json_array_foreach(nodes, i, node)
    {
        const char *id = json_string_value(json_object_get(node, "id"));
        const char *status = json_string_value(json_object_get(node, "status"));
        if (!id || !status || strcmp(status, "running") != 0)
            continue;
        const json_t *earlier = find_node(before, id);
        if (!earlier || !is_same(node, earlier, "status") || !is_same(node, earlier, "pid") ||
            !is_same(node, earlier, "restarts"))
            replay(flow, id);
    }
}
