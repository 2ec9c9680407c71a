// An operator as dora's users write it in C++ over the C interface.
extern "C"
{
#include "operator_api.h"
}

#include <cstring>
#include <iostream>
#include <memory>

class Operator
{
public:
    Operator() {}
};

extern "C" DoraInitResult_t dora_init_operator()
{
    Operator *op = std::make_unique<Operator>().release();

    DoraInitResult_t result = {.operator_context = (void *)op};
    return result;
}

extern "C" DoraResult_t dora_drop_operator(void *operator_context)
{
    delete (Operator *)operator_context;
    return {};
}

extern "C" OnEventResult_t dora_on_event(
    RawEvent_t *event,
    const SendOutput_t *send_output,
    void *operator_context)
{
    (void)operator_context;
    if (event->input != NULL)
    {
        char *id = dora_read_input_id(event->input);
        Vec_uint8_t data = dora_read_data(event->input);
        std::cout << "input `" << id << "` of " << data.len << " bytes" << std::endl;
        char *out_id = strdup("half-status");
        DoraResult_t send_result = dora_send_operator_output(send_output, out_id, data.ptr, data.len / 2);
        free(out_id);
        OnEventResult_t result = {.result = send_result, .status = DORA_STATUS_CONTINUE};
        dora_free_data(data);
        dora_free_input_id(id);
        return result;
    }
    if (event->stop)
    {
        printf("stop\n");
    }

    OnEventResult_t result = {.status = DORA_STATUS_CONTINUE};
    return result;
}
