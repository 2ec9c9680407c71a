#include "cli/complete_names.h"

#include <jansson.h>
#include <string.h>

#include "cli/session.h"

/* The dataflows, which are the caller's, or NULL. Nothing is reported: a line is being typed. */
static json_t *ask(void)
{
    struct control_client *client = NULL;
    json_t *result = NULL;
    if (control_connect(&client, DORA_VERSION, NULL) == 0)
        control_call(client, "dataflow.list", json_pack("{s:b}", "usage", 0), CLOCK_SECOND / 2, NULL, NULL, &result, NULL);
    control_client_close(client);
    return result;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void complete_dataflows(void (*offer)(const char *typed, const char *name, const char *about), const char *typed)
{
    json_t *result = ask(), *dataflow;
    size_t i;
    json_array_foreach(json_object_get(result, "dataflows"), i, dataflow)
        offer(typed, session_name_of(dataflow), text_of(dataflow, "status"));
    json_decref(result);
}

void complete_nodes(void (*offer)(const char *typed, const char *name, const char *about), const char *typed)
{
    json_t *result = ask(), *dataflow, *node;
    size_t i, k;
    json_array_foreach(json_object_get(result, "dataflows"), i,
                       dataflow) if (strcmp(text_of(dataflow, "status"), "running") == 0)
        json_array_foreach(json_object_get(dataflow, "nodes"), k, node)
            offer(typed, text_of(node, "id"), session_name_of(dataflow));
    json_decref(result);
}
