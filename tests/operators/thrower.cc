// An operator in C++ by dora's C interface, out of which an exception comes.
#include <dora/operator_api.h>

#include <stdexcept>

DoraInitResult_t dora_init_operator()
{
    return {{nullptr}, nullptr};
}

DoraResult_t dora_drop_operator(void *)
{
    return {nullptr};
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *, void *)
{
    if (event->input)
        throw std::runtime_error("nobody catches this");
    return {{nullptr}, DORA_STATUS_CONTINUE};
}
