/* The daemons' connections: what they say, and what happens when one goes. */
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

static bool runs_here(const struct coordinator *coordinator)
{
    for (const struct flow *flow = coordinator->flows; flow; flow = flow->next)
        if (parts_on(flow, &coordinator->here))
            return true;
    return false;
}

static void on_grace(uv_timer_t *timer)
{
    struct coordinator *coordinator = timer->data;
    coordinator->in_grace = false;
    if (coordinator->here.connection)
        return;
    /* As long as its process lives, so do its dataflows: it is only slow. */
    if (runs_here(coordinator) && control_lock_holder(CONTROL_DAEMON_LOCK) != 0)
        uv_timer_start(timer, on_grace, GRACE_MS, 0);
    else
        lost_unreported(coordinator, &coordinator->here);
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
static struct flow *take_in(struct coordinator *coordinator, const struct machine *machine, const json_t *dataflow)
{
    const char *uuid = json_string_value(json_object_get(dataflow, "uuid"));
    struct error error = ERROR_INIT;
    json_t *known = NULL;
    int rc = store_get(coordinator->store, uuid, &known, NULL, NULL, &error);
    if (rc == -ENOENT) {
        known = json_deep_copy(dataflow);
        json_object_del(known, "placement"); /* it is ours to make */
        json_t *node, *placement = machine->is_here ? NULL : json_object();
        size_t i;
        json_array_foreach(json_object_get(known, "nodes"), i, node) if (placement)
        {
            const char *id = json_string_value(json_object_get(node, "id"));
            json_object_set_new(placement, id ? id : "?", json_string(machine->name));
        }
        if (placement)
            json_object_set_new(known, "placement", placement);
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
    const json_t *nodes = json_object_get(dataflow, "nodes"), *node;
    bool known = false;
    size_t i;
    for (i = 0; i < sizeof statuses / sizeof *statuses; i++)
        known |= strcmp(status, statuses[i]) == 0;
    json_array_foreach((json_t *)nodes, i, node) known &= json_is_object(node);
    return known && uuid && strlen(uuid) == UUID_TEXT - 1 && json_is_array(nodes);
}

void daemon_take(struct coordinator *coordinator, struct machine *machine, const json_t *dataflow)
{
    if (!is_dataflow(dataflow)) {
        coordinator_say(coordinator, "the daemon says what is no dataflow");
        return;
    }
    const char *uuid = json_string_value(json_object_get(dataflow, "uuid"));
    struct flow *flow = flow_find(coordinator, uuid);
    if (!flow)
        flow = take_in(coordinator, machine, dataflow);
    struct part *part = flow ? parts_on(flow, machine) : NULL;
    if (part && !part->is_rest) {
        flow_update(flow, part, dataflow);
    } else if (flow && !flow_is_over(dataflow)) {
        struct part stray = {.machine = machine};
        coordinator_say(coordinator, "machine %s still runs nodes of dataflow %s that are elsewhere now",
                        machine_label(machine), uuid);
        parts_tell(&stray, "dataflow.stop", json_pack("{s:s, s:b}", "dataflow", uuid, "force", 1));
    }
}

static void on_asked(void *context, json_t *lists, const struct control_fault *fault)
{
    (void)fault;
    control_answer(context, json_pack("{s:b}", "answers", lists != NULL));
}

/* One daemon wants to know whether it alone can't reach another machine. */
static void answer_whether_it_answers(struct coordinator *coordinator, struct control_request *request, json_t *params)
{
    static const char *const keys[] = {"nodes", NULL};
    const char *name = json_string_value(json_object_get(params, "machine"));
    struct machine *machine = name ? machine_find(coordinator, name) : NULL;
    if (machine && machine->connection)
        ask_all(coordinator, &machine, 1, "metrics", json_pack("{s:b}", "brief", true), keys, on_asked, request);
    else
        control_answer(request, json_pack("{s:b}", "answers", false));
}

void daemon_request(struct coordinator *coordinator, struct control_request *request, const char *method,
                    json_t *params)
{
    struct control_connection *asker = control_asker(request);
    struct machine *machine = machine_of(coordinator, asker);
    if (strcmp(method, "daemon.register") == 0) {
        daemon_register(coordinator, request, params);
    } else if (strcmp(method, "daemon.update") != 0 && strcmp(method, "dataflow.ready") != 0 &&
               strcmp(method, "dataflow.stop") != 0 && strcmp(method, "machine.answers") != 0) {
        control_refusef(request, "invalid", NULL, "a daemon can't ask for `%s`", method);
    } else if (!machine || asker != machine->connection) {
        control_refusef(request, "refused", NULL, "daemon.register comes first");
    } else if (strcmp(method, "dataflow.ready") == 0) {
        handle_ready(coordinator, request, params);
    } else if (strcmp(method, "dataflow.stop") == 0) {
        handle_stop(coordinator, request, method, params);
    } else if (strcmp(method, "machine.answers") == 0) {
        answer_whether_it_answers(coordinator, request, params);
    } else {
        daemon_take(coordinator, machine, json_object_get(params, "dataflow"));
        control_answer(request, json_object());
    }
}

void daemon_forget(struct machine *machine)
{
    free(take_ptr(machine->id));
    json_decref(take_ptr(machine->labels));
    machine->connection = NULL;
    machine->is_telling = false;
    machine->pid = 0;
}

void daemon_gone(struct coordinator *coordinator, struct machine *machine, const char *why)
{
    coordinator_say(coordinator, "daemon %s (process %d) is gone%s%s", machine->id, (int)machine->pid, why ? ": " : "",
                    why ? why : "");
    daemon_forget(machine);
    machine->gone_at = clock_now();
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next) {
        struct part *part = parts_on(flow, machine);
        if (part)
            part->is_reported = false;
    }
    if (machine->shutdown)
        control_answer(take_ptr(machine->shutdown), json_object());
    if (coordinator->shutdown)
        shutdown_go_on(coordinator);
    else if (machine->is_here)
        daemon_grace(coordinator);
    else
        lost_watch(coordinator);
}
