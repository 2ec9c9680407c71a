#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"
#include "coordinator/crash.h"

struct flow *flow_find(const struct coordinator *coordinator, const char *uuid)
{
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next)
        if (strcmp(flow->uuid, uuid) == 0)
            return flow;
    return NULL;
}

const char *flow_status(const json_t *dataflow)
{
    const char *status = json_string_value(json_object_get(dataflow, "status"));
    return status ? status : "";
}

bool flow_is_over(const json_t *dataflow)
{
    const char *status = flow_status(dataflow);
    return strcmp(status, "finished") == 0 || strcmp(status, "failed") == 0;
}

const char *flow_label(const json_t *dataflow)
{
    const char *name = json_string_value(json_object_get(dataflow, "name"));
    return name ? name : json_string_value(json_object_get(dataflow, "uuid"));
}

static void free_flow(struct flow *flow)
{
    parts_free(flow);
    json_decref(flow->placement);
    json_decref(flow->stop);
    json_decref(flow->dataflow);
    free(flow->fault_code);
    free(flow->fault);
    free(flow);
}

struct flow *flow_add(struct coordinator *coordinator, json_t *dataflow)
{
    struct flow *flow = dataflow ? calloc(1, sizeof *flow) : NULL;
    const char *uuid = json_string_value(json_object_get(dataflow, "uuid"));
    if (!flow || !uuid || strlen(uuid) >= sizeof flow->uuid) {
        json_decref(dataflow);
        free(flow);
        return NULL;
    }
    flow->coordinator = coordinator;
    flow->dataflow = dataflow;
    strcpy(flow->uuid, uuid);
    flow->placement = json_incref(json_object_get(dataflow, "placement"));
    json_object_del(dataflow, "placement");
    flow->is_released = strcmp(flow_status(dataflow), "starting") != 0;
    if (parts_make(flow) < 0) {
        free_flow(flow);
        return NULL;
    }
    if (strcmp(flow_status(dataflow), "stopping") == 0)
        flow->stop = json_object(); /* for parts that have not heard of it */
    flow->next = coordinator->flows;
    coordinator->flows = flow;
    return flow;
}

static void unlink_flow(struct flow *flow)
{
    struct flow **link = &flow->coordinator->flows;
    while (*link != flow)
        link = &(*link)->next;
    *link = flow->next;
}

/* Takes the waiters that `is_due` names out of the list first: what they do may change it. */
static void release(struct flow *flow, bool (*is_due)(const struct waiter *), const struct control_fault *fault)
{
    struct waiter *due = NULL, **due_end = &due;
    for (struct waiter **link = &flow->waiters; *link;) {
        struct waiter *waiter = *link;
        if (is_due(waiter)) {
            *link = waiter->next;
            waiter->next = NULL;
            *due_end = waiter;
            due_end = &waiter->next;
        } else {
            link = &waiter->next;
        }
    }
    json_t *dataflow = json_incref(flow->dataflow);
    for (struct waiter *waiter; (waiter = due);) {
        due = waiter->next;
        waiter->done(waiter->context, dataflow, fault);
        free(waiter);
    }
    json_decref(dataflow);
}

static bool waits(const struct waiter *waiter)
{
    (void)waiter;
    return true;
}

static bool waits_for_start(const struct waiter *waiter)
{
    return waiter->until_started;
}

/* Nobody but a command that is gone. A stop or a restart is carried out all the same. */
static bool waits_in_vain(const struct waiter *waiter)
{
    return waiter->context == waiter->request && !control_asker(waiter->request);
}

static bool save(struct flow *flow)
{
    struct error error = ERROR_INIT;
    if (store_update(flow->coordinator->store, flow->dataflow, &error) == 0)
        return true;
    coordinator_say(flow->coordinator, "dataflow %s is %s, which can't be kept now: %s", flow_label(flow->dataflow),
                    flow_status(flow->dataflow), error.message);
    return false;
}

static void remember_unsaved(struct coordinator *coordinator, json_t *dataflow)
{
    if (!coordinator->unsaved)
        coordinator->unsaved = json_array();
    json_array_append(coordinator->unsaved, dataflow);
}

void flow_save_late(struct coordinator *coordinator)
{
    while (json_array_size(coordinator->unsaved) > 0 &&
           store_update(coordinator->store, json_array_get(coordinator->unsaved, 0), NULL) == 0)
        json_array_remove(coordinator->unsaved, 0);
}

static void tell(struct flow *flow)
{
    for (struct waiter *waiter = flow->waiters; waiter; waiter = waiter->next)
        if (waiter->request && control_asker(waiter->request))
            control_progress(waiter->request, json_pack("{s:O}", "dataflow", flow->dataflow));
}

static void end(struct flow *flow, const struct control_fault *fault)
{
    if (!json_is_number(json_object_get(flow->dataflow, "ended")))
        json_object_set_new(flow->dataflow, "ended", json_real(coordinator_time()));
    crash_at(CRASH_END_BEFORE_ROW);
    if (!save(flow))
        remember_unsaved(flow->coordinator, flow->dataflow);
    crash_at(CRASH_END_AFTER_ROW);
    coordinator_say(flow->coordinator, "dataflow %s has %s", flow_label(flow->dataflow), flow_status(flow->dataflow));
    unlink_flow(flow);
    tell(flow);
    release(flow, waits, fault);
    free_flow(flow);
}

/* What the daemons know better than we. */
static void copy_known(json_t *to, const json_t *from)
{
    static const char *const keys[] = {"status", "started", "ended", "error", "nodes"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        json_t *value = json_object_get(from, keys[i]);
        if (value && !(json_is_null(value) && strcmp(keys[i], "started") == 0))
            json_object_set(to, keys[i], value);
    }
}

/* Whether a part is in another state than the row says. */
static bool parts_have_changed(struct flow *flow)
{
    bool have_changed = false;
    for (size_t i = 0; i < flow->part_count && flow->part_count > 1; i++) {
        struct part *part = flow->parts[i];
        const char *status = part->is_lost ? "lost" : flow_status(part->said);
        have_changed |= strncmp(status, part->saved, sizeof part->saved - 1) != 0;
        snprintf(part->saved, sizeof part->saved, "%s", status);
    }
    return have_changed;
}

static void end_with_fault(struct flow *flow)
{
    autofree char *code = take_ptr(flow->fault_code), *text = take_ptr(flow->fault);
    const struct control_fault fault = {.code = code ? code : "failed", .message = text};
    end(flow, text ? &fault : NULL);
}

bool flow_settle(struct flow *flow)
{
    barrier_look(flow);
    autofree char *before = strdup(flow_status(flow->dataflow));
    json_t *nodes = json_incref(json_object_get(flow->dataflow, "nodes")), *merged = parts_merge(flow);
    copy_known(flow->dataflow, merged);
    params_replay(flow, nodes);
    json_decref(nodes);
    json_decref(merged);
    if (flow_is_over(flow->dataflow)) {
        end_with_fault(flow);
        return false;
    }
    if (flow->is_released && !flow->stop && parts_only_dynamic(flow)) {
        flow->stop = json_object();
        for (size_t i = 0; i < flow->part_count; i++)
            if (!parts_is_over(flow->parts[i]))
                stop_part(flow, flow->parts[i], flow->stop);
    }
    bool have_changed = parts_have_changed(flow);
    if (have_changed || !before || strcmp(before, flow_status(flow->dataflow)) != 0) {
        crash_at(CRASH_UPDATE_BEFORE_ROW);
        save(flow);
        crash_at(CRASH_UPDATE_AFTER_ROW);
    }
    tell(flow);
    return true;
}

void flow_update(struct flow *flow, struct part *part, const json_t *said)
{
    bool was_over = parts_is_over(part);
    part->is_reported = true;
    parts_say(flow, part, said);
    if (flow->part_count > 1 && !was_over && parts_is_over(part))
        parts_tell_others(flow, part, "part.ended", parts_ended(flow, part));
    if (flow->part_count > 1 && strcmp(flow_status(said), "failed") == 0) {
        const char *why = json_string_value(json_object_get(said, "error"));
        barrier_fail(flow, part, "failed", why ? why : "its nodes could not be started");
    }
    move_heard(flow, part);
    flow_settle(flow);
}

void flow_started(struct flow *flow)
{
    if (flow->fault)
        return; /* it is told when all parts have ended */
    for (size_t i = 0; i < flow->part_count; i++)
        if (!flow->parts[i]->is_started && !parts_is_over(flow->parts[i]))
            return;
    release(flow, waits_for_start, NULL);
}

void flow_fail(struct flow *flow, const char *why, const struct control_fault *fault)
{
    json_object_set_new(flow->dataflow, "status", json_string("failed"));
    json_object_set_new(flow->dataflow, "error", json_string(why));
    end(flow, fault);
}

int flow_wait(struct flow *flow, struct control_request *request, bool until_started,
              void (*done)(void *context, json_t *dataflow, const struct control_fault *fault), void *context)
{
    release(flow, waits_in_vain, NULL);
    struct waiter *waiter = malloc(sizeof *waiter);
    if (!waiter)
        return -ENOMEM;
    *waiter = (struct waiter){flow->waiters, request, until_started, done, context};
    flow->waiters = waiter;
    return 0;
}

void flow_free_all(struct coordinator *coordinator)
{
    static const struct control_fault ending = {.code = "lost",
                                                .message = "the coordinator is ending; the dataflow goes on"};
    for (struct flow *flow; (flow = coordinator->flows);) {
        coordinator->flows = flow->next;
        release(flow, waits, &ending);
        free_flow(flow);
    }
}
