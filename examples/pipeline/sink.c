/* Prints every tenth smoothed value beside the raw one. When both inputs have ended, the stream ends, and so does it.
 */
#include <stdio.h>
#include <string.h>

#include "node_api.h"

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line is seen when it is printed */
    void *dora = init_dora_context_from_env();
    if (!dora)
        return 1;
    float raw = 0;
    int received = 0;
    void *event;
    while ((event = dora_next_event(dora))) {
        char *id, *bytes;
        size_t id_len, size;
        float value;
        read_dora_input_id(event, &id, &id_len);
        read_dora_input_data(event, &bytes, &size);
        if (read_dora_event_type(event) == DoraEventType_Input && size == sizeof value) {
            memcpy(&value, bytes, sizeof value);
            if (id_len == strlen("raw") && memcmp(id, "raw", id_len) == 0)
                raw = value;
            else if (received++ % 10 == 0)
                printf("raw %.1f °C, smoothed %.1f °C\n", raw, value);
        }
        free_dora_event(event);
    }
    printf("received %d smoothed values\n", received);
    free_dora_context(dora);
    return 0;
}
