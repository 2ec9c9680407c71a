/* `status` and `shutdown`. */
#include <unistd.h>

#include "base/clock.h"
#include "coordinator/core.h"

static size_t count_flows(const struct coordinator *coordinator)
{
    size_t count = 0;
    for (const struct flow *flow = coordinator->flows; flow; flow = flow->next)
        count++;
    return count;
}

void handle_status(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    (void)method;
    (void)params;
    const struct daemon_info *daemon = &coordinator->daemon;
    size_t running = count_flows(coordinator);
    json_t *daemons = json_array();
    if (daemons && daemon->connection)
        json_array_append_new(daemons, json_pack("{s:s?, s:i, s:s, s:s?, s:I}", "id", daemon->id, "pid",
                                                 (int)daemon->pid, "version", control_version(daemon->connection),
                                                 "machine", daemon->machine, "dataflows", (json_int_t)running));
    double uptime = (double)(clock_now() - coordinator->begun) / (double)CLOCK_SECOND;
    control_answer(request, json_pack("{s:s, s:i, s:i, s:f, s:{s:s, s:i}, s:o, s:I}", "version", coordinator->version,
                                      "protocol", CONTROL_PROTOCOL, "pid", (int)getpid(), "uptime", uptime, "state",
                                      "path", coordinator->store_path, "format", STORE_FORMAT, "daemons", daemons,
                                      "running", (json_int_t)running));
}

static void on_daemon_told(void *context, json_t *result, const struct control_fault *fault)
{
    struct coordinator *coordinator = context;
    (void)result;
    /* It goes when its dataflows have ended; if it can't be told, nobody waits for it. */
    if (fault && coordinator->daemon.connection)
        coordinator_end(coordinator);
}

void handle_shutdown(struct coordinator *coordinator, struct control_request *request, const char *method,
                     json_t *params)
{
    static const struct control_calls calls = {.done = on_daemon_told};
    (void)method;
    size_t running = count_flows(coordinator);
    if (running > 0 && !json_is_true(json_object_get(params, "force"))) {
        control_refusef(request, "refused", "`dora stop --all` stops them, `dora down --force` does it for you",
                        running == 1 ? "%zu dataflow is running" : "%zu dataflows are running", running);
        return;
    }
    coordinator->shutdown = request;
    if (!coordinator->daemon.connection ||
        control_send(coordinator->daemon.connection, "shutdown", NULL, &calls, coordinator) < 0)
        coordinator_end(coordinator);
}
