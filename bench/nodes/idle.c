/* Exchanges one message with its neighbour, so that all of its memory is in use, then does nothing until it is stopped.
 * Result: its process id, once it idles. It has no helpers: its size is that of a node of a few lines. */
#include <dora/dora.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int save(const char *path, int64_t value)
{
    FILE *file = path ? fopen(path, "wb") : NULL;
    if (!file)
        return -1;
    size_t written = fwrite(&value, sizeof value, 1, file);
    return fclose(file) == 0 && written == 1 ? 0 : -1;
}

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    int failed = dora_send(node, "out", "hello", 5, NULL) < 0;
    dora_event *event;
    while (!failed && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            failed = save(getenv("BENCH_OUT"), getpid()) < 0;
        dora_event_free(event);
    }
    dora_node_close(node);
    return failed;
}
