/* An operator that says where the spot is, and how long ago its frame was taken. It uses nothing but dora's own
 * operator interface, and so would compile for dora-rs, too. */
#include <operator_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frame.h"

struct report {
    unsigned count;
    double microseconds; /* of all */
};

DoraInitResult_t dora_init_operator(void)
{
    DoraInitResult_t result = {.operator_context = calloc(1, sizeof(struct report))};
    return result;
}

DoraResult_t dora_drop_operator(void *operator_context)
{
    struct report *report = operator_context;
    if (report->count > 0)
        printf("%u spots, on average %.0f µs after their frame\n", report->count, report->microseconds / report->count);
    free(report);
    return (DoraResult_t){NULL};
}

static double age(uint64_t ntp64)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    const double since = (double)((int64_t)now.tv_sec - (int64_t)(ntp64 >> 32)) * 1e6;
    return since + (double)now.tv_nsec / 1e3 - (double)(ntp64 & UINT32_MAX) * 1e6 / 4294967296.0;
}

OnEventResult_t dora_on_event(RawEvent_t *event, const SendOutput_t *send_output, void *operator_context)
{
    (void)send_output;
    struct report *report = operator_context;
    OnEventResult_t result = {.status = DORA_STATUS_CONTINUE};
    if (!event->input)
        return result;
    struct spot spot;
    Vec_uint8_t data = dora_read_data(event->input);
    if (data.len == sizeof spot) {
        memcpy(&spot, data.ptr, sizeof spot);
        report->microseconds += age(spot.taken);
        if (report->count++ % 10 == 0)
            printf("spot at %u, %u\n", spot.x, spot.y);
    }
    dora_free_data(data);
    return result;
}
