/* `daemon.register`: which machine's daemon it is, whether it may be, and what there is to say to it. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"
#include "coordinator/crash.h"

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
            parts_tell(part, json_string_value(json_array_get(one, 0)), json_incref(json_array_get(one, 1)));
        json_decref(untold);
        for (size_t k = 0; k < flow->part_count; k++) /* it may have been told before; that does no harm */
            if (flow->parts[k] != part && !flow->parts[k]->is_lost && parts_is_over(flow->parts[k]))
                parts_tell(part, "part.ended", parts_ended(flow, flow->parts[k]));
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
            move_look_for_lost(flow);
        }
    }
    catch_up(coordinator, machine);
    lost_watch(coordinator);
    coordinator_unpark(coordinator);
}

void daemon_register(struct coordinator *coordinator, struct control_request *request, json_t *params)
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
    daemon_forget(machine);
    keep_name(coordinator, machine, name);
    machine->connection = connection;
    machine->id = strdup(id);
    machine->labels = json_is_object(labels) ? json_incref(labels) : NULL;
    machine->pid = pid;
    machine->is_lost = false;
    for (struct flow *flow = coordinator->flows; flow; flow = flow->next)
        if (parts_on(flow, machine))
            parts_on(flow, machine)->is_reported = false;
    json_array_foreach(dataflows, i, dataflow) daemon_take(coordinator, machine, dataflow);
    crash_at(CRASH_REGISTER_BEFORE_ANSWER);
    control_answer(request, json_object());
    coordinator_say(coordinator, "daemon %s (process %d) is here", machine->id, (int)machine->pid);
    welcome(coordinator, machine);
}
