#include <stdlib.h>
#include <string.h>

#include "coordinator/core.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

struct part *parts_add(struct flow *flow, struct machine *machine)
{
    struct part **grown = realloc(flow->parts, (flow->part_count + 1) * sizeof(struct part *));
    if (!grown)
        return NULL;
    flow->parts = grown;
    struct part *part = calloc(1, sizeof *part);
    if (!part)
        return NULL;
    part->machine = machine;
    part->serial = ++flow->last_serial;
    flow->parts[flow->part_count++] = part;
    return part;
}

static void free_part(struct part *part)
{
    barrier_drop(part, "the dataflow is over");
    json_decref(part->said);
    json_decref(part->untold);
    free(part);
}

void parts_remove(struct flow *flow, struct part *part)
{
    for (size_t i = 0; i < flow->part_count; i++)
        if (flow->parts[i] == part) {
            memmove(&flow->parts[i], &flow->parts[i + 1], (flow->part_count - i - 1) * sizeof(struct part *));
            flow->part_count--;
            free_part(part);
            return;
        }
}

void parts_free(struct flow *flow)
{
    for (size_t i = 0; i < flow->part_count; i++)
        free_part(flow->parts[i]);
    free(flow->parts);
}

struct part *parts_on(const struct flow *flow, const struct machine *machine)
{
    struct part *rest = NULL;
    for (size_t i = 0; i < flow->part_count; i++) {
        if (flow->parts[i]->machine == machine && !flow->parts[i]->is_rest)
            return flow->parts[i];
        if (flow->parts[i]->machine == machine)
            rest = flow->parts[i];
    }
    return rest;
}

static bool has_node(const struct part *part, const char *id)
{
    json_t *node;
    size_t i;
    json_array_foreach(json_object_get(part->said, "nodes"), i,
                       node) if (strcmp(text_of(node, "id"), id) == 0) return true;
    return false;
}

struct part *parts_of_node(const struct flow *flow, const char *node)
{
    if (flow->part_count == 1)
        return flow->parts[0];
    for (size_t i = 0; i < flow->part_count; i++) /* also those that were added since */
        if (has_node(flow->parts[i], node))
            return flow->parts[i];
    const json_t *name = json_object_get(flow->placement, node);
    struct machine *machine = name ? machine_get(flow->coordinator, json_string_value(name)) : NULL;
    return machine ? parts_on(flow, machine) : NULL;
}

bool parts_is_over(const struct part *part)
{
    return part->is_lost || (part->said && flow_is_over(part->said));
}

/* What the state says of nodes that have ended, for their part: its daemon says nothing of it any more. */
static void recall(struct part *part, json_t *ended, json_t *lost, bool is_whole)
{
    bool has_failed = false;
    json_t *node;
    size_t i;
    if (!is_whole || json_array_size(ended) == 0)
        return;
    json_array_foreach(ended, i, node) has_failed |= strcmp(text_of(node, "status"), "failed") == 0;
    part->is_lost = json_array_size(lost) > 0;
    part->said = json_pack("{s:s, s:O, s:n}", "status", has_failed ? "failed" : "finished", "nodes", ended, "error");
}

/* Lost nodes beside others that run: they are what was left when those were placed again. */
static void split(struct flow *flow, struct part *part, json_t *lost)
{
    struct part *rest = parts_add(flow, part->machine);
    if (!rest)
        return;
    rest->is_lost = rest->is_rest = true;
    rest->said = json_pack("{s:s, s:O, s:s}", "status", "failed", "nodes", lost, "error", "lost with its machine");
}

static void recall_part(struct flow *flow, struct part *part)
{
    json_t *node, *ended = json_array(), *lost = json_array();
    size_t i, count = 0;
    json_array_foreach(json_object_get(flow->dataflow, "nodes"), i, node)
    {
        const json_t *name = json_object_get(flow->placement, text_of(node, "id"));
        if (!name || machine_get(flow->coordinator, json_string_value(name)) != part->machine)
            continue;
        count++;
        if (json_is_true(json_object_get(node, "lost")))
            json_array_append(lost, node);
        if (flow_is_over(node))
            json_array_append(ended, node);
    }
    if (json_array_size(lost) > 0 && json_array_size(lost) < count)
        split(flow, part, lost);
    else
        recall(part, ended, lost, json_array_size(ended) == count);
    json_decref(ended);
    json_decref(lost);
}

int parts_make(struct flow *flow)
{
    const char *node;
    json_t *name;
    if (!flow->placement)
        return parts_add(flow, &flow->coordinator->here) ? 0 : -1;
    json_object_foreach(flow->placement, node, name)
    {
        struct machine *machine = machine_get(flow->coordinator, json_string_value(name));
        if (!machine || (!parts_on(flow, machine) && !parts_add(flow, machine)))
            return -1;
    }
    size_t count = flow->part_count;
    for (size_t i = 0; i < count && count > 1; i++)
        recall_part(flow, flow->parts[i]);
    return count > 0 ? 0 : -1;
}

void parts_say(struct flow *flow, struct part *part, const json_t *said)
{
    json_t *copy = json_copy((json_t *)said), *node;
    size_t i;
    if (!copy)
        return;
    if (part->machine->name)
        json_array_foreach(json_object_get(copy, "nodes"), i, node)
            json_object_set_new(node, "machine", json_string(part->machine->name));
    json_decref(part->said);
    part->said = copy;
    if (part->is_lost)
        lost_found(flow, part);
}

/* The nodes of a part that nobody has told us of. */
static json_t *placed_nodes(const struct flow *flow, const struct part *part)
{
    json_t *nodes = json_array(), *name;
    const char *node;
    json_object_foreach(flow->placement, node,
                        name) if (machine_get(flow->coordinator, json_string_value(name)) == part->machine)
        json_array_append_new(nodes, json_pack("{s:s, s:s, s:s, s:i, s:n}", "id", node, "kind", "standard", "status",
                                               "absent", "restarts", 0, "stderr"));
    return nodes;
}

json_t *parts_end(struct flow *flow, struct part *part, const char *why)
{
    json_t *ids = json_array(), *node, *nodes = json_object_get(part->said, "nodes");
    size_t i;
    nodes = json_array_size(nodes) ? json_deep_copy(nodes) : placed_nodes(flow, part);
    json_array_foreach(nodes, i, node)
    {
        if (flow_is_over(node))
            continue;
        json_array_append(ids, json_object_get(node, "id"));
        json_object_set_new(node, "status", json_string("failed"));
        json_object_set_new(node, "message", json_string(why));
        json_object_set_new(node, "pid", json_integer(0));
        json_object_set_new(node, "machine", json_string(machine_label(part->machine)));
    }
    json_decref(part->said);
    part->said = json_pack("{s:s, s:s, s:o}", "status", "failed", "error", why, "nodes", nodes);
    return ids;
}

static bool is_status(const struct part *part, const char *status)
{
    return part->said && strcmp(flow_status(part->said), status) == 0;
}

static const char *status_of_all(const struct flow *flow)
{
    bool is_over = true, has_failed = false;
    for (size_t i = 0; i < flow->part_count; i++) {
        const struct part *part = flow->parts[i];
        if (is_status(part, "stopping"))
            return "stopping";
        is_over &= parts_is_over(part);
        has_failed |= part->is_lost || is_status(part, "failed");
    }
    if (is_over)
        return has_failed ? "failed" : "finished";
    return flow->is_released ? "running" : "starting";
}

static json_t *error_of_all(const struct flow *flow)
{
    if (flow->fault)
        return json_string(flow->fault);
    for (size_t i = 0; i < flow->part_count; i++) {
        const struct part *part = flow->parts[i];
        const char *error = text_of(part->said, "error");
        if (*error)
            return part->is_lost ? json_string(error)
                                 : json_sprintf("machine %s: %s", machine_label(part->machine), error);
    }
    return json_null();
}

json_t *parts_merge(const struct flow *flow)
{
    if (flow->part_count == 1)
        return json_incref(flow->parts[0]->said);
    json_t *nodes = json_array();
    for (size_t i = 0; i < flow->part_count; i++)
        json_array_extend(nodes, json_object_get(flow->parts[i]->said, "nodes"));
    return json_pack("{s:s, s:o, s:o}", "status", status_of_all(flow), "error", error_of_all(flow), "nodes", nodes);
}

bool parts_only_dynamic(const struct flow *flow)
{
    bool has_ended = false;
    json_t *node;
    size_t k;
    for (size_t i = 0; i < flow->part_count; i++) {
        const struct part *part = flow->parts[i];
        const json_t *nodes = json_object_get(part->said, "nodes");
        has_ended |= parts_is_over(part);
        if (parts_is_over(part))
            continue;
        if (!part->said) /* one without nodes is one whose nodes have moved */
            return false;
        json_array_foreach((json_t *)nodes, k, node) if (strcmp(text_of(node, "kind"), "dynamic") != 0) return false;
    }
    return has_ended;
}

json_t *parts_ended(const struct flow *flow, const struct part *part)
{
    return json_pack("{s:s, s:s}", "dataflow", flow->uuid, "machine", machine_label(part->machine));
}

json_t *parts_over_nodes(const struct flow *flow, const struct part *but)
{
    json_t *over = json_array(), *node;
    for (size_t i = 0; i < flow->part_count; i++) {
        size_t k;
        if (flow->parts[i] == but)
            continue;
        json_array_foreach(json_object_get(flow->parts[i]->said, "nodes"), k, node) if (flow_is_over(node))
            json_array_append_new(over, json_string(text_of(node, "id")));
    }
    return over;
}

json_t *parts_names(const struct flow *flow)
{
    json_t *names = json_object(), *name;
    const char *node;
    json_object_foreach(flow->placement, node, name)
    {
        const char *text = json_string_value(name), *here = machine_label(&flow->coordinator->here);
        json_object_set_new(names, node, json_string(text ? text : here));
    }
    return names;
}

static void on_told(void *context, json_t *result, const struct control_fault *fault)
{
    (void)context;
    (void)result;
    (void)fault; /* it has ended there meanwhile, or says itself what is wrong */
}

void parts_tell(struct part *part, const char *method, json_t *params)
{
    static const struct control_calls calls = {.done = on_told};
    if (part->machine->connection) {
        control_send(part->machine->connection, method, params, &calls, NULL);
        return;
    }
    if (!part->untold)
        part->untold = json_array();
    json_array_append_new(part->untold, json_pack("[s, o]", method, params));
}

void parts_tell_others(struct flow *flow, const struct part *but, const char *method, json_t *params)
{
    for (size_t i = 0; i < flow->part_count; i++)
        if (flow->parts[i] != but && !parts_is_over(flow->parts[i]))
            parts_tell(flow->parts[i], method, json_deep_copy(params));
    json_decref(params);
}
