/* The daemon's connection: what it says, what is asked of it, and what happens when it goes. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "control/paths.h"
#include "coordinator/core.h"
#include "coordinator/crash.h"

enum { GRACE_MS = 2000 };

#define LOST "lost with its daemon"

static void forget_daemon(struct daemon_info *daemon)
{
    free(daemon->id);
    free(daemon->machine);
    *daemon = (struct daemon_info){0};
}

/* Whatever no daemon runs has failed. */
static void fail_unreported(struct coordinator *coordinator)
{
    for (struct flow *flow = coordinator->flows, *next; flow; flow = next) {
        next = flow->next;
        if (!flow->is_reported) {
            bool began = json_array_size(json_object_get(flow->dataflow, "nodes")) > 0 ||
                         strcmp(flow_status(flow->dataflow), "starting") != 0;
            flow_fail(flow, began ? LOST : "lost before a daemon had started it", NULL);
            next = coordinator->flows; /* the list may have changed; those that are left are looked at again */
        }
    }
}

static void on_grace(uv_timer_t *timer)
{
    struct coordinator *coordinator = timer->data;
    coordinator->in_grace = false;
    if (coordinator->daemon.connection)
        return;
    /* As long as its process lives, so do its dataflows: it is only slow. */
    if (coordinator->flows && control_lock_holder(CONTROL_DAEMON_LOCK) != 0)
        uv_timer_start(timer, on_grace, GRACE_MS, 0);
    else
        fail_unreported(coordinator);
    coordinator_unpark(coordinator);
}

void daemon_grace(struct coordinator *coordinator)
{
    coordinator->in_grace = true;
    uv_update_time(&coordinator->loop);
    uv_timer_start(&coordinator->grace, on_grace, GRACE_MS, 0);
}

static void load(void *context, json_t *dataflow)
{
    flow_add(context, json_incref(dataflow));
}

int daemon_load(struct coordinator *coordinator, struct error *error)
{
    return store_each(coordinator->store, STORE_LIVE, STORE_WHOLE, load, coordinator, error);
}

/* A dataflow that the daemon knows and we don't, or that we took for lost. */
static struct flow *take_in(struct coordinator *coordinator, const json_t *dataflow)
{
    const char *uuid = json_string_value(json_object_get(dataflow, "uuid"));
    struct error error = ERROR_INIT;
    json_t *known = NULL;
    int rc = store_get(coordinator->store, uuid, &known, NULL, NULL, &error);
    if (rc == -ENOENT) {
        known = json_deep_copy(dataflow);
        rc = store_add(coordinator->store, known, "", NULL, &error);
    }
    if (rc < 0)
        coordinator_say(coordinator, "dataflow %s can't be kept: %s", uuid, error.message);
    if (known && flow_is_over(known) && flow_is_over(dataflow)) {
        json_decref(known); /* it has been told twice */
        return NULL;
    }
    return flow_add(coordinator, known);
}

static bool is_dataflow(const json_t *dataflow)
{
    static const char *const statuses[] = {"starting", "running", "stopping", "finished", "failed"};
    const char *uuid = json_string_value(json_object_get(dataflow, "uuid")), *status = flow_status(dataflow);
    bool known = false;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        known |= strcmp(status, statuses[i]) == 0;
    return known && uuid && strlen(uuid) == UUID_TEXT - 1 && json_is_array(json_object_get(dataflow, "nodes"));
}

static void take_dataflow(struct coordinator *coordinator, const json_t *dataflow)
{
    if (!is_dataflow(dataflow)) {
        coordinator_say(coordinator, "the daemon says what is no dataflow");
        return;
    }
    struct flow *flow = flow_find(coordinator, json_string_value(json_object_get(dataflow, "uuid")));
    if (!flow)
        flow = take_in(coordinator, dataflow);
    if (flow)
        flow_update(flow, dataflow);
}

static bool replaces_old(struct coordinator *coordinator, struct control_connection *connection)
{
    struct daemon_info *daemon = &coordinator->daemon;
    if (!daemon->connection || daemon->connection == connection)
        return true;
    if (daemon->pid != control_pid(connection) && kill(daemon->pid, 0) == 0)
        return false;
    struct control_connection *old = daemon->connection;
    daemon_gone(coordinator, "another has taken its place");
    coordinator_forget(coordinator, old);
    control_close(old);
    return true;
}

static void handle_register(struct coordinator *coordinator, struct control_request *request, json_t *params)
{
    const char *id = json_string_value(json_object_get(params, "id"));
    const char *machine = json_string_value(json_object_get(params, "machine"));
    json_t *dataflows = json_object_get(params, "dataflows"), *dataflow;
    struct control_connection *connection = control_asker(request);
    struct daemon_info *daemon = &coordinator->daemon;
    size_t i;
    if (!id || !json_is_array(dataflows)) {
        control_refusef(request, "invalid", NULL, "daemon.register needs an id and the list of dataflows");
        return;
    }
    if (!replaces_old(coordinator, connection)) {
        control_refusef(request, "exists", "stop it, or use that one", "a daemon is connected already (process %d)",
                        (int)daemon->pid);
        return;
    }
    forget_daemon(daemon);
    *daemon = (struct daemon_info){.connection = connection,
                                   .id = strdup(id),
                                   .machine = machine ? strdup(machine) : NULL,
                                   .pid = control_pid(connection)};
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next)
        flow->is_reported = false;
    json_array_foreach(dataflows, i, dataflow) take_dataflow(coordinator, dataflow);
    crash_at(CRASH_REGISTER_BEFORE_ANSWER);
    control_answer(request, json_object());
    coordinator_say(coordinator, "daemon %s (process %d) is here", daemon->id, (int)daemon->pid);
    coordinator->in_grace = false;
    uv_timer_stop(&coordinator->grace);
    fail_unreported(coordinator);
    for (struct flow *flow = coordinator->flows, *next; flow; flow = next) {
        next = flow->next;
        flow_started(flow); /* for whoever asked while the connection was lost */
    }
    coordinator_unpark(coordinator);
}

void daemon_request(struct coordinator *coordinator, struct control_request *request, const char *method,
                    json_t *params)
{
    if (strcmp(method, "daemon.register") == 0) {
        handle_register(coordinator, request, params);
    } else if (strcmp(method, "daemon.update") != 0) {
        control_refusef(request, "invalid", NULL, "a daemon can't ask for `%s`", method);
    } else if (control_asker(request) != coordinator->daemon.connection) {
        control_refusef(request, "refused", NULL, "daemon.register comes first");
    } else {
        take_dataflow(coordinator, json_object_get(params, "dataflow"));
        control_answer(request, json_object());
    }
}

void daemon_gone(struct coordinator *coordinator, const char *why)
{
    coordinator_say(coordinator, "daemon %s (process %d) is gone%s%s", coordinator->daemon.id,
                    (int)coordinator->daemon.pid, why ? ": " : "", why ? why : "");
    forget_daemon(&coordinator->daemon);
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next)
        flow->is_reported = false;
    if (coordinator->shutdown)
        coordinator_end(coordinator);
    else
        daemon_grace(coordinator);
}

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

bool daemon_is_here(const struct coordinator *coordinator, struct control_request *request)
{
    if (coordinator->daemon.connection)
        return true;
    pid_t holder = control_lock_holder(CONTROL_DAEMON_LOCK);
    if (holder > 0)
        control_refusef(request, "no-daemon", "if it stays so, end it and start another one by `dora up`",
                        "the daemon (process %d) is not connected", (int)holder);
    else
        control_refusef(request, "no-daemon", "`dora up` starts one", "no daemon is running on this machine");
    return false;
}

void handle_forward(struct coordinator *coordinator, struct control_request *request, const char *method,
                    json_t *params)
{
    static const struct control_calls calls = {on_progress, on_answer};
    bool may_mean_all = strcmp(method, "metrics") == 0 && !json_object_get(params, "dataflow");
    if (!may_mean_all) {
        struct flow *flow = select_live(coordinator, request, params);
        if (!flow)
            return;
        json_object_set_new(params, "dataflow", json_string(flow->uuid));
    }
    if (daemon_is_here(coordinator, request) &&
        control_send(coordinator->daemon.connection, method, json_incref(params), &calls, request) < 0)
        control_refusef(request, "failed", NULL, "the daemon can't be asked");
}
