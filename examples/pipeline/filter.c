/* Smooths what it receives: each value sent is nine tenths of the last one and one tenth of the new. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "node_api.h"

int main(void)
{
    void *dora = init_dora_context_from_env();
    if (!dora)
        return 1;
    float smooth = 0;
    bool first = true;
    int status = 0;
    void *event;
    while (status == 0 && (event = dora_next_event(dora))) {
        if (read_dora_event_type(event) == DoraEventType_Input) {
            char *bytes;
            size_t size;
            float raw;
            read_dora_input_data(event, &bytes, &size);
            if (size == sizeof raw) {
                memcpy(&raw, bytes, sizeof raw);
                smooth = first ? raw : 0.9f * smooth + 0.1f * raw;
                first = false;
                memcpy(&raw, &smooth, sizeof raw);
                status = dora_send_output(dora, "smooth", strlen("smooth"), (const char *)&raw, sizeof raw);
            } else {
                fprintf(stderr, "expected a float, got %zu bytes\n", size);
                status = -1;
            }
        }
        free_dora_event(event);
    }
    free_dora_context(dora);
    return status == 0 ? 0 : 1;
}
