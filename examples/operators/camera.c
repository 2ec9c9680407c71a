/* An operator that makes a frame on every tick: a bright spot that wanders. It writes the frame straight into shared
 * memory. */
#include <dora/operator.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"

enum { FRAMES = 100 };

DoraInitResult_t dora_init_operator(void)
{
    DoraInitResult_t result = {.operator_context = calloc(1, sizeof(unsigned))};
    return result;
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    free(operator_context);
    return (DoraResult_t){NULL};
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    OnEventResult_t result = {.status = DORA_STATUS_CONTINUE};
    unsigned *count = operator_context;
    dora_node *node = dora_operator_node(send_output);
    dora_sample *frame;
    if (!event->input || dora_loan(node, WIDTH * HEIGHT, &frame) < 0)
        return result;
    unsigned char *pixels = dora_sample_data(frame);
    memset(pixels, 20, WIDTH * HEIGHT);
    pixels[(*count * 3 % HEIGHT) * WIDTH + *count * 5 % WIDTH] = 255;
    dora_send_sample(node, "frame", frame, NULL, NULL);
    if (++*count == FRAMES)
        result.status = DORA_STATUS_STOP;
    return result;
}
