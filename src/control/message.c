#include "control/message.h"

#include <errno.h>
#include <string.h>

static int as_hello(struct control_message *message, json_t *hello)
{
    /* Whatever a later version's hello looks like, its number is read: the user is to learn both. */
    json_t *protocol = json_object_get(hello, "protocol");
    if (!json_is_integer(protocol))
        return -EBADMSG;
    const char *version = json_string_value(json_object_get(hello, "version"));
    const char *role = json_string_value(json_object_get(hello, "role"));
    message->kind = CONTROL_HELLO;
    message->protocol = json_integer_value(protocol);
    message->version = version ? version : "?";
    message->role = role ? role : "?";
    message->machine = json_string_value(json_object_get(hello, "machine"));
    return 0;
}

static int as_request(struct control_message *message, json_t *method)
{
    message->kind = CONTROL_REQUEST;
    message->method = json_string_value(method);
    message->body = json_object_get(message->root, "params");
    if (!message->body) {
        if (json_object_set_new(message->root, "params", json_object()) < 0)
            return -ENOMEM;
        message->body = json_object_get(message->root, "params");
    }
    return message->method && json_is_object(message->body) && message->id > 0 ? 0 : -EBADMSG;
}

static int as_body(struct control_message *message, enum control_kind kind, json_t *body)
{
    message->kind = kind;
    message->body = body;
    return json_is_object(body) && message->id > 0 ? 0 : -EBADMSG;
}

static int as_error(struct control_message *message, json_t *error)
{
    message->kind = CONTROL_ERROR;
    message->fault = (struct control_fault){
        .code = json_string_value(json_object_get(error, "code")),
        .message = json_string_value(json_object_get(error, "message")),
        .hint = json_string_value(json_object_get(error, "hint")),
        .machine = json_string_value(json_object_get(error, "machine")),
    };
    return message->fault.code && message->fault.message ? 0 : -EBADMSG;
}

int control_parse(struct control_message *message, const char *line, size_t len)
{
    *message = (struct control_message){0};
    json_error_t why;
    json_t *root = message->root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return json_error_code(&why) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
    json_t *part = json_object_get(root, "hello");
    if (part)
        return as_hello(message, part);
    json_t *id = json_object_get(root, "id");
    if (!json_is_integer(id) || json_integer_value(id) < 0)
        return -EBADMSG;
    message->id = (uint64_t)json_integer_value(id);
    if ((part = json_object_get(root, "method")))
        return as_request(message, part);
    if ((part = json_object_get(root, "event")))
        return as_body(message, CONTROL_EVENT, part);
    if ((part = json_object_get(root, "result")))
        return as_body(message, CONTROL_RESULT, part);
    if ((part = json_object_get(root, "error")))
        return as_error(message, part);
    return -EBADMSG;
}

void control_message_free(struct control_message *message)
{
    json_decref(message->root);
    *message = (struct control_message){0};
}

static int add_text(const char *text, size_t len, void *out)
{
    struct buf *buf = out;
    buf_add(buf, text, len);
    return buf->failed ? -1 : 0;
}

/* What is written may hold text that is not UTF-8 only by a mistake of ours: jansson refuses it when it is put in. */
static void add_json(struct buf *out, json_t *json)
{
    if (!json)
        buf_puts(out, "{}");
    else if (json_dump_callback(json, add_text, out, JSON_COMPACT | JSON_ENCODE_ANY) < 0)
        out->failed = true;
}

static int finish(struct buf *out, size_t start)
{
    buf_puts(out, "}\n");
    if (out->failed || out->len - start <= CONTROL_LINE_MOST)
        return 0;
    out->len = start;
    out->data[start] = '\0';
    return -EMSGSIZE;
}

static int write_id(struct buf *out, uint64_t id, const char *what, json_t *json)
{
    size_t start = out->len;
    buf_printf(out, "{\"id\":%llu,\"%s\":", (unsigned long long)id, what);
    add_json(out, json);
    return finish(out, start);
}

void control_write_hello(struct buf *out, const char *role, const char *version)
{
    buf_printf(out, "{\"hello\":{\"protocol\":%d,\"version\":\"%s\",\"role\":\"%s\"}}\n", CONTROL_PROTOCOL, version,
               role);
}

int control_write_request(struct buf *out, uint64_t id, const char *method, json_t *params)
{
    size_t start = out->len;
    json_t *name = json_string(method); /* may be what somebody else asked for, and is passed on */
    buf_printf(out, "{\"id\":%llu,\"method\":", (unsigned long long)id);
    add_json(out, name);
    json_decref(name);
    buf_puts(out, ",\"params\":");
    add_json(out, params);
    return finish(out, start);
}

int control_write_event(struct buf *out, uint64_t id, json_t *event)
{
    return write_id(out, id, "event", event);
}

int control_write_result(struct buf *out, uint64_t id, json_t *result)
{
    return write_id(out, id, "result", result);
}

int control_write_error(struct buf *out, uint64_t id, const struct control_fault *fault)
{
    json_t *error = json_pack("{s:s, s:s}", "code", fault->code, "message", fault->message);
    if (!error) /* not UTF-8, such as the name of a file, or no memory */
        error = json_pack("{s:s, s:s}", "code", fault->code, "message", "an error whose text is not UTF-8");
    if (error && fault->hint)
        json_object_set_new(error, "hint", json_string(fault->hint));
    if (error && fault->machine)
        json_object_set_new(error, "machine", json_string(fault->machine));
    if (!error) {
        out->failed = true;
        return 0;
    }
    int rc = write_id(out, id, "error", error);
    json_decref(error);
    return rc;
}
