/* `dataflow.start`: the row first, so that nothing runs that nobody knows of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"
#include "coordinator/crash.h"

/* A request to the daemon outlives the flow it is about, where that one fails meanwhile. */
struct starting {
    struct coordinator *coordinator;
    const struct machine *machine;
    char uuid[UUID_TEXT];
};

static void start_failed(struct flow *flow, struct part *part, const struct control_fault *fault)
{
    if (flow->part_count == 1) {
        flow_fail(flow, fault->message, fault);
        return;
    }
    json_decref(parts_end(flow, part, fault->message));
    barrier_fail(flow, part, fault->code, fault->message);
    move_heard(flow, part);
    flow_settle(flow);
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    autofree struct starting *starting = context;
    struct flow *flow = flow_find(starting->coordinator, starting->uuid);
    struct part *part = flow ? parts_on(flow, starting->machine) : NULL;
    if (!part || part->is_rest || (fault && strcmp(fault->code, "lost") == 0))
        return; /* the daemon says what became of it when it is back */
    crash_at(CRASH_START_AFTER_ANSWER);
    part->is_started = true;
    if (fault) {
        start_failed(flow, part, fault);
    } else if (flow_is_over(result) || json_is_array(json_object_get(result, "nodes"))) {
        flow_update(flow, part, result);
    }
    flow = flow_find(starting->coordinator, starting->uuid);
    if (flow)
        flow_started(flow);
}

static void on_settled(void *context, json_t *dataflow, const struct control_fault *fault)
{
    struct control_request *request = context;
    if (fault)
        control_refuse(request, fault);
    else
        control_answer(request, json_incref(dataflow));
}

int start_part(struct flow *flow, struct part *part, const char *yaml, json_t *options, json_t *ended)
{
    static const struct control_calls calls = {.done = on_answer};
    struct starting *starting = malloc(sizeof *starting);
    json_t *params =
        json_pack("{s:s, s:s, s:O, s:O, s:O, s:O}", "yaml", yaml, "uuid", flow->uuid, "path",
                  json_object_get(flow->dataflow, "path"), "directory", json_object_get(flow->dataflow, "directory"),
                  "name", json_object_get(flow->dataflow, "name"), "options", options);
    if (params && flow->part_count > 1) {
        json_object_set_new(params, "machine", json_string(machine_label(part->machine)));
        json_object_set_new(params, "placement", parts_names(flow));
    }
    if (params && ended) {
        json_object_set_new(params, "again", json_true());
        json_object_set(params, "ended", ended);
    }
    json_decref(ended);
    int rc = starting && params && part->machine->connection ? 0 : -ENOMEM;
    if (rc == 0) {
        *starting = (struct starting){.coordinator = flow->coordinator, .machine = part->machine};
        strcpy(starting->uuid, flow->uuid);
        rc = control_send(part->machine->connection, "dataflow.start", params, &calls, starting);
    } else {
        json_decref(params);
    }
    if (rc < 0)
        free(starting);
    return rc;
}

static const char *name_of(const json_t *dataflow)
{
    return json_string_value(json_object_get(dataflow, "name"));
}

static bool is_free(struct coordinator *coordinator, struct control_request *request, const json_t *dataflow)
{
    const char *name = name_of(dataflow), *uuid = json_string_value(json_object_get(dataflow, "uuid"));
    for (struct flow *flow = coordinator->flows; name && flow; flow = flow->next) {
        const char *other = name_of(flow->dataflow);
        if (other && strcmp(name, other) == 0) {
            control_refusef(request, "exists", "choose another name, or stop that one first",
                            "a dataflow named `%s` is running already (%s)", name, flow->uuid);
            return false;
        }
    }
    if (store_get(coordinator->store, uuid, NULL, NULL, NULL, NULL) == 0) {
        control_refusef(request, "exists", NULL, "there is a dataflow with the id %s already", uuid);
        return false;
    }
    return true;
}

static void start_parts(struct flow *flow, const struct start_wish *wish)
{
    static const struct control_fault fault = {.code = "failed",
                                               .message = "the daemon could not be asked to start it"};
    struct part *failed = NULL;
    for (size_t i = 0; i < flow->part_count; i++) {
        flow->parts[i]->is_reported = true;
        if (start_part(flow, flow->parts[i], wish->yaml, wish->options, NULL) < 0)
            failed = flow->parts[i];
        if (i == 0)
            crash_at(CRASH_START_AFTER_FIRST_PART);
    }
    if (failed)
        start_failed(flow, failed, &fault);
}

static void start(struct coordinator *coordinator, struct start_wish *wish)
{
    struct control_request *request = wish->request;
    const char *uuid = json_string_value(json_object_get(wish->dataflow, "uuid"));
    struct error error = ERROR_INIT;
    json_t *placement = NULL;
    json_object_del(wish->dataflow, "placement"); /* an earlier run's */
    if (!machine_place(coordinator, request, wish->yaml, &placement))
        return;
    if (placement)
        json_object_set_new(wish->dataflow, "placement", placement);
    if (!is_free(coordinator, request, wish->dataflow))
        return;
    crash_at(CRASH_START_BEFORE_ROW);
    int rc = store_add(coordinator->store, wish->dataflow, wish->yaml, wish->options, &error);
    if (rc == 0 && wish->params_of)
        rc = store_params_copy(coordinator->store, wish->params_of, uuid, &error);
    if (rc < 0) {
        refuse_error(request, &error);
        return;
    }
    crash_at(CRASH_START_AFTER_ROW);
    struct flow *flow = flow_add(coordinator, take_ptr(wish->dataflow));
    if (!flow) {
        refuse_memory(request); /* the next coordinator finds the row, and that nobody runs it */
        return;
    }
    if (!wish->until_started)
        control_answer(request, json_deep_copy(flow->dataflow));
    else if (flow_wait(flow, request, true, on_settled, request) < 0)
        refuse_memory(request);
    start_parts(flow, wish);
    crash_at(CRASH_START_AFTER_DAEMON);
}

void start_dataflow(struct coordinator *coordinator, struct start_wish *wish)
{
    if (wish->dataflow && wish->yaml && wish->options)
        start(coordinator, wish);
    else
        refuse_memory(wish->request);
    json_decref(wish->dataflow);
    json_decref(wish->options);
    free(wish->yaml);
}

static bool is_uuid(const char *text)
{
    if (strlen(text) != UUID_TEXT - 1)
        return false;
    for (int i = 0; i < UUID_TEXT - 1; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i]))
            return false;
    }
    return true;
}

void handle_start(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    (void)method;
    const char *yaml, *path, *directory, *uuid, *name, *wait = "started";
    json_t *options = NULL, *name_or_null = json_object_get(params, "name");
    if (json_unpack(params, "{s:s, s:s, s:s, s:s, s?o, s?s}", "yaml", &yaml, "path", &path, "directory", &directory,
                    "uuid", &uuid, "options", &options, "wait", &wait) < 0 ||
        (name_or_null && !json_is_null(name_or_null) && !json_is_string(name_or_null))) {
        control_refusef(request, "invalid", NULL, "dataflow.start needs the texts yaml, path, directory and uuid");
        return;
    }
    name = json_string_value(name_or_null);
    bool accepted = strcmp(wait, "accepted") == 0;
    if (!is_uuid(uuid) || directory[0] != '/' || (name && !name[0]) || (!accepted && strcmp(wait, "started") != 0) ||
        (options && !json_is_object(options))) {
        control_refusef(
            request, "invalid", NULL,
            "dataflow.start needs a UUID in small letters, an absolute directory, options that are an object, "
            "and `started` or `accepted` to wait for");
        return;
    }
    struct start_wish wish = {
        .request = request,
        .dataflow = json_pack("{s:s, s:s?, s:s, s:s, s:s, s:f, s:n, s:n, s:[]}", "uuid", uuid, "name", name, "path",
                              path, "directory", directory, "status", "starting", "started", coordinator_time(),
                              "ended", "error", "nodes"),
        .yaml = strdup(yaml),
        .options = options ? json_incref(options) : json_object(),
        .until_started = !accepted,
    };
    start_dataflow(coordinator, &wish);
}
