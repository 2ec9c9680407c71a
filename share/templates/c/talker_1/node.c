/* Sends a greeting whenever an input arrives. */
#include <dora/dora.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const char *greeting = "Hello from talker_1";
    int status = 0;
    dora_event *event;
    while (status == 0 && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            status = dora_send(node, "speech", greeting, strlen(greeting), NULL);
        dora_event_free(event);
    }
    if (status < 0)
        fprintf(stderr, "%s\n", dora_node_error(node));
    dora_node_close(node);
    return status < 0;
}
