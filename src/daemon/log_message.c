#include "daemon/log_message.h"

#include <stdlib.h>
#include <string.h>

static bool read_object(struct log_message *message, json_t *root)
{
    const char *level = json_string_value(json_object_get(root, "level"));
    if (!level || !json_object_get(root, "timestamp"))
        return false;
    message->level = graph_log_level_parse(level);
    if (message->level == GRAPH_LOG_UNSET)
        return false;
    json_t *fields = json_object_get(root, "fields");
    json_t *text = json_object_get(root, "message");
    if (!json_is_string(text))
        text = json_object_get(fields, "message");
    message->message = json_is_string(text) ? json_string_value(text) : "";
    message->len = json_is_string(text) ? json_string_length(text) : 0;
    message->target = json_string_value(json_object_get(root, "target"));
    /* `text` may be the entry that goes now: its string must stay. */
    json_incref(text);
    json_object_set_new(root, "message", text);
    if (json_is_object(fields)) {
        json_object_del(fields, "message");
        if (json_object_size(fields))
            message->fields = json_dumps(fields, JSON_COMPACT);
    }
    return true;
}

bool log_message_parse(struct log_message *message, const char *line, size_t len)
{
    *message = (struct log_message){0};
    if (!len || line[0] != '{')
        return false;
    json_t *root = json_loadb(line, len, 0, NULL);
    message->root = root;
    if (json_is_object(root) && read_object(message, root))
        return true;
    log_message_free(message);
    return false;
}

void log_message_free(struct log_message *message)
{
    free(message->fields);
    json_decref(message->root);
    *message = (struct log_message){0};
}
