/* Prints every hundredth number that comes, and what is missing. */
#include <dora/dora.h>
#include <inttypes.h>
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
    uint64_t count, last = 0;
    dora_event *event;
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        size_t size;
        const void *data = dora_event_data(event, &size);
        if (dora_event_type(event) == DORA_EVENT_INPUT && size == sizeof count) {
            memcpy(&count, data, size);
            if (count != last + 1)
                printf("%" PRIu64 " follows %" PRIu64 "\n", count, last);
            if (count % 100 == 0)
                printf("%" PRIu64 "\n", count);
            last = count;
        }
        dora_event_free(event);
    }
    printf("%s at %" PRIu64 "\n", last ? "ends" : "nothing came, ends", last);
    dora_node_close(node);
    return 0;
}
