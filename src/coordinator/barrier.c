/* The barrier: no part of a dataflow runs before all are ready, so that no message is lost between them; and where one
 * can't start, none does. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"
#include "coordinator/crash.h"

/* The other parts' word that they have opened their inputs again to one that was started again. */
struct hearing {
    struct coordinator *coordinator;
    char uuid[UUID_TEXT];
    struct machine *machine;
    unsigned serial; /* of the part */
};

static void let_go(struct part *part)
{
    part->is_again = false;
    if (part->ready)
        control_answer(take_ptr(part->ready), json_object());
}

static void on_heard(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct hearing *hearing = context;
    (void)result;
    (void)fault; /* one that can't is told again when it is back, or has ended */
    struct flow *flow = flow_find(hearing->coordinator, hearing->uuid);
    struct part *part = flow ? parts_on(flow, hearing->machine) : NULL;
    if (part && part->serial == hearing->serial && part->unheard > 0 && --part->unheard == 0)
        let_go(part);
}

static json_t *found(const struct flow *flow, const struct part *part)
{
    json_t *nodes = json_array(), *node;
    size_t i;
    json_array_foreach(json_object_get(part->said, "nodes"), i, node)
        json_array_append(nodes, json_object_get(node, "id"));
    return json_pack("{s:s, s:o, s:s}", "dataflow", flow->uuid, "nodes", nodes, "machine",
                     machine_label(part->machine));
}

/* It is released when all others know of it. */
static void announce(struct flow *flow, struct part *part)
{
    static const struct control_calls calls = {.done = on_heard};
    if (part->unheard > 0)
        return;
    for (size_t i = 0; i < flow->part_count; i++) {
        struct part *other = flow->parts[i];
        if (other == part || parts_is_over(other))
            continue;
        struct hearing *hearing = other->machine->connection ? malloc(sizeof *hearing) : NULL;
        if (!hearing) {
            parts_tell(other, "node.found", found(flow, part));
            continue;
        }
        *hearing = (struct hearing){.coordinator = flow->coordinator, .machine = part->machine, .serial = part->serial};
        strcpy(hearing->uuid, flow->uuid);
        if (control_send(other->machine->connection, "node.found", found(flow, part), &calls, hearing) == 0)
            part->unheard++;
        else
            free(hearing);
    }
    if (part->unheard == 0)
        let_go(part);
}

void barrier_drop(struct part *part, const char *why)
{
    if (part->ready)
        control_refusef(take_ptr(part->ready), "failed", NULL, "%s", why);
}

static bool is_beyond(const struct part *part)
{
    return part->said &&
           (strcmp(flow_status(part->said), "running") == 0 || strcmp(flow_status(part->said), "finished") == 0);
}

void barrier_look(struct flow *flow)
{
    bool all = true, one_is_beyond = false;
    if (flow->part_count == 1)
        return;
    for (size_t i = 0; i < flow->part_count && !flow->fault; i++) {
        all &= flow->parts[i]->ready || parts_is_over(flow->parts[i]);
        one_is_beyond |= is_beyond(flow->parts[i]);
    }
    bool is_now = !flow->fault && !flow->is_released && (all || one_is_beyond);
    if (is_now)
        crash_at(CRASH_RELEASE_BEFORE_ANSWERS);
    flow->is_released |= is_now;
    for (size_t i = 0; i < flow->part_count; i++) {
        struct part *part = flow->parts[i];
        if (part->ready && flow->fault)
            barrier_drop(part, flow->fault);
        else if (part->ready && flow->is_released && part->is_again)
            announce(flow, part);
        else if (part->ready && flow->is_released)
            let_go(part);
    }
    if (is_now)
        crash_at(CRASH_RELEASE_AFTER_ANSWERS);
}

void barrier_fail(struct flow *flow, const struct part *part, const char *code, const char *why)
{
    if (flow->fault || flow->is_released)
        return;
    flow->fault_code = strdup(code);
    if (part->is_lost)
        flow->fault = strdup(why);
    else if (asprintf(&flow->fault, "machine %s: %s", machine_label(part->machine), why) < 0)
        flow->fault = NULL;
    if (!flow->fault)
        return;
    for (size_t i = 0; i < flow->part_count; i++) {
        struct part *other = flow->parts[i];
        if (other == part || parts_is_over(other) || other->ready)
            continue; /* who has asked gets the reason as the answer */
        parts_tell(other, "dataflow.stop", json_pack("{s:s, s:b}", "dataflow", flow->uuid, "force", 1));
    }
}

void handle_ready(struct coordinator *coordinator, struct control_request *request, json_t *params)
{
    const char *uuid = json_string_value(json_object_get(params, "dataflow"));
    struct flow *flow = uuid ? flow_find(coordinator, uuid) : NULL;
    struct part *part = flow ? parts_on(flow, machine_of(coordinator, control_asker(request))) : NULL;
    if (!part || part->is_rest) {
        control_refusef(request, "not-found", NULL, "no part of dataflow %s is to run there", uuid ? uuid : "?");
        return;
    }
    barrier_drop(part, "it was asked again");
    part->ready = request;
    if (flow->part_count == 1)
        let_go(part);
    else
        barrier_look(flow);
}
