/* How loud a block of sound is: the root of the mean of the squares. */
#include <dora/operator.h>
#include <math.h>

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
    OnEventResult_t result = {.status = DORA_STATUS_CONTINUE};
    if (!event->input)
        return result;
    const dora_event *sound = dora_operator_event(event->input);
    size_t size;
    const float *samples = dora_event_data(sound, &size);
    double sum = 0;
    for (size_t i = 0; i < size / sizeof *samples; i++)
        sum += (double)samples[i] * samples[i];
    double loudness = size ? sqrt(sum * sizeof *samples / size) : 0;
    dora_send(dora_operator_node(send_output), "loudness", &loudness, sizeof loudness, dora_event_params(sound));
    return result;
}
