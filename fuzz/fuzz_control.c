/* What arrives at a control connection, in pieces whose lengths the first bytes choose. What was taken for a message
 * must come back the same when it is written down and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct control_message *one, const struct control_message *other)
{
    if (one->kind != other->kind || one->id != other->id || !!one->body != !!other->body ||
        (one->body && !json_equal(one->body, other->body)) ||
        (one->method && strcmp(one->method, other->method) != 0) ||
        (one->fault.code &&
         (strcmp(one->fault.code, other->fault.code) != 0 || strcmp(one->fault.message, other->fault.message) != 0)))
        abort();
}

static void write_again(const struct control_message *message)
{
    struct buf out = {0};
    struct control_message again;
    if (message->kind == CONTROL_HELLO)
        return;
    if (message->kind == CONTROL_REQUEST)
        control_write_request(&out, message->id, message->method, message->body);
    else if (message->kind == CONTROL_EVENT)
        control_write_event(&out, message->id, message->body);
    else if (message->kind == CONTROL_RESULT)
        control_write_result(&out, message->id, message->body);
    else
        control_write_error(&out, message->id, &message->fault);
    if (out.failed || out.len == 0 || control_parse(&again, out.data, out.len - 1) != 0)
        abort();
    check_same(message, &again);
    control_message_free(&again);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_lines lines = {0};
    struct control_message message;
    size_t pieces = size > 0 ? data[0] % 8 : 0, at = 1 + pieces;
    for (size_t i = 0; at < size; i++) {
        size_t room, len = i < pieces ? data[1 + i] : size - at;
        char *to = control_lines_room(&lines, &room), *line;
        if (!to)
            break;
        len = len < room ? len : room;
        len = len < size - at ? len : size - at;
        memcpy(to, data + at, len);
        at += len;
        control_lines_arrived(&lines, len);
        while (control_lines_next(&lines, &line, &len) == 1) {
            if (strlen(line) > len)
                abort();
            if (control_parse(&message, line, len) == 0)
                write_again(&message);
            control_message_free(&message);
        }
    }
    control_lines_free(&lines);
    return 0;
}
