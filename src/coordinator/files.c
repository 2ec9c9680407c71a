/* Programs that are carried to the machines that run them: where to, and what of it is not needed any more. */
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"

static json_t *name_of(const struct machine *machine)
{
    return machine->name ? json_string(machine->name) : json_null();
}

/* Where one node would run, and which others could take it over. */
static json_t *machines_of(struct coordinator *coordinator, const struct graph_node *node, const json_t *placement)
{
    json_t *list = json_array();
    struct machine *first = machine_get(coordinator, json_string_value(json_object_get(placement, node->id)));
    json_array_append_new(list, first ? name_of(first) : json_null());
    if (node->machine || !node->label_count)
        return list;
    for (struct machine *machine = &coordinator->here; machine; machine = machine->next)
        if (machine != first && machine->connection && placement_fits(node, machine->labels))
            json_array_append_new(list, name_of(machine));
    return list;
}

void handle_place(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    (void)method;
    const char *yaml = json_string_value(json_object_get(params, "yaml"));
    const struct machine *asker = machine_of(coordinator, control_asker(request));
    struct error error = ERROR_INIT;
    json_t *placement = NULL, *machines = json_object();
    if (!yaml) {
        control_refusef(request, "invalid", NULL, "dataflow.place needs the text yaml");
    } else if (machine_place(coordinator, request, yaml, &placement)) {
        struct graph *graph = graph_parse(yaml, strlen(yaml), "dataflow", NULL, &error);
        for (size_t i = 0; graph && i < graph->node_count; i++)
            json_object_set_new(machines, graph->nodes[i].id, machines_of(coordinator, &graph->nodes[i], placement));
        graph_free(graph);
        control_answer(request,
                       json_pack("{s:o, s:O}", "here", asker ? name_of(asker) : json_null(), "machines", machines));
    }
    json_decref(placement);
    json_decref(machines);
}

static void on_answer(void *context, json_t *result, const struct control_fault *fault)
{
    struct control_request *request = context;
    if (result)
        control_answer(request, json_incref(result));
    else
        control_refuse(request, fault);
}

void handle_file(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    static const struct control_calls calls = {.done = on_answer};
    json_t *name = json_object_get(params, "machine");
    struct machine *machine = json_is_string(name) ? machine_find(coordinator, json_string_value(name))
                              : json_is_null(name) ? &coordinator->here
                                                   : NULL;
    if (strcmp(method, "file.offer") != 0 && strcmp(method, "file.put") != 0)
        control_refusef(request, "invalid", NULL, "this coordinator knows no request `%s`", method);
    else if (!machine)
        control_refusef(request, "not-found", "`dora status` shows the machines", "there is no machine `%s`",
                        json_string_value(name) ?: "?");
    else if (machine_can_be_asked(machine, request) &&
             control_send(machine->connection, method, json_incref(params), &calls, request) < 0)
        refuse_memory(request);
}

static void add_files(void *context, json_t *dataflow)
{
    json_array_append(context, json_object_get(dataflow, "uuid"));
}

static void ignore(void *context, json_t *result, const struct control_fault *fault)
{
    (void)context, (void)result, (void)fault;
}

/* What the dataflows that live were started with. NULL: it can't be told. */
static json_t *files_in_use(struct coordinator *coordinator)
{
    json_t *keep = json_array(), *uuids = json_array(), *uuid, *file;
    size_t i;
    const char *node;
    int rc = store_each(coordinator->store, STORE_LIVE, STORE_BRIEF, add_files, uuids, NULL);
    json_array_foreach(uuids, i, uuid)
    {
        json_t *options = NULL;
        if (rc == 0)
            rc = store_get(coordinator->store, json_string_value(uuid), NULL, NULL, &options, NULL);
        json_object_foreach(json_object_get(json_object_get(options, "files"), "nodes"), node, file)
            json_array_append(keep, json_object_get(file, "sha256"));
        json_decref(options);
    }
    json_decref(uuids);
    if (rc == 0)
        return keep;
    json_decref(keep);
    return NULL;
}

void files_clean(struct coordinator *coordinator)
{
    static const struct control_calls calls = {.done = ignore};
    json_t *keep = files_in_use(coordinator);
    for (struct machine *machine = keep ? &coordinator->here : NULL; machine; machine = machine->next)
        if (machine->connection)
            control_send(machine->connection, "file.clean", json_pack("{s:O}", "keep", keep), &calls, NULL);
    json_decref(keep);
}
