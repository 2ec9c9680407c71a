#include <dora/dora.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
    if (strcmp(dora_version(), DORA_VERSION) != 0)
        return fprintf(stderr, "header %s, library %s\n", DORA_VERSION, dora_version()), 2;
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    dora_event *event;
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            dora_send(node, "reply", "hello", strlen("hello"), NULL);
        dora_event_free(event);
    }
    dora_node_close(node);
    return 0;
}
