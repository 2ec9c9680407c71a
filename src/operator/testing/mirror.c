/* An operator that sends back what it gets, without a copy of its own. */
#include "dora/operator.h"

DoraInitResult_t dora_init_operator(void)
{
    return (DoraInitResult_t){.operator_context = NULL};
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    (void)operator_context;
    return (DoraResult_t){NULL};
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    (void)operator_context;
    OnEventResult_t result = {.status = event->stop ? DORA_STATUS_STOP : DORA_STATUS_CONTINUE};
    if (event->input) {
        size_t size;
        const char *format;
        const void *data = dora_operator_data(event->input, &size, &format);
        result.result = dora_send_operator_output(send_output, "out", data, size);
    }
    return result;
}
