/* `dataflow.stop` and `dataflow.restart`. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"
#include "coordinator/crash.h"

/* One request, which may stop several. */
struct stopping {
    struct coordinator *coordinator;
    struct control_request *request;
    size_t left;
    json_t *ended;
    json_t *asked; /* what the daemon is told, but for the dataflow */
    bool is_restart, is_cut_short;
    char again[UUID_TEXT]; /* of the one to start anew */
};

struct asked {
    struct coordinator *coordinator;
    const struct machine *machine;
    char uuid[UUID_TEXT];
};

/* The daemon doesn't know it. */
static void settle_unknown(struct flow *flow, struct part *part)
{
    if (flow->part_count == 1) {
        flow_fail(flow, "lost with its daemon", NULL);
        return;
    }
    part->is_reported = false;
    lost_unreported(flow->coordinator, part->machine);
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct asked *asked = context;
    (void)result;
    if (fault && strcmp(fault->code, "lost") == 0)
        return;
    crash_at(CRASH_STOP_AFTER_ANSWER);
    struct flow *flow = fault ? flow_find(asked->coordinator, asked->uuid) : NULL;
    struct part *part = flow ? parts_on(flow, asked->machine) : NULL;
    if (part && strcmp(fault->code, "not-found") == 0)
        settle_unknown(flow, part);
    else if (part)
        coordinator_say(asked->coordinator, "the daemon can't stop dataflow %s: %s", flow_label(flow->dataflow),
                        fault->message);
}

void stop_part(struct flow *flow, struct part *part, const json_t *how)
{
    static const struct control_calls calls = {.done = on_answer};
    struct control_connection *connection = part->machine->connection;
    struct asked *asked = connection ? malloc(sizeof *asked) : NULL;
    json_t *params = json_deep_copy(how);
    if (!asked || !params || json_object_set_new(params, "dataflow", json_string(flow->uuid)) < 0) {
        json_decref(params);
        free(asked);
        return;
    }
    asked->coordinator = flow->coordinator;
    asked->machine = part->machine;
    strcpy(asked->uuid, flow->uuid);
    crash_at(CRASH_STOP_BEFORE_DAEMON);
    if (control_send(connection, "dataflow.stop", params, &calls, asked) < 0)
        free(asked);
    crash_at(CRASH_STOP_AFTER_DAEMON);
}

static void start_again(struct stopping *stopping)
{
    struct coordinator *coordinator = stopping->coordinator;
    struct start_wish wish = {.request = stopping->request, .until_started = true, .params_of = stopping->again};
    struct error error = ERROR_INIT;
    char uuid[UUID_TEXT];
    if (store_get(coordinator->store, stopping->again, &wish.dataflow, &wish.yaml, &wish.options, &error) < 0) {
        refuse_error(stopping->request, &error);
        return;
    }
    if (!wish.yaml[0]) {
        free(take_ptr(wish.yaml));
        json_decref(wish.dataflow);
        json_decref(wish.options);
        control_refusef(stopping->request, "failed", "start it again by its file", "its descriptor isn't known here");
        return;
    }
    uuid_make(uuid);
    json_object_set_new(wish.dataflow, "uuid", json_string(uuid));
    json_object_set_new(wish.dataflow, "status", json_string("starting"));
    json_object_set_new(wish.dataflow, "started", json_real(coordinator_time()));
    json_object_set_new(wish.dataflow, "ended", json_null());
    json_object_set_new(wish.dataflow, "error", json_null());
    json_object_set_new(wish.dataflow, "nodes", json_array());
    start_dataflow(coordinator, &wish);
}

static void finish(struct stopping *stopping)
{
    static const struct control_fault ending = {.code = "lost",
                                                .message = "the coordinator is ending; the dataflow goes on"};
    if (stopping->is_cut_short || stopping->coordinator->is_ending)
        control_refuse(stopping->request, &ending);
    else if (stopping->is_restart)
        start_again(stopping);
    else
        control_answer(stopping->request, json_pack("{s:O}", "dataflows", stopping->ended));
    json_decref(stopping->ended);
    json_decref(stopping->asked);
    free(stopping);
}

static void one_less(struct stopping *stopping)
{
    if (--stopping->left == 0)
        finish(stopping);
}

static void on_ended(void *context, json_t *dataflow, const struct control_fault *fault)
{
    struct stopping *stopping = context;
    /* A dataflow that failed while it was started has ended as well; one that goes on without us has not. */
    stopping->is_cut_short |= !flow_is_over(dataflow) && fault;
    json_array_append(stopping->ended, dataflow);
    one_less(stopping);
}

static void stop(struct stopping *stopping, struct flow *flow)
{
    stopping->left++;
    if (flow_wait(flow, stopping->request, false, on_ended, stopping) < 0)
        stopping->left--;
    json_decref(flow->stop);
    flow->stop = json_deep_copy(stopping->asked); /* for a machine that is out of reach now */
    for (size_t i = 0; i < flow->part_count; i++)
        if (!parts_is_over(flow->parts[i]))
            stop_part(flow, flow->parts[i], stopping->asked);
}

/* Whether it can be stopped now, at least where it can be reached; else the request is refused. */
static bool is_within_reach(const struct flow *flow, struct control_request *request)
{
    for (size_t i = 0; i < flow->part_count; i++)
        if (flow->parts[i]->machine->connection)
            return true;
    return machine_can_be_asked(flow->parts[0]->machine, request);
}

/* NULL, and the request is refused, for parameters that make no sense. */
static struct stopping *begin(struct coordinator *coordinator, struct control_request *request, const json_t *params)
{
    json_t *grace = json_object_get(params, "grace"), *force = json_object_get(params, "force");
    if ((grace && !json_is_null(grace) && !(json_is_number(grace) && json_number_value(grace) >= 0)) ||
        (force && !json_is_boolean(force))) {
        control_refusef(request, "invalid", NULL, "`grace` must be a number of seconds, and `force` true or false");
        return NULL;
    }
    struct stopping *stopping = calloc(1, sizeof *stopping);
    json_t *asked = json_object(), *ended = json_array();
    if (!stopping || !asked || !ended) {
        free(stopping);
        json_decref(asked);
        json_decref(ended);
        refuse_memory(request);
        return NULL;
    }
    if (json_is_number(grace))
        json_object_set(asked, "grace", grace);
    if (json_is_true(force))
        json_object_set(asked, "force", force);
    *stopping =
        (struct stopping){.coordinator = coordinator, .request = request, .left = 1, .ended = ended, .asked = asked};
    return stopping;
}

static bool all_are_within_reach(const struct coordinator *coordinator, struct control_request *request)
{
    for (const struct flow *flow = coordinator->flows; flow; flow = flow->next)
        if (!is_within_reach(flow, request))
            return false;
    return true;
}

void handle_stop(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    (void)method;
    bool all = json_is_true(json_object_get(params, "all"));
    struct flow *one = all ? NULL : select_live(coordinator, request, params);
    if ((!all && !one) || (all ? !all_are_within_reach(coordinator, request) : !is_within_reach(one, request)))
        return;
    struct stopping *stopping = begin(coordinator, request, params);
    if (!stopping)
        return;
    if (one)
        stop(stopping, one);
    for (struct flow *flow = all ? coordinator->flows : NULL; flow; flow = flow->next)
        stop(stopping, flow);
    one_less(stopping);
}

static bool can_start(struct coordinator *coordinator, struct control_request *request, const char *uuid)
{
    struct error error = ERROR_INIT;
    autofree char *yaml = NULL;
    json_t *placement;
    if (store_get(coordinator->store, uuid, NULL, &yaml, NULL, &error) < 0) {
        refuse_error(request, &error);
        return false;
    }
    if (!machine_place(coordinator, request, yaml, &placement))
        return false;
    json_decref(placement);
    return true;
}

void handle_restart(struct coordinator *coordinator, struct control_request *request, const char *method,
                    json_t *params)
{
    (void)method;
    char uuid[UUID_TEXT];
    if (!select_uuid(coordinator, request, params, uuid))
        return;
    /* It is not stopped where it could not be started again. */
    struct stopping *stopping = can_start(coordinator, request, uuid) ? begin(coordinator, request, params) : NULL;
    if (!stopping)
        return;
    stopping->is_restart = true;
    strcpy(stopping->again, uuid);
    struct flow *flow = flow_find(coordinator, uuid);
    if (flow)
        stop(stopping, flow);
    one_less(stopping);
}
