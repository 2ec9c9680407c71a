/* `node.move`: a node goes on on another machine (docs/machines.md). The daemons do it, step by step; until the old
 * process is asked to leave, any fault takes all of it back.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "coordinator/core.h"
#include "coordinator/crash.h"

/* How long the new process and all edges may take until they are there, and the publishers to say where they are. */
enum { PATIENCE_MS = 30000 };

enum step { STEP_BEGIN, STEP_PREPARE, STEP_WHERE, STEP_LEAVE, STEP_FINISH };

static const char *const step_names[] = {"begin", "prepare", "where", "leave", "finish"};

struct moving {
    struct coordinator *coordinator;
    struct control_request *request;
    char uuid[UUID_TEXT];
    char *node;
    struct machine *from, *to;
    bool has_begun; /* the part of `to`, which had none */
    json_t *grace;  /* or NULL */
    enum step step;
    size_t left;          /* daemons that have not answered */
    json_t *places;       /* where the publishers are; from LEAVE on, what the old process said */
    char *code, *message; /* of the first fault */
    uv_timer_t timer;
};

/* ---- Memory ---- */

static void on_closed(uv_handle_t *handle)
{
    struct moving *moving = handle->data;
    json_decref(moving->grace);
    json_decref(moving->places);
    free(moving->node);
    free(moving->code);
    free(moving->message);
    free(moving);
}

static void end(struct moving *moving)
{
    struct flow *flow = flow_find(moving->coordinator, moving->uuid);
    if (flow)
        flow->moving = NULL;
    uv_close((uv_handle_t *)&moving->timer, on_closed);
}

/* ---- Asking ---- */

static void next(struct moving *moving);

static json_t *params_of(const struct moving *moving, const char *step)
{
    json_t *params = moving->step == STEP_LEAVE    ? json_pack("{s:O}", "inputs", moving->places)
                     : moving->step == STEP_FINISH ? json_copy(moving->places)
                                                   : json_object();
    json_object_set_new(params, "dataflow", json_string(moving->uuid));
    json_object_set_new(params, "node", json_string(moving->node));
    json_object_set_new(params, "step", json_string(step));
    json_object_set_new(params, "to", json_string(machine_label(moving->to)));
    if (moving->grace)
        json_object_set(params, "grace", moving->grace);
    return params;
}

static void fail(struct moving *moving, const char *code, const char *message)
{
    if (moving->code)
        return;
    moving->code = strdup(code);
    moving->message = strdup(message);
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    struct moving *moving = context;
    if (fault)
        fail(moving, strcmp(fault->code, "lost") == 0 ? "failed" : fault->code, fault->message);
    else if (moving->step == STEP_WHERE)
        json_object_update(moving->places, json_object_get(result, "inputs"));
    else if (moving->step == STEP_LEAVE)
        json_object_update(moving->places, result);
    if (--moving->left == 0)
        next(moving);
}

static void ask(struct moving *moving, const struct machine *machine)
{
    static const struct control_calls calls = {.done = on_answer};
    json_t *params = params_of(moving, step_names[moving->step]);
    if (machine != moving->to)
        json_object_del(params, "state");
    moving->left++;
    if (machine->connection && control_send(machine->connection, "node.move", params, &calls, moving) == 0)
        return;
    if (!machine->connection)
        json_decref(params);
    moving->left--;
    fail(moving, "failed", "a machine is out of reach");
}

/* All machines that run a part of it, but one. */
static void ask_all_but(struct moving *moving, const struct flow *flow, const struct machine *but)
{
    moving->left = 1; /* ours, until all are asked */
    for (size_t i = 0; i < flow->part_count; i++)
        if (!parts_is_over(flow->parts[i]) && flow->parts[i]->machine != but)
            ask(moving, flow->parts[i]->machine);
    if (--moving->left == 0)
        next(moving);
}

static void give_up(struct moving *moving)
{
    struct flow *flow = flow_find(moving->coordinator, moving->uuid);
    for (size_t i = 0; flow && i < flow->part_count; i++)
        if (!parts_is_over(flow->parts[i]) && flow->parts[i]->machine->connection)
            parts_tell(flow->parts[i], "node.move", params_of(moving, "undo"));
}

static void on_patience(uv_timer_t *timer)
{
    struct moving *moving = timer->data;
    fail(moving, "failed",
         "nothing was moved: in 30 s its process has not joined there, or a node that it listens to has not called "
         "dora");
    give_up(moving); /* upon which those that have not answered do */
}

/* ---- The steps ---- */

static void keep_place(struct moving *moving, struct flow *flow)
{
    struct error error = ERROR_INIT;
    json_object_set_new(flow->placement, moving->node,
                        moving->to->is_here ? json_null() : json_string(moving->to->name));
    if (store_place(moving->coordinator->store, flow->uuid, flow->placement, &error) < 0)
        coordinator_say(moving->coordinator, "where dataflow %s runs can't be kept: %s", flow_label(flow->dataflow),
                        error.message);
}

/* The part that was begun for it goes again. */
static void end_part(const struct moving *moving)
{
    struct flow *flow = flow_find(moving->coordinator, moving->uuid);
    struct part *part = flow ? parts_on(flow, moving->to) : NULL;
    if (!part)
        return;
    if (!parts_is_over(part))
        parts_tell(part, "dataflow.stop", json_pack("{s:s, s:b}", "dataflow", flow->uuid, "force", 1));
    parts_tell_others(flow, part, "part.ended", parts_ended(flow, part));
    parts_remove(flow, part);
}

static void refuse(struct moving *moving)
{
    if (moving->has_begun)
        end_part(moving);
    control_refusef(moving->request, moving->code ? moving->code : "failed", NULL, "%s",
                    moving->message ? moving->message : "the dataflow has ended");
    end(moving);
}

/* Its old place need not take it back. */
static json_t *settled(const struct moving *moving)
{
    return json_pack("{s:s, s:s, s:s}", "dataflow", moving->uuid, "node", moving->node, "step", "finish");
}

static void succeed(struct moving *moving)
{
    json_t *lost = json_object_get(moving->places, "lost");
    struct flow *flow = flow_find(moving->coordinator, moving->uuid);
    struct part *from = flow ? parts_on(flow, moving->from) : NULL;
    if (from)
        parts_tell(from, "node.move", settled(moving));
    const char *state = json_string_value(json_object_get(moving->places, "state"));
    json_t *result = json_pack("{s:s, s:s, s:s, s:b}", "node", moving->node, "from", machine_label(moving->from), "to",
                               machine_label(moving->to), "state", state != NULL);
    if (lost)
        json_object_set(result, "lost", lost);
    control_answer(moving->request, result);
    end(moving);
}

/* All have answered. */
static void next(struct moving *moving)
{
    struct flow *flow = flow_find(moving->coordinator, moving->uuid);
    if (moving->code || !flow) {
        uv_timer_stop(&moving->timer);
        if (moving->step != STEP_FINISH)
            give_up(moving);
        refuse(moving);
        return;
    }
    switch (moving->step++) {
    case STEP_BEGIN:
        ask_all_but(moving, flow, NULL);
        return;
    case STEP_PREPARE:
        ask_all_but(moving, flow, NULL);
        return;
    case STEP_WHERE:
        uv_timer_stop(&moving->timer);
        crash_at(CRASH_MOVE_BEFORE_LEAVE);
        moving->left = 1;
        ask(moving, moving->from);
        if (--moving->left == 0)
            next(moving);
        return;
    case STEP_LEAVE:
        keep_place(moving, flow);
        crash_at(CRASH_MOVE_BEFORE_FINISH);
        ask_all_but(moving, flow, moving->from);
        return;
    case STEP_FINISH:
        crash_at(CRASH_MOVE_AFTER_FINISH);
        succeed(moving);
        return;
    }
}

/* ---- Nodes that are nowhere ---- */

static bool is_said(const struct flow *flow, const char *id)
{
    for (size_t i = 0; i < flow->part_count; i++) {
        json_t *node;
        size_t k;
        json_array_foreach(json_object_get(flow->parts[i]->said, "nodes"), k, node)
        {
            const char *other = json_string_value(json_object_get(node, "id"));
            if (other && strcmp(other, id) == 0)
                return true;
        }
    }
    return false;
}

void move_look_for_lost(struct flow *flow)
{
    const char *node;
    json_t *place;
    for (size_t i = 0; i < flow->part_count; i++)
        if (!flow->parts[i]->is_reported && !parts_is_over(flow->parts[i]))
            return;
    if (flow->part_count == 1 || flow->moving || !flow->is_released)
        return;
    json_object_foreach(flow->placement, node, place)
    {
        if (is_said(flow, node))
            continue;
        json_t *params = json_pack("{s:s, s:s, s:s}", "dataflow", flow->uuid, "node", node, "step", "back");
        for (size_t i = 0; i < flow->part_count; i++)
            if (!parts_is_over(flow->parts[i]))
                parts_tell(flow->parts[i], "node.move", json_incref(params));
        json_decref(params);
    }
}

/* ---- Beginning ---- */

static void refuse_unknown(struct coordinator *coordinator, struct control_request *request, const char *name)
{
    autobuf struct buf known = {0};
    for (const struct machine *machine = &coordinator->here; machine; machine = machine->next)
        if (machine->connection)
            buf_printf(&known, "%s`%s`", known.len ? ", " : "", machine_label(machine));
    control_refusef(request, "not-found", "`dora status` shows them", "there is no machine `%s`; there %s %s", name,
                    strstr(known.data ? known.data : "", ", ") ? "are" : "is", known.data ? known.data : "none");
}

static bool may_begin(struct coordinator *coordinator, struct control_request *request, const struct flow *flow,
                      const char *node, const struct part *part, const char *name, const struct machine *to)
{
    if (!part)
        control_refusef(request, "not-found", "`dora node list` shows them", "dataflow %s has no node `%s`",
                        flow_label(flow->dataflow), node);
    else if (!to)
        refuse_unknown(coordinator, request, name);
    else if (part->machine == to)
        control_refusef(request, "exists", NULL, "node `%s` is on machine `%s` already", node, name);
    else if (flow->part_count == 1)
        control_refusef(request, "refused", "place its nodes in the descriptor, by `deploy: {machine: …}`",
                        "dataflow %s runs on one machine alone, with nothing that takes messages to another",
                        flow_label(flow->dataflow));
    else if (parts_on(flow, to) && parts_is_over(parts_on(flow, to)))
        control_refusef(request, "refused", NULL, "what machine `%s` ran of dataflow %s has ended", name,
                        flow_label(flow->dataflow));
    else if (!flow->is_released || flow->stop)
        control_refusef(request, "refused", NULL, "dataflow %s %s", flow_label(flow->dataflow),
                        flow->stop ? "is being stopped" : "has not started yet");
    else if (flow->moving)
        control_refusef(request, "refused", "try again when that is done", "another node of dataflow %s is being moved",
                        flow_label(flow->dataflow));
    else
        return machine_can_be_asked(to, request) && machine_can_be_asked(part->machine, request);
    return false;
}

/* A part without nodes, on a machine that takes no part yet. */
static int begin_part(struct flow *flow, struct machine *machine)
{
    struct error error = ERROR_INIT;
    autofree char *yaml = NULL;
    json_t *options = NULL;
    int rc = store_get(flow->coordinator->store, flow->uuid, NULL, &yaml, &options, &error);
    struct part *part = rc == 0 ? parts_add(flow, machine) : NULL;
    if (part) {
        part->is_again = part->is_reported = true;
        rc = start_part(flow, part, yaml, options, parts_over_nodes(flow, part));
    }
    json_decref(options);
    return part ? rc : -ENOMEM;
}

void move_heard(struct flow *flow, const struct part *part)
{
    struct moving *moving = flow->moving;
    if (!moving || moving->step != STEP_BEGIN || part->machine != moving->to)
        return;
    const char *why = json_string_value(json_object_get(part->said, "error"));
    if (parts_is_over(part))
        fail(moving, "failed", why ? why : "the dataflow could not be started there");
    else if (strcmp(flow_status(part->said), "running") != 0)
        return;
    next(moving);
}

void handle_move(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    const char *node = json_string_value(json_object_get(params, "node"));
    const char *to = json_string_value(json_object_get(params, "to"));
    (void)method;
    if (!node || !to) {
        control_refusef(request, "invalid", NULL, "node.move needs a node, and the machine that it goes `to`");
        return;
    }
    struct flow *flow = select_live(coordinator, request, params);
    struct part *part = flow ? parts_of_node(flow, node) : NULL;
    struct machine *machine = machine_find(coordinator, to);
    if (!flow || !may_begin(coordinator, request, flow, node, part, to, machine))
        return;
    struct moving *moving = calloc(1, sizeof *moving);
    if (!moving || !(moving->node = strdup(node)) || !(moving->places = json_object())) {
        if (moving)
            free(moving->node);
        free(moving);
        refuse_memory(request);
        return;
    }
    moving->coordinator = coordinator;
    moving->request = request;
    moving->from = part->machine;
    moving->to = machine;
    moving->grace = json_incref(json_object_get(params, "grace"));
    strcpy(moving->uuid, flow->uuid);
    moving->timer.data = moving;
    uv_timer_init(&coordinator->loop, &moving->timer);
    uv_update_time(&coordinator->loop);
    uv_timer_start(&moving->timer, on_patience, PATIENCE_MS, 0);
    flow->moving = moving;
    moving->has_begun = !parts_on(flow, machine);
    if (moving->has_begun) {
        if (begin_part(flow, machine) == 0)
            return; /* move_heard goes on */
        fail(moving, "failed", "the dataflow could not be started there");
    }
    next(moving);
}
