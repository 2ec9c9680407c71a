/* Parameters of nodes: kept in the state, and told to the node where it runs. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "coordinator/core.h"

enum {
    KEY_MOST = 256,
    VALUE_MOST = 64 << 10,
};

/* A change that the running node is told first, and that is kept once the daemon has taken it. */
struct change {
    struct coordinator *coordinator;
    struct control_request *request;
    char uuid[UUID_TEXT];
    char *node, *key;
    json_t *value; /* NULL: deleted */
};

static void keep(const struct change *change)
{
    struct error error = ERROR_INIT;
    struct store *store = change->coordinator->store;
    int rc = change->value ? store_param_set(store, change->uuid, change->node, change->key, change->value, &error)
                           : store_param_delete(store, change->uuid, change->node, change->key, &error);
    if (rc < 0)
        refuse_error(change->request, &error);
    else
        control_answer(change->request, json_object());
}

static void free_change(struct change *change)
{
    free(change->node);
    free(change->key);
    json_decref(change->value);
    free(change);
}

static void on_told(void *context, json_t *result, const struct control_fault *fault)
{
    struct change *change = context;
    (void)result;
    if (fault)
        control_refuse(change->request, fault);
    else
        keep(change);
    free_change(change);
}

static void make_change(struct coordinator *coordinator, struct control_request *request, const char *uuid,
                        const char *node, const char *key, json_t *value)
{
    static const struct control_calls calls = {.done = on_told};
    struct change *change = calloc(1, sizeof *change);
    if (!change) {
        refuse_memory(request);
        return;
    }
    *change = (struct change){.coordinator = coordinator,
                              .request = request,
                              .node = strdup(node),
                              .key = strdup(key),
                              .value = json_incref(value)};
    strcpy(change->uuid, uuid);
    json_t *told = json_pack("{s:s, s:s, s:s, s:O*}", "dataflow", uuid, "node", node, "key", key, "value", value);
    if (!change->node || !change->key || !told)
        refuse_memory(request);
    else if (!flow_find(coordinator, uuid))
        keep(change);
    else if (!daemon_is_here(coordinator, request))
        ; /* refused */
    else if (control_send(coordinator->daemon.connection, "node.param", json_incref(told), &calls, change) == 0)
        change = NULL;
    else
        control_refusef(request, "failed", NULL, "the daemon can't be told");
    json_decref(told);
    if (change)
        free_change(change);
}

static bool value_fits(const json_t *value)
{
    return json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY) <= VALUE_MOST;
}

void handle_param(struct coordinator *coordinator, struct control_request *request, const char *method, json_t *params)
{
    const char *node = json_string_value(json_object_get(params, "node"));
    const char *key = json_string_value(json_object_get(params, "key"));
    json_t *value = json_object_get(params, "value"), *found = NULL;
    const char *what = method + strlen("param.");
    bool is_list = strcmp(what, "list") == 0, is_set = strcmp(what, "set") == 0;
    char uuid[UUID_TEXT];
    struct error error = ERROR_INIT;
    if (!node || (!is_list && (!key || !key[0] || strlen(key) > KEY_MOST)) ||
        (is_set && (!value || !value_fits(value)))) {
        control_refusef(request, "invalid", NULL, "%s needs a node%s%s", method,
                        is_list ? "" : " and a key of at most 256 bytes",
                        is_set ? ", and a JSON value of at most 64 KiB" : "");
        return;
    }
    if (!select_uuid(coordinator, request, params, uuid))
        return;
    if (is_list) {
        if (store_params(coordinator->store, uuid, node, &found, &error) < 0)
            refuse_error(request, &error);
        else
            control_answer(request, json_pack("{s:o}", "params", found));
    } else if (is_set) {
        make_change(coordinator, request, uuid, node, key, value);
    } else if (store_param_get(coordinator->store, uuid, node, key, &found, &error) < 0) {
        refuse_error(request, &error);
    } else if (strcmp(what, "get") == 0) {
        control_answer(request, json_pack("{s:o}", "value", found));
    } else {
        json_decref(found);
        make_change(coordinator, request, uuid, node, key, NULL);
    }
}
