/* An operator that says what it is called for, and does what its input says. Two environment variables make it fail. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dora/operator.h"

struct probe {
    int events;
};

EXPORT _Atomic int probe_inits, probe_drops;

static DoraResult_t failed(const char *text)
{
    DoraResult_t result = {malloc(sizeof *result.error)};
    if (result.error)
        *result.error = (Vec_uint8_t){(uint8_t *)strdup(text), strlen(text), strlen(text) + 1};
    return result;
}

DoraInitResult_t dora_init_operator(void)
{
    probe_inits++;
    if (getenv("PROBE_INIT"))
        return (DoraInitResult_t){.result = failed(getenv("PROBE_INIT"))};
    return (DoraInitResult_t){.operator_context = calloc(1, sizeof(struct probe))};
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    probe_drops++;
    free(operator_context);
    return getenv("PROBE_DROP") ? failed(getenv("PROBE_DROP")) : (DoraResult_t){NULL};
}

static DoraResult_t say(const SendOutput_t *send_output, const char *what, const void *text, size_t len)
{
    char line[100];
    int size = snprintf(line, sizeof line, "%s %.*s", what, (int)len, (const char *)text);
    return dora_send_operator_output(send_output, "out", (const uint8_t *)line, (size_t)size);
}

static OnEventResult_t obey(const SendOutput_t *send_output, const char *id, Vec_uint8_t data)
{
    char text[100];
    snprintf(text, sizeof text, "%.*s", data.ptr ? (int)data.len : 7, data.ptr ? (const char *)data.ptr : "nothing");
    if (strcmp(text, "stop") == 0)
        return (OnEventResult_t){.status = DORA_STATUS_STOP};
    if (strcmp(text, "stop all") == 0)
        return (OnEventResult_t){.status = DORA_STATUS_STOP_ALL};
    if (strcmp(text, "fail") == 0)
        return (OnEventResult_t){failed("as it was told"), DORA_STATUS_CONTINUE};
    if (strcmp(text, "no status") == 0)
        return (OnEventResult_t){.status = 9};
    if (strcmp(text, "elsewhere") == 0)
        return (OnEventResult_t){.result = dora_send_operator_output(send_output, "no such output", NULL, 0)};
    if (strcmp(text, "without") == 0)
        return (OnEventResult_t){.result = dora_send_operator_output(send_output, "out", NULL, 1)};
    return (OnEventResult_t){.result = say(send_output, id, text, strlen(text))};
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    OnEventResult_t result = {.status = DORA_STATUS_CONTINUE};
    struct probe *probe = operator_context;
    probe->events++;
    if (event->input) {
        char *id = dora_read_input_id(event->input);
        Vec_uint8_t data = dora_read_data(event->input);
        bool twice = data.len == 5 && memcmp(data.ptr, "twice", 5) == 0 && dora_read_data(event->input).ptr;
        result = twice ? (OnEventResult_t){.result = failed("data was read twice")} : obey(send_output, id, data);
        dora_free_data(data);
        dora_free_input_id(id);
    } else if (event->input_closed.ptr) {
        result.result = say(send_output, "closed", event->input_closed.ptr, event->input_closed.len);
    } else if (event->stop) {
        result.result = say(send_output, "stop", "", 0);
    } else if (event->error.ptr) {
        result.result = say(send_output, "error", event->error.ptr, event->error.len);
    }
    return result;
}
