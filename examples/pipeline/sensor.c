/* Sends a made-up temperature on every tick: a slow rise and fall with noise on it. Ends after as many as it is told.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_api.h"

static float read_temperature(int step)
{
    float slope = (float)(step % 50 < 25 ? step % 25 : 25 - step % 25) / 5;
    float noise = (float)(rand() % 1000) / 500 - 1;
    return 20 + slope + noise;
}

int main(int argc, char **argv)
{
    int readings = argc > 1 ? atoi(argv[1]) : 100;
    void *dora = init_dora_context_from_env();
    if (!dora)
        return 1;
    int sent = 0, status = 0;
    void *event;
    while (status == 0 && sent < readings && (event = dora_next_event(dora))) {
        enum DoraEventType type = read_dora_event_type(event);
        if (type == DoraEventType_Input) {
            float celsius = read_temperature(sent++);
            char bytes[sizeof celsius];
            memcpy(bytes, &celsius, sizeof bytes);
            status = dora_send_output(dora, "temperature", strlen("temperature"), bytes, sizeof bytes);
        }
        free_dora_event(event);
        if (type == DoraEventType_Stop)
            break;
    }
    printf("sent %d readings\n", sent);
    free_dora_context(dora);
    return status == 0 ? 0 : 1;
}
