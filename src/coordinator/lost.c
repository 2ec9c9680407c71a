/* Machines that are lost, with the parts of dataflows they ran; and what runs again when one is there. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "coordinator/core.h"
#include "coordinator/placement.h"

static const char *id_of(const json_t *node)
{
    const char *id = json_string_value(json_object_get(node, "id"));
    return id ? id : "";
}

static void lose_whole(struct flow *flow, const struct part *part)
{
    bool began = json_array_size(json_object_get(flow->dataflow, "nodes")) > 0 ||
                 strcmp(flow_status(flow->dataflow), "starting") != 0;
    autofree char *with = NULL;
    if (!part->machine->is_here && asprintf(&with, "lost with machine %s", machine_label(part->machine)) < 0)
        with = NULL;
    flow_fail(flow, with ? with : began ? "lost with its daemon" : "lost before a daemon had started it", NULL);
}

static bool has_text(const json_t *texts, const char *text)
{
    for (size_t i = 0; i < json_array_size(texts); i++)
        if (strcmp(json_string_value(json_array_get(texts, i)), text) == 0)
            return true;
    return false;
}

static void lose(struct flow *flow, struct part *part)
{
    char why[300];
    if (flow->part_count == 1) {
        lose_whole(flow, part);
        return;
    }
    snprintf(why, sizeof why, "lost with machine %s", machine_label(part->machine));
    coordinator_say(flow->coordinator, "of dataflow %s, the nodes on machine %s are lost", flow_label(flow->dataflow),
                    machine_label(part->machine));
    json_t *ids = parts_end(flow, part, why);
    json_t *node;
    size_t i;
    json_array_foreach(json_object_get(part->said, "nodes"), i, node) if (has_text(ids, id_of(node)))
        json_object_set_new(node, "lost", json_true());
    part->is_lost = true;
    part->is_again = false;
    part->unheard = 0;
    barrier_drop(part, why);
    json_decref(part->untold);
    part->untold = NULL;
    if (flow->is_released)
        parts_tell_others(flow, part, "node.lost",
                          json_pack("{s:s, s:O, s:s}", "dataflow", flow->uuid, "nodes", ids, "machine",
                                    machine_label(part->machine)));
    else
        barrier_fail(flow, part, "failed", why);
    json_decref(ids);
    flow_settle(flow);
}

void lost_unreported(struct coordinator *coordinator, struct machine *machine)
{
    for (struct flow *flow = coordinator->flows, *next; flow; flow = next) {
        struct part *part = parts_on(flow, machine);
        next = flow->next;
        if (!part || part->is_reported || parts_is_over(part))
            continue;
        lose(flow, part);
        next = coordinator->flows; /* the list may have changed; those that are left are looked at again */
    }
    lost_place_again(coordinator); /* on another machine, maybe */
}

static bool is_wanted(const struct coordinator *coordinator, const struct machine *machine)
{
    for (const struct flow *flow = coordinator->flows; flow; flow = flow->next) {
        const struct part *part = parts_on(flow, machine);
        if (part && !parts_is_over(part))
            return true;
    }
    return false;
}

static void on_lost(uv_timer_t *timer)
{
    struct coordinator *coordinator = timer->data;
    int64_t now = clock_now();
    for (struct machine *machine = coordinator->here.next; machine; machine = machine->next)
        if (!machine->connection && !machine->is_lost && now - machine->gone_at >= coordinator->lost_after_ns) {
            machine->is_lost = true;
            if (is_wanted(coordinator, machine))
                coordinator_say(coordinator, "machine %s is lost", machine->name);
            lost_unreported(coordinator, machine);
        }
    if (coordinator->shutdown)
        coordinator_end(coordinator); /* who has not gone by now is not waited for */
    else
        lost_watch(coordinator);
}

void lost_watch(struct coordinator *coordinator)
{
    int64_t now = clock_now(), first = CLOCK_NEVER;
    for (const struct machine *machine = coordinator->here.next; machine; machine = machine->next) {
        int64_t left = machine->gone_at + coordinator->lost_after_ns - now;
        if (!machine->connection && !machine->is_lost && left < first)
            first = left > 0 ? left : 0;
    }
    uv_update_time(&coordinator->loop);
    if (first == CLOCK_NEVER)
        uv_timer_stop(&coordinator->lost);
    else
        uv_timer_start(&coordinator->lost, on_lost, (uint64_t)(first / CLOCK_MILLI) + 1, 0);
}

void lost_found(struct flow *flow, struct part *part)
{
    json_t *ids = json_array(), *node;
    size_t i;
    part->is_lost = false;
    if (flow_is_over(part->said)) {
        json_decref(ids);
        return;
    }
    json_array_foreach(json_object_get(part->said, "nodes"), i, node) if (!flow_is_over(node))
        json_array_append_new(ids, json_string(id_of(node)));
    coordinator_say(flow->coordinator, "of dataflow %s, the nodes on machine %s are there again",
                    flow_label(flow->dataflow), machine_label(part->machine));
    parts_tell_others(
        flow, part, "node.found",
        json_pack("{s:s, s:o, s:s}", "dataflow", flow->uuid, "nodes", ids, "machine", machine_label(part->machine)));
}

/* ---- Placing again ---- */

static bool may_run_again(const struct graph *graph, const json_t *node)
{
    const struct graph_node *known = graph_find(graph, id_of(node));
    return known && known->restart != GRAPH_RESTART_NEVER && json_is_true(json_object_get(node, "lost"));
}

/* Whether each node that may run again can do so on any machine that has its labels. */
static bool is_free(const struct graph *graph, const json_t *nodes, const struct machine *machine)
{
    json_t *node;
    size_t i;
    json_array_foreach((json_t *)nodes, i, node)
    {
        const struct graph_node *known = graph_find(graph, id_of(node));
        if (!known || known->machine || !known->label_count || !placement_fits(known, machine->labels))
            return false;
    }
    return true;
}

/* NULL: none is there. */
static struct machine *choose(struct flow *flow, const struct part *part, const struct graph *graph,
                              const json_t *nodes)
{
    if (part->machine->connection)
        return part->machine;
    for (struct machine *machine = &flow->coordinator->here; machine; machine = machine->next)
        if (machine->connection && !parts_on(flow, machine) && is_free(graph, nodes, machine))
            return machine;
    return NULL;
}

/* Splits the nodes of a lost part: those in `again` leave it. What is left of it stays lost, if there is anything. */
static void take_out(struct flow *flow, struct part *part, const json_t *again)
{
    json_t *left = json_array(), *nodes = json_object_get(part->said, "nodes"), *node;
    size_t i;
    json_array_foreach(nodes, i, node)
    {
        bool leaves = false;
        for (size_t k = 0; k < json_array_size(again); k++)
            leaves |= json_array_get(again, k) == node;
        if (!leaves)
            json_array_append(left, node);
    }
    part->is_rest = true;
    if (json_array_size(left) > 0)
        json_object_set(part->said, "nodes", left);
    else
        parts_remove(flow, part);
    json_decref(left);
}

static void move(struct flow *flow, struct part *part, struct machine *machine, json_t *nodes, const char *yaml,
                 json_t *options)
{
    struct part *again = parts_add(flow, machine);
    struct error error = ERROR_INIT;
    json_t *node;
    size_t i;
    if (!again)
        return;
    json_array_foreach(nodes, i, node)
        json_object_set_new(flow->placement, id_of(node), machine->is_here ? json_null() : json_string(machine->name));
    take_out(flow, part, nodes);
    again->is_again = again->is_reported = true;
    json_t *starting = json_deep_copy(nodes);
    json_array_foreach(starting, i, node)
    {
        json_object_set_new(node, "status", json_string("starting"));
        json_object_set_new(node, "message", json_null());
        json_object_set_new(node, "machine", json_string(machine_label(machine)));
        json_object_del(node, "lost");
    }
    again->said = json_pack("{s:s, s:n, s:o}", "status", "starting", "error", "nodes", starting);
    if (store_place(flow->coordinator->store, flow->uuid, flow->placement, &error) < 0)
        coordinator_say(flow->coordinator, "where dataflow %s runs can't be kept: %s", flow_label(flow->dataflow),
                        error.message);
    coordinator_say(flow->coordinator, "of dataflow %s, %zu nodes are started again on machine %s",
                    flow_label(flow->dataflow), json_array_size(nodes), machine_label(machine));
    if (start_part(flow, again, yaml, options, parts_over_nodes(flow, again)) < 0)
        again->is_reported = false;
    flow_settle(flow);
}

/* Whether the flow's parts have changed. */
static bool place_again(struct flow *flow, struct part *part)
{
    struct error error = ERROR_INIT;
    autofree char *yaml = NULL;
    json_t *options = NULL, *nodes = json_array(), *node;
    size_t i;
    bool has_moved = false;
    if (store_get(flow->coordinator->store, flow->uuid, NULL, &yaml, &options, &error) < 0) {
        json_decref(nodes);
        return false;
    }
    struct graph *graph = graph_parse(yaml, strlen(yaml), "dataflow", NULL, NULL);
    json_array_foreach(json_object_get(part->said, "nodes"), i, node) if (graph && may_run_again(graph, node))
        json_array_append(nodes, node);
    struct machine *machine = json_array_size(nodes) > 0 ? choose(flow, part, graph, nodes) : NULL;
    if (machine) {
        move(flow, part, machine, nodes, yaml, options);
        has_moved = true;
    }
    graph_free(graph);
    json_decref(nodes);
    json_decref(options);
    return has_moved;
}

void lost_place_again(struct coordinator *coordinator)
{
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next)
        for (size_t i = 0; i < flow->part_count && flow->part_count > 1; i++) {
            struct part *part = flow->parts[i];
            if (part->is_lost && !part->is_rest && flow->is_released && !flow->stop && place_again(flow, part))
                i = SIZE_MAX; /* the parts are others now */
        }
}
