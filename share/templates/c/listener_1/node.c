/* Prints what it hears, until nothing more can come. */
#include <dora/dora.h>
#include <stdio.h>

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line is seen when it is printed */
    dora_event *event;
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT) {
            size_t size;
            const char *text = dora_event_data(event, &size);
            printf("I heard on %s: %.*s\n", dora_event_id(event), (int)size, size ? text : "");
        }
        dora_event_free(event);
    }
    dora_node_close(node);
    return 0;
}
