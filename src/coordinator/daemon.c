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

static void take_dataflow(struct coordinator *coordinator, struct machine *machine, const json_t *dataflow)
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
        parts_tell(flow, &stray, "dataflow.stop", json_pack("{s:s, s:b}", "dataflow", uuid, "force", 1));
    }
}

/* ---- Registering ---- */

static void forget_daemon(struct machine *machine)
{
    free(take_ptr(machine->id));
    json_decref(take_ptr(machine->labels));
    machine->connection = NULL;
    machine->pid = 0;
}

/* Whether the old daemon may be replaced: it is the same one, or its process is gone. */
static bool replaces_old(struct coordinator *coordinator, struct machine *machine,
                         struct control_connection *connection, const char *id, pid_t pid)
{
    if (!machine->connection || machine->connection == connection)
        return true;
    bool is_same = machine->is_here ? machine->pid == pid || kill(machine->pid, 0) < 0
                                    : machine->id && strcmp(machine->id, id) == 0;
    if (!is_same)
        return false;
    struct control_connection *old = machine->connection;
    daemon_gone(coordinator, machine, "another has taken its place");
    coordinator_forget(coordinator, old);
    control_close(old);
    return true;
}

static bool are_labels(const json_t *labels)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)labels, key, value) if (!json_is_string(value)) return false;
    return !labels || json_is_null(labels) || json_is_object(labels);
}

/* The machine that registers, or NULL, and the request is refused. */
static struct machine *registering(struct coordinator *coordinator, struct control_request *request, const char *name)
{
    struct control_connection *connection = control_asker(request);
    const char *from = control_machine(connection), *version = control_version(connection);
    struct machine *known = name ? machine_find(coordinator, name) : NULL;
    if (!from && known && !known->is_here && known->connection) {
        control_refusef(request, "exists", "give this one another name: `--machine-id NAME`",
                        "there is another machine that is called `%s`", name);
        return NULL;
    }
    if (!from)
        return &coordinator->here;
    if (!name || strcmp(from, name) != 0 || !machine_name_is_valid(name))
        control_refusef(request, "invalid", NULL, "the daemon's machine is not the gateway's, `%.100s`", from);
    else if (known && known->is_here)
        control_refusef(request, "exists", "give this one another name: `--machine-id NAME`",
                        "the coordinator's own machine is called `%s`", name);
    else if (strcmp(version, coordinator->version) != 0)
        control_refusef(request, "refused", "run the same version on all machines",
                        "machine `%s` runs dora %.64s, and the coordinator is dora %s", name, version,
                        coordinator->version);
    else if (!(known = machine_get(coordinator, name)))
        refuse_memory(request);
    else
        return known;
    return NULL;
}

static void keep_name(struct coordinator *coordinator, struct machine *machine, const char *name)
{
    /* One that is only remembered by that name would stand for two. */
    if (!machine->is_here || !name || (machine->name && strcmp(machine->name, name) == 0) ||
        machine_find(coordinator, name))
        return;
    char *copy = strdup(name);
    if (copy) {
        free(machine->name);
        machine->name = copy;
    }
}

/* What was to be said to its parts while it was out of reach. */
static void catch_up(struct coordinator *coordinator, struct machine *machine)
{
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next) {
        struct part *part = parts_on(flow, machine);
        if (!part || parts_is_over(part))
            continue;
        json_t *untold = take_ptr(part->untold), *one;
        size_t i;
        json_array_foreach(untold, i, one)
            parts_tell(flow, part, json_string_value(json_array_get(one, 0)), json_incref(json_array_get(one, 1)));
        json_decref(untold);
        if (flow->part_count > 1 && flow->stop && strcmp(flow_status(part->said), "stopping") != 0)
            stop_part(flow, part, flow->stop);
    }
}

static void welcome(struct coordinator *coordinator, struct machine *machine)
{
    if (machine->is_here) {
        coordinator->in_grace = false;
        uv_timer_stop(&coordinator->grace);
    }
    lost_unreported(coordinator, machine);
    for (struct flow *flow = coordinator->flows, *next; flow; flow = next) {
        struct part *part = parts_on(flow, machine);
        next = flow->next;
        if (part && part->is_reported) {
            part->is_started = true;
            flow_started(flow); /* for whoever asked while the connection was lost */
        }
    }
    catch_up(coordinator, machine);
    lost_watch(coordinator);
    coordinator_unpark(coordinator);
}

static void handle_register(struct coordinator *coordinator, struct control_request *request, json_t *params)
{
    const char *id = json_string_value(json_object_get(params, "id"));
    const char *name = json_string_value(json_object_get(params, "machine"));
    json_t *dataflows = json_object_get(params, "dataflows"), *labels = json_object_get(params, "labels"), *dataflow;
    struct control_connection *connection = control_asker(request);
    size_t i;
    if (!id || !json_is_array(dataflows) || !are_labels(labels)) {
        control_refusef(request, "invalid", NULL,
                        "daemon.register needs an id, the list of dataflows, and labels that are texts");
        return;
    }
    struct machine *machine = registering(coordinator, request, name);
    if (!machine)
        return;
    /* The process of a tunnel is the gateway. */
    pid_t pid = machine->is_here ? control_pid(connection) : (pid_t)json_integer_value(json_object_get(params, "pid"));
    if (!replaces_old(coordinator, machine, connection, id, pid)) {
        if (machine->is_here)
            control_refusef(request, "exists", "stop it, or use that one", "a daemon is connected already (process %d)",
                            (int)machine->pid);
        else
            control_refusef(request, "exists", "give this one another name: `--machine-id NAME`",
                            "a daemon of a machine `%s` is connected already", name);
        return;
    }
    forget_daemon(machine);
    keep_name(coordinator, machine, name);
    machine->connection = connection;
    machine->id = strdup(id);
    machine->labels = json_is_object(labels) ? json_incref(labels) : NULL;
    machine->pid = pid;
    machine->is_lost = false;
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next)
        if (parts_on(flow, machine))
            parts_on(flow, machine)->is_reported = false;
    json_array_foreach(dataflows, i, dataflow) take_dataflow(coordinator, machine, dataflow);
    crash_at(CRASH_REGISTER_BEFORE_ANSWER);
    control_answer(request, json_object());
    coordinator_say(coordinator, "daemon %s (process %d) is here", machine->id, (int)machine->pid);
    welcome(coordinator, machine);
}

void daemon_request(struct coordinator *coordinator, struct control_request *request, const char *method,
                    json_t *params)
{
    struct control_connection *asker = control_asker(request);
    struct machine *machine = machine_of(coordinator, asker);
    if (strcmp(method, "daemon.register") == 0) {
        handle_register(coordinator, request, params);
    } else if (strcmp(method, "daemon.update") != 0 && strcmp(method, "dataflow.ready") != 0) {
        control_refusef(request, "invalid", NULL, "a daemon can't ask for `%s`", method);
    } else if (!machine || asker != machine->connection) {
        control_refusef(request, "refused", NULL, "daemon.register comes first");
    } else if (strcmp(method, "dataflow.ready") == 0) {
        handle_ready(coordinator, request, params);
    } else {
        take_dataflow(coordinator, machine, json_object_get(params, "dataflow"));
        control_answer(request, json_object());
    }
}

/* ---- Gone ---- */

void daemon_gone(struct coordinator *coordinator, struct machine *machine, const char *why)
{
    coordinator_say(coordinator, "daemon %s (process %d) is gone%s%s", machine->id, (int)machine->pid, why ? ": " : "",
                    why ? why : "");
    forget_daemon(machine);
    machine->gone_at = clock_now();
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next) {
        struct part *part = parts_on(flow, machine);
        if (part)
            part->is_reported = false;
    }
    if (machine->shutdown)
        control_answer(take_ptr(machine->shutdown), json_object());
    if (coordinator->shutdown && machine_count_connected(coordinator) == 0)
        coordinator_end(coordinator);
    else if (!coordinator->shutdown && machine->is_here)
        daemon_grace(coordinator);
    else
        lost_watch(coordinator);
}
