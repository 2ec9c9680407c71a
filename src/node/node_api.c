/* dora's C node interface on top of this library's own. */
#include "dora/node_api.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "node/node.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT void *init_dora_context_from_env(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) == 0)
        return node;
    fprintf(stderr, "dora: %s\n", error.message);
    return NULL;
}

EXPORT void free_dora_context(void *context)
{
    dora_node_close(context);
}

EXPORT void *dora_next_event(void *context)
{
    dora_event *event;
    return context && dora_next(context, &event, DORA_FOREVER) == 0 ? event : NULL;
}

EXPORT void free_dora_event(void *event)
{
    dora_event_free(event);
}

EXPORT enum DoraEventType read_dora_event_type(void *event)
{
    switch (dora_event_type(event)) {
    case DORA_EVENT_STOP:
        return DoraEventType_Stop;
    case DORA_EVENT_INPUT:
        return DoraEventType_Input;
    case DORA_EVENT_INPUT_CLOSED:
        return DoraEventType_InputClosed;
    case DORA_EVENT_ERROR:
        return DoraEventType_Error;
    default:
        return DoraEventType_Unknown;
    }
}

EXPORT void read_dora_input_id(void *event, char **out_ptr, size_t *out_len)
{
    bool input = dora_event_type(event) == DORA_EVENT_INPUT;
    *out_ptr = input ? (char *)dora_event_id(event) : NULL;
    *out_len = input ? strlen(*out_ptr) : 0;
}

EXPORT void read_dora_input_data(void *event, char **out_ptr, size_t *out_len)
{
    *out_ptr = NULL;
    *out_len = 0;
    if (dora_event_type(event) != DORA_EVENT_INPUT || dora_event_size(event) == 0)
        return;
    if (strcmp(dora_event_format(event), "C") == 0)
        *out_ptr = (char *)dora_event_data(event, out_len);
    else
        fprintf(stderr, "dora: input `%s` carries an Arrow array of type `%s`, not bytes: read it with dora.h\n",
                dora_event_id(event), dora_event_format(event));
}

EXPORT unsigned long long read_dora_input_timestamp(void *event)
{
    return dora_event_type(event) == DORA_EVENT_INPUT ? dora_event_timestamp(event) : 0;
}

/* Warns of an output the descriptor doesn't have: the first time only, so that a fast node doesn't flood its log. */
static void warn_unknown(dora_node *node, const char *id, size_t len)
{
    /* relaxed: at worst two threads warn. */
    if (atomic_exchange_explicit(&node->warned, true, memory_order_relaxed))
        return;
    fprintf(stderr, "dora: node `%s` sends on `%.*s`, which is not among its outputs; nothing is sent\n", node->id,
            (int)len, id);
}

EXPORT int dora_send_output(void *context, const char *id_ptr, size_t id_len, const char *data_ptr, size_t data_len)
{
    dora_node *node = context;
    if (!id_ptr || id_len == 0 || (!data_ptr && data_len)) {
        fprintf(stderr, "dora: dora_send_output: no %s given\n", id_ptr && id_len ? "data" : "output id");
        return -1;
    }
    struct publish_data what = {.bytes = data_ptr, .size = data_len, .block = ARENA_NONE, .format = 'C'};
    int rc = publish(node, id_ptr, id_len, what, NULL);
    if (rc == -ENOENT) {
        warn_unknown(node, id_ptr, id_len);
        return 0;
    }
    if (rc < 0)
        fprintf(stderr, "dora: dora_send_output: %s\n", dora_node_error(node));
    return rc < 0 ? -1 : 0;
}

EXPORT int dora_log(void *context, const char *level_ptr, size_t level_len, const char *msg_ptr, size_t msg_len)
{
    static const struct {
        const char *name;
        dora_log_level level;
    } levels[] = {{"error", DORA_LOG_ERROR}, {"warn", DORA_LOG_WARN},   {"warning", DORA_LOG_WARN},
                  {"debug", DORA_LOG_DEBUG}, {"trace", DORA_LOG_TRACE}, {"info", DORA_LOG_INFO}};
    dora_log_level level = DORA_LOG_INFO;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strlen(levels[i].name) == level_len && strncasecmp(levels[i].name, level_ptr, level_len) == 0)
            level = levels[i].level;
    autofree char *message = strndup(msg_ptr ? msg_ptr : "", msg_len);
    return message && dora_log_message(context, level, message) == 0 ? 0 : -1;
}
