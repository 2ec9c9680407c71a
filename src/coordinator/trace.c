/* `trace.read`: nodes note until they are told not to, so whoever asked and is gone without a word is spoken for. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/core.h"

static struct tracer **find(struct coordinator *coordinator, const struct control_connection *asker)
{
    struct tracer **link = &coordinator->tracers;
    while (*link && (*link)->asker != asker)
        link = &(*link)->next;
    return link;
}

static void drop(struct tracer **link)
{
    struct tracer *tracer = *link;
    *link = tracer->next;
    free(tracer);
}

void handle_trace(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    struct flow *flow = select_live(coordinator, request, params);
    if (!flow)
        return;
    struct control_connection *asker = control_asker(request);
    struct tracer **known = find(coordinator, asker);
    if (*known)
        drop(known);
    struct tracer *tracer = asker && json_is_true(json_object_get(params, "on")) ? malloc(sizeof *tracer) : NULL;
    if (tracer) {
        struct machine *from = machine_of(coordinator, asker);
        *tracer = (struct tracer){.next = coordinator->tracers,
                                  .asker = asker,
                                  .machine = flow->part_count > 1 && from ? from : flow->parts[0]->machine};
        strcpy(tracer->uuid, flow->uuid);
        coordinator->tracers = tracer;
    }
    handle_forward(coordinator, request, method, params);
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    (void)context;
    (void)result;
    (void)fault;
}

void trace_asker_gone(struct coordinator *coordinator, const struct control_connection *asker)
{
    static const struct control_calls calls = {.done = on_answer};
    struct tracer **link = find(coordinator, asker);
    if (!*link)
        return;
    if ((*link)->machine->connection)
        control_send((*link)->machine->connection, "trace.read",
                     json_pack("{s:s, s:b}", "dataflow", (*link)->uuid, "on", 0), &calls, NULL);
    drop(link);
}

void trace_free_all(struct coordinator *coordinator)
{
    while (coordinator->tracers)
        drop(&coordinator->tracers);
}
