/* An operator that finds the brightest pixel of a frame, which it reads where the camera wrote it. */
#include <dora/operator.h>
#include <stddef.h>

#include "frame.h"

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
    const dora_event *frame = dora_operator_event(event->input);
    size_t size, brightest = 0;
    const unsigned char *pixels = dora_event_data(frame, &size);
    for (size_t i = 1; i < size; i++)
        if (pixels[i] > pixels[brightest])
            brightest = i;
    struct spot spot = {
        .taken = dora_event_timestamp(frame), .x = (uint32_t)(brightest % WIDTH), .y = (uint32_t)(brightest / WIDTH)};
    result.result = dora_send_operator_output(send_output, "spot", (const uint8_t *)&spot, sizeof spot);
    return result;
}
