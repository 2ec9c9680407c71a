#include "coordinator/machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "control/paths.h"
#include "coordinator/core.h"
#include "coordinator/placement.h"

bool machine_name_is_valid(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return *name && strlen(name) < 256 && strspn(name, letters) == strlen(name);
}

const char *machine_label(const struct machine *machine)
{
    return machine->name ? machine->name : "its own";
}

struct machine *machine_find(struct coordinator *coordinator, const char *name)
{
    for (struct machine *machine = &coordinator->here; machine; machine = machine->next)
        if (machine->name && strcmp(machine->name, name) == 0)
            return machine;
    return NULL;
}

struct machine *machine_get(struct coordinator *coordinator, const char *name)
{
    struct machine *known = name ? machine_find(coordinator, name) : &coordinator->here,
                   **end = &coordinator->here.next;
    if (known)
        return known;
    size_t count = 1;
    for (; *end; end = &(*end)->next)
        count++;
    struct machine *machine = count < MACHINES_MOST ? calloc(1, sizeof *machine) : NULL;
    if (!machine || !(machine->name = strdup(name))) {
        free(machine);
        return NULL;
    }
    machine->gone_at = clock_now();
    *end = machine;
    return machine;
}

struct machine *machine_of(struct coordinator *coordinator, const struct control_connection *connection)
{
    const char *name = connection ? control_machine(connection) : NULL;
    return name ? machine_find(coordinator, name) : &coordinator->here;
}

static void refuse_here(struct control_request *request)
{
    pid_t holder = control_lock_holder(CONTROL_DAEMON_LOCK);
    if (holder > 0)
        control_refusef(request, "no-daemon", "if it stays so, end it and start another one by `dora up`",
                        "the daemon (process %d) is not connected", (int)holder);
    else
        control_refusef(request, "no-daemon", "`dora up` starts one", "no daemon is running on this machine");
}

bool machine_can_be_asked(const struct machine *machine, struct control_request *request)
{
    if (machine->connection)
        return true;
    if (machine->is_here)
        refuse_here(request);
    else
        control_refusef(request, "no-daemon", "`dora status` shows which machines are there",
                        "machine `%s` is out of reach", machine->name);
    return false;
}

size_t machine_count_connected(const struct coordinator *coordinator)
{
    size_t count = 0;
    for (const struct machine *machine = &coordinator->here; machine; machine = machine->next)
        count += machine->connection != NULL;
    return count;
}

static json_t *write_down(const struct graph *graph, const struct placement_machine *machines, const size_t *where)
{
    json_t *placement = json_object();
    int rc = placement ? 0 : -1;
    for (size_t i = 0; i < graph->node_count && rc == 0; i++) {
        const struct placement_machine *machine = &machines[where[i]];
        rc = json_object_set_new(placement, graph->nodes[i].id,
                                 machine->is_here ? json_null() : json_string(machine->name));
    }
    if (rc == 0)
        return placement;
    json_decref(placement);
    return NULL;
}

static bool is_all_here(const struct graph *graph, const struct placement_machine *machines, const size_t *where)
{
    for (size_t i = 0; i < graph->node_count; i++)
        if (!machines[where[i]].is_here)
            return false;
    return true;
}

static bool place(struct coordinator *coordinator, struct control_request *request, const struct graph *graph,
                  json_t **placement)
{
    struct error error = ERROR_INIT;
    size_t count = machine_count_connected(coordinator), i = 0;
    autofree struct placement_machine *machines = calloc(count + 1, sizeof *machines);
    autofree size_t *where = calloc(graph->node_count + 1, sizeof *where);
    if (!machines || !where) {
        refuse_memory(request);
        return false;
    }
    for (const struct machine *machine = &coordinator->here; machine; machine = machine->next)
        if (machine->connection)
            machines[i++] = (struct placement_machine){machine->name, machine->labels, machine->is_here};
    if (placement_make(graph, machines, count, where, &error) < 0) {
        control_refusef(request, "not-found", "`dora status` shows the machines and their labels", "%s", error.message);
        return false;
    }
    if (is_all_here(graph, machines, where))
        return true;
    *placement = write_down(graph, machines, where);
    if (!*placement)
        refuse_memory(request);
    return *placement != NULL;
}

bool machine_place(struct coordinator *coordinator, struct control_request *request, const char *yaml,
                   json_t **placement)
{
    *placement = NULL;
    /* Reading a large descriptor takes its time: not where nothing can be meant but this machine. */
    if (!strstr(yaml, "deploy"))
        return machine_can_be_asked(&coordinator->here, request);
    struct error error = ERROR_INIT;
    struct graph *graph = graph_parse(yaml, strlen(yaml), "dataflow", NULL, &error);
    bool is_read = graph && graph->error_count == 0;
    if (!is_read)
        control_refusef(request, "invalid", NULL, "the descriptor can't be read: %s",
                        graph && graph->finding_count ? graph->findings[0].message : error.message);
    else if (machine_count_connected(coordinator) == 0)
        is_read = machine_can_be_asked(&coordinator->here, request);
    bool ok = is_read && place(coordinator, request, graph, placement);
    graph_free(graph);
    return ok;
}

void machine_free_all(struct coordinator *coordinator)
{
    for (struct machine *machine = &coordinator->here, *next; machine; machine = next) {
        next = machine->next;
        free(machine->name);
        free(machine->id);
        json_decref(machine->labels);
        if (!machine->is_here)
            free(machine);
    }
}
