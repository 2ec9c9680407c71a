/* Requests that only look, and `dataflow.clean`. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "coordinator/core.h"
#include "graph/graph.h"

/* The live object where it lives, since that one knows its nodes. */
static json_t *dataflow_of(struct coordinator *coordinator, const char *uuid, struct error *error)
{
    struct flow *flow = flow_find(coordinator, uuid);
    json_t *dataflow = NULL;
    if (flow)
        return json_incref(flow->dataflow);
    store_get(coordinator->store, uuid, &dataflow, NULL, NULL, error);
    json_object_del(dataflow, "placement"); /* its nodes say where they were */
    return dataflow;
}

/* Where it runs, which its nodes don't say before their daemons have told of them. Takes over `dataflow`. */
static json_t *with_machines(const struct flow *flow, json_t *dataflow)
{
    json_t *machines = json_array(), *copy = json_copy(dataflow);
    for (size_t i = 0; i < flow->part_count; i++)
        if (flow->parts[i]->machine->name)
            json_array_append_new(machines, json_string(flow->parts[i]->machine->name));
    json_object_set_new(copy, "machines", machines);
    json_decref(dataflow);
    return copy;
}

void handle_get(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    (void)method;
    char uuid[UUID_TEXT];
    struct error error = ERROR_INIT;
    if (!select_uuid(coordinator, request, params, uuid))
        return;
    json_t *dataflow = dataflow_of(coordinator, uuid, &error);
    struct flow *flow = flow_find(coordinator, uuid);
    if (dataflow && flow)
        control_answer(request, with_machines(flow, dataflow));
    else if (dataflow)
        control_answer(request, dataflow);
    else
        refuse_error(request, &error);
}

static void on_ended(void *context, json_t *dataflow, const struct control_fault *fault)
{
    struct control_request *request = context;
    if (flow_is_over(dataflow) || !fault)
        control_answer(request, json_incref(dataflow));
    else
        control_refuse(request, fault);
}

void handle_wait(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    char uuid[UUID_TEXT];
    if (!select_uuid(coordinator, request, params, uuid))
        return;
    struct flow *flow = flow_find(coordinator, uuid);
    if (!flow) {
        json_object_set_new(params, "dataflow", json_string(uuid));
        handle_get(coordinator, request, method, params);
    } else if (flow_wait(flow, request, false, on_ended, request) < 0) {
        refuse_memory(request);
    }
}

enum { LISTED_MOST = 1000 };

struct list {
    struct coordinator *coordinator;
    struct control_request *request;
    const char *status, *name;
    json_t *dataflows;
};

static bool contains(const char *text, const char *part)
{
    return text && strcasestr(text, part);
}

static bool is_wanted(const struct list *list, const json_t *dataflow)
{
    const char *status = flow_status(dataflow);
    if (list->status && strcmp(list->status, "running") == 0 ? flow_is_over(dataflow)
                                                             : list->status && strcmp(list->status, status) != 0)
        return false;
    return !list->name || contains(json_string_value(json_object_get(dataflow, "name")), list->name);
}

static void add(void *context, json_t *dataflow)
{
    struct list *list = context;
    if (json_array_size(list->dataflows) >= LISTED_MOST)
        return;
    const char *uuid = json_string_value(json_object_get(dataflow, "uuid"));
    struct flow *flow = uuid ? flow_find(list->coordinator, uuid) : NULL;
    if (!is_wanted(list, flow ? flow->dataflow : dataflow))
        return;
    json_t *shown = flow ? json_copy(flow->dataflow) : json_incref(dataflow); /* cpu and memory come into the copy */
    if (flow)
        json_object_set_new(shown, "node_count",
                            json_integer((json_int_t)json_array_size(json_object_get(shown, "nodes"))));
    json_array_append_new(list->dataflows, shown);
}

static void finish_list(struct list *list)
{
    control_answer(list->request, json_pack("{s:o}", "dataflows", list->dataflows));
    free(list);
}

static void add_usage(json_t *dataflows, const json_t *node)
{
    size_t i;
    json_t *dataflow;
    const char *of = json_string_value(json_object_get(node, "dataflow"));
    json_array_foreach(dataflows, i, dataflow)
    {
        const char *uuid = json_string_value(json_object_get(dataflow, "uuid"));
        if (!of || !uuid || strcmp(of, uuid) != 0)
            continue;
        double cpu =
            json_number_value(json_object_get(dataflow, "cpu")) + json_number_value(json_object_get(node, "cpu"));
        json_int_t memory = json_integer_value(json_object_get(dataflow, "memory")) +
                            (json_int_t)json_number_value(json_object_get(node, "memory"));
        json_object_set_new(dataflow, "cpu", json_real(cpu));
        json_object_set_new(dataflow, "memory", json_integer(memory));
    }
}

static void on_metrics(void *context, json_t *lists, const struct control_fault *fault)
{
    struct list *list = context;
    size_t i;
    json_t *node;
    (void)fault; /* the list is worth having without */
    json_array_foreach(json_object_get(lists, "nodes"), i, node) add_usage(list->dataflows, node);
    finish_list(list);
}

void handle_list(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    static const char *const keys[] = {"nodes", NULL};
    (void)method;
    struct list *list = calloc(1, sizeof *list);
    json_t *dataflows = json_array();
    if (!list || !dataflows) {
        free(list);
        json_decref(dataflows);
        refuse_memory(request);
        return;
    }
    *list = (struct list){.coordinator = coordinator,
                          .request = request,
                          .status = json_string_value(json_object_get(params, "status")),
                          .name = json_string_value(json_object_get(params, "name")),
                          .dataflows = dataflows};
    struct error error = ERROR_INIT;
    if (store_each(coordinator->store, STORE_ALL, STORE_COUNTED, add, list, &error) < 0) {
        refuse_error(request, &error);
        json_decref(dataflows);
        free(list);
        return;
    }
    if (json_is_false(json_object_get(params, "usage")) || !coordinator->flows)
        finish_list(list);
    else
        ask_every(coordinator, "metrics", json_pack("{s:b}", "brief", true), keys, on_metrics, list);
}

static void collect(void *context, json_t *dataflow)
{
    json_array_append(context, dataflow);
}

void handle_clean(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    (void)method;
    (void)params;
    struct error error = ERROR_INIT;
    json_t *ended = json_array();
    if (!ended) {
        refuse_memory(request);
        return;
    }
    if (store_each(coordinator->store, STORE_ENDED, STORE_COUNTED, collect, ended, &error) < 0 ||
        store_clean(coordinator->store, &error) < 0)
        refuse_error(request, &error);
    else
        control_answer(request, json_pack("{s:O}", "dataflows", ended));
    files_clean(coordinator);
    json_decref(ended);
}

/* What runs may have been changed since it was started. */
void handle_descriptor(struct coordinator *coordinator, struct control_request *request, const char *method,
                       json_t *params)
{
    char uuid[UUID_TEXT];
    struct error error = ERROR_INIT;
    autofree char *yaml = NULL;
    json_t *dataflow = NULL;
    if (!select_uuid(coordinator, request, params, uuid))
        return;
    const struct flow *flow = flow_find(coordinator, uuid);
    if (flow && flow->part_count == 1 && flow->parts[0]->machine->connection) {
        handle_forward(coordinator, request, method, params);
        return;
    }
    if (store_get(coordinator->store, uuid, &dataflow, &yaml, NULL, &error) < 0) {
        refuse_error(request, &error);
        return;
    }
    const char *path = json_string_value(json_object_get(dataflow, "path"));
    struct graph *graph = graph_parse(yaml, strlen(yaml), path ? path : "", NULL, &error);
    autobuf struct buf json = {0};
    if (graph && graph->error_count == 0 && graph_json(graph, &json, &error) == 0)
        control_answer(request, json_pack("{s:s, s:s}", "yaml", yaml, "json", json.data));
    else
        control_refusef(request, "failed", NULL, "the descriptor of dataflow %s can't be read any more%s%s",
                        flow_label(dataflow), error.message[0] ? ": " : "", error.message);
    graph_free(graph);
    json_decref(dataflow);
}
