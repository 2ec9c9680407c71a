/* An operator as dora's users write it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "operator_api.h"

DoraInitResult_t dora_init_operator(void)
{
    DoraInitResult_t result = {.operator_context = calloc(1, sizeof(int))};
    return result;
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    free(operator_context);
    DoraResult_t result = {0};
    return result;
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    OnEventResult_t result = {.status = DORA_STATUS_CONTINUE};
    int *count = operator_context;
    if (event->input) {
        char *id = dora_read_input_id(event->input);
        Vec_uint8_t data = dora_read_data(event->input);
        printf("%s: `%.*s` (%d)\n", id, (int)data.len, (char *)data.ptr, ++*count);
        result.result = dora_send_operator_output(send_output, "reply", data.ptr, data.len);
        dora_free_data(data);
        dora_free_input_id(id);
    }
    if (event->stop)
        result.status = DORA_STATUS_STOP;
    return result;
}
