/* Counts ticks, wherever it runs: `dora node move counter --to MACHINE` takes the count along. */
#include <dora/dora.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the next process of this node has to know. */
static int save(void *context, void **data, size_t *size)
{
    *size = sizeof(uint64_t);
    *data = malloc(*size);
    if (!*data)
        return -1;
    memcpy(*data, context, *size);
    return 0;
}

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    uint64_t count = 0;
    const void *before = dora_moved_state(node, NULL);
    if (before) {
        memcpy(&count, before, sizeof count);
        printf("goes on at %" PRIu64 "\n", count);
    }
    dora_on_move(node, save, &count);
    dora_event *event;
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT) {
            count++;
            dora_send(node, "count", &count, sizeof count, NULL);
        }
        dora_event_free(event);
    }
    printf("ends at %" PRIu64 "\n", count);
    dora_node_close(node);
    return 0;
}
