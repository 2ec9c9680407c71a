/* `status` and `shutdown`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "coordinator/core.h"

enum { SHUTDOWN_PATIENCE = 30 /* s: a dataflow's grace times, and some more */ };
/* How long another machine may take to hear that it is to end. */
static const int64_t OTHERS_PATIENCE = 3 * CLOCK_SECOND;

static size_t count_flows(const struct coordinator *coordinator)
{
    size_t count = 0;
    for (const struct flow *flow = coordinator->flows; flow; flow = flow->next)
        count++;
    return count;
}

/* Those with nodes there that run, or may. */
static size_t count_flows_on(const struct coordinator *coordinator, const struct machine *machine)
{
    size_t count = 0;
    for (const struct flow *flow = coordinator->flows; flow; flow = flow->next) {
        const struct part *part = parts_on(flow, machine);
        count += part && !parts_is_over(part);
    }
    return count;
}

/* ---- Status ---- */

enum { MEASURED_WITHIN_MS = 1000 };

struct asked_status {
    struct coordinator *coordinator;
    struct control_request *request; /* NULL: it has been answered without */
    uv_timer_t patience;
    int users; /* the timer, and the request to the daemon */
};

static json_t *describe(struct coordinator *coordinator, struct machine *machine, const struct machine *asker)
{
    struct control_connection *connection = machine->connection;
    return json_pack("{s:s?, s:o, s:s?, s:s?, s:O?, s:b, s:b, s:b, s:I}", "id", machine->id, "pid",
                     connection ? json_integer(machine->pid) : json_null(), "version",
                     connection ? control_version(connection) : NULL, "machine", machine->name, "labels",
                     machine->labels, "alive", connection != NULL, "here", machine == asker, "coordinator",
                     machine->is_here, "dataflows", (json_int_t)count_flows_on(coordinator, machine));
}

/* Of the others, as the gateway beside the coordinator has measured them. */
static void add_distance(json_t *daemon, const json_t *measured)
{
    static const char *const keys[] = {"round_trip", "skew"};
    const char *name = json_string_value(json_object_get(daemon, "machine")), *other;
    json_t *one;
    size_t i;
    json_array_foreach((json_t *)measured, i, one)
    {
        other = json_string_value(json_object_get(one, "machine"));
        for (size_t k = 0; k < 2 && name && other && strcmp(name, other) == 0; k++)
            json_object_set(daemon, keys[k], json_object_get(one, keys[k]) ?: json_null());
    }
}

static void answer_status(struct coordinator *coordinator, struct control_request *request, const json_t *measured)
{
    struct control_connection *connection = control_asker(request);
    const struct machine *asker = connection ? machine_of(coordinator, connection) : NULL;
    json_t *daemons = json_array();
    /* Those that are there first, and among them the coordinator's own. */
    for (int is_gone = 0; is_gone < 2; is_gone++)
        for (struct machine *machine = &coordinator->here; machine; machine = machine->next)
            if ((machine->connection == NULL) == is_gone && (machine->connection || !machine->is_here)) {
                json_t *daemon = describe(coordinator, machine, asker);
                add_distance(daemon, measured);
                json_array_append_new(daemons, daemon);
            }
    double uptime = (double)(clock_now() - coordinator->begun) / (double)CLOCK_SECOND;
    control_answer(request, json_pack("{s:s, s:i, s:i, s:f, s:{s:s, s:i}, s:o, s:I}", "version", coordinator->version,
                                      "protocol", CONTROL_PROTOCOL, "pid", (int)getpid(), "uptime", uptime, "state",
                                      "path", coordinator->store_path, "format", STORE_FORMAT, "daemons", daemons,
                                      "running", (json_int_t)count_flows(coordinator)));
}

static void leave(struct asked_status *asked)
{
    if (--asked->users == 0)
        free(asked);
}

static void on_timer_closed(uv_handle_t *handle)
{
    leave(handle->data);
}

static void answer_once(struct asked_status *asked, const json_t *measured)
{
    if (asked->request) {
        answer_status(asked->coordinator, take_ptr(asked->request), measured);
        uv_close((uv_handle_t *)&asked->patience, on_timer_closed);
    }
}

static void on_measured(void *context, json_t *result, const struct control_fault *fault)
{
    (void)fault;
    answer_once(context, json_object_get(result, "machines"));
    leave(context);
}

static void on_patience(uv_timer_t *timer)
{
    answer_once(timer->data, NULL);
}

/* A daemon that doesn't answer is what somebody may want to know by this. */
static bool measure(struct coordinator *coordinator, struct control_request *request)
{
    static const struct control_calls calls = {.done = on_measured};
    struct asked_status *asked = calloc(1, sizeof *asked);
    if (!asked)
        return false;
    asked->coordinator = coordinator;
    if (control_send(coordinator->here.connection, "metrics", NULL, &calls, asked) < 0) {
        free(asked);
        return false;
    }
    asked->request = request;
    asked->users = 2;
    uv_timer_init(&coordinator->loop, &asked->patience);
    asked->patience.data = asked;
    uv_timer_start(&asked->patience, on_patience, MEASURED_WITHIN_MS, 0);
    return true;
}

void handle_status(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    (void)method;
    (void)params;
    bool has_others = coordinator->here.connection && machine_count_connected(coordinator) > 1;
    if (!has_others || !measure(coordinator, request))
        answer_status(coordinator, request, NULL);
}

/* ---- Shutdown ---- */

/* A daemon, and whose shutdown it is. */
struct ending {
    struct coordinator *coordinator;
    struct machine *machine;
};

static void on_daemon_told(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct ending *ending = context;
    struct coordinator *coordinator = ending->coordinator;
    (void)result;
    ending->machine->is_telling = false;
    /* It goes when its dataflows have ended; if it can't be told, nobody waits for it. */
    if (fault && ending->machine->connection && ending->machine->shutdown)
        control_refuse(take_ptr(ending->machine->shutdown), fault);
    else if (fault && ending->machine->connection && ending->machine->is_here)
        coordinator_end(coordinator);
    else if (coordinator->shutdown)
        shutdown_go_on(coordinator);
}

static bool tell(struct coordinator *coordinator, struct machine *machine)
{
    static const struct control_calls calls = {.done = on_daemon_told};
    struct ending *ending = machine->connection ? malloc(sizeof *ending) : NULL;
    if (!ending)
        return false;
    *ending = (struct ending){coordinator, machine};
    if (control_send(machine->connection, "shutdown", NULL, &calls, ending) == 0)
        return machine->is_telling = true;
    free(ending);
    return false;
}

/* Ends the daemon of the machine that it is asked from; the coordinator stays. */
static void shut_down_one(struct coordinator *coordinator, struct machine *machine, struct control_request *request)
{
    if (machine->shutdown) {
        control_refusef(request, "refused", NULL, "machine `%s` is ending already", machine->name);
        return;
    }
    machine->shutdown = request;
    if (!tell(coordinator, machine))
        control_answer(take_ptr(machine->shutdown), json_object());
}

static void refuse_late(struct control_request *request, const struct machine *machine)
{
    char hint[128];
    snprintf(hint, sizeof hint, "`kill -KILL %d` ends it, and its nodes with it; then `dora down` again",
             (int)machine->pid);
    control_refusef(request, "failed", hint, "the daemon (process %d%s%s) doesn't end", (int)machine->pid,
                    machine->is_here ? "" : " on machine ", machine->is_here ? "" : machine->name);
}

static void on_patience_over(uv_timer_t *timer)
{
    struct coordinator *coordinator = timer->data;
    for (struct machine *machine = &coordinator->here; machine; machine = machine->next) {
        if (machine->connection && machine->shutdown)
            refuse_late(take_ptr(machine->shutdown), machine);
        if (machine->connection && coordinator->shutdown)
            refuse_late(take_ptr(coordinator->shutdown), machine);
    }
}

/* The daemon here goes last: what the others are told goes through its gateway, which ends with it. */
void shutdown_go_on(struct coordinator *coordinator)
{
    if (machine_count_connected(coordinator) == 0) {
        coordinator_end(coordinator);
        return;
    }
    for (const struct machine *machine = coordinator->here.next; machine; machine = machine->next)
        if (machine->is_telling)
            return;
    if (coordinator->own_is_told)
        return;
    coordinator->own_is_told = true;
    int64_t left = coordinator->shutdown_until - clock_now();
    uv_timer_start(&coordinator->shutdown_patience, on_patience_over, left > 0 ? (uint64_t)(left / CLOCK_MILLI) : 0, 0);
    tell(coordinator, &coordinator->here);
}

/* Whoever hasn't answered is cut off. */
static void on_others_late(uv_timer_t *timer)
{
    struct coordinator *coordinator = timer->data;
    for (struct machine *machine = coordinator->here.next; machine; machine = machine->next)
        machine->is_telling = false;
    shutdown_go_on(coordinator);
}

static void shut_down_all(struct coordinator *coordinator, struct control_request *request)
{
    coordinator->shutdown = request;
    coordinator->own_is_told = false;
    for (struct machine *machine = coordinator->here.next; machine; machine = machine->next)
        tell(coordinator, machine);
    int64_t left = coordinator->shutdown_until - clock_now();
    uv_timer_start(&coordinator->shutdown_patience, on_others_late,
                   (uint64_t)((left < OTHERS_PATIENCE ? left : OTHERS_PATIENCE) / CLOCK_MILLI), 0);
    shutdown_go_on(coordinator);
}

void handle_shutdown(struct coordinator *coordinator, struct control_request *request, const char *method,
                     json_t *params)
{
    (void)method;
    const char *from = control_asker(request) ? control_machine(control_asker(request)) : NULL;
    struct machine *machine = from ? machine_find(coordinator, from) : NULL;
    json_t *patience = json_object_get(params, "patience");
    const char *id = json_string_value(json_object_get(params, "daemon"));
    double seconds = patience ? json_number_value(patience) : SHUTDOWN_PATIENCE;
    size_t running = !from ? count_flows(coordinator) : machine ? count_flows_on(coordinator, machine) : 0;
    if (id && machine && (!machine->id || strcmp(machine->id, id) != 0))
        control_refusef(request, "not-found", NULL, "machine `%s` has another daemon than that", machine->name);
    else if (running > 0 && !json_is_true(json_object_get(params, "force")))
        control_refusef(request, "refused", "`dora stop --all` stops them, `dora down --force` does it for you",
                        running == 1 ? "%zu dataflow is running%s%s" : "%zu dataflows are running%s%s", running,
                        from ? " on machine " : "", from ? from : "");
    else if (!(seconds >= 0) || seconds > 1e6 || (patience && !json_is_number(patience)))
        control_refusef(request, "invalid", NULL, "`patience` is no number of seconds");
    else if (from && !machine)
        control_answer(request, json_object());
    else {
        uv_update_time(&coordinator->loop);
        coordinator->shutdown_until = clock_after(clock_now(), (int64_t)(seconds * (double)CLOCK_SECOND));
        uv_timer_start(&coordinator->shutdown_patience, on_patience_over, (uint64_t)(seconds * 1000), 0);
        if (machine)
            shut_down_one(coordinator, machine, request);
        else
            shut_down_all(coordinator, request);
    }
}
