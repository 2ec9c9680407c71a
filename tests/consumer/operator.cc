// An operator in C++ that uses more of dora than dora's interface has.
extern "C" {
#include "operator_api.h"
}
#include <dora/operator.h>

extern "C" DoraInitResult_t dora_init_operator()
{
    DoraInitResult_t result = {{nullptr}, nullptr};
    return result;
}

extern "C" DoraResult_t dora_drop_operator(void *)
{
    return {nullptr};
}

extern "C" OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *)
{
    OnEventResult_t result = {{nullptr}, DORA_STATUS_CONTINUE};
    if (event->input) {
        size_t size;
        const void *data = dora_event_data(dora_operator_event(event->input), &size);
        if (dora_send(dora_operator_node(send_output), "reply", data, size, nullptr) < 0)
            result.status = DORA_STATUS_STOP;
    }
    return result;
}
