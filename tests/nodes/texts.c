/* A node that prints the texts it receives, "INPUT: TEXT", until its inputs have ended or after as many as its argument
 * says. What is no text it calls by its format. */
#include <dora/dora.h>
#include <stdio.h>
#include <stdlib.h>

static void print(const dora_event *event)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    if (dora_event_arrow(event, &array, &schema) < 0) {
        printf("%s: no array\n", dora_event_id(event));
        return;
    }
    const int32_t *offsets = array.n_buffers == 3 ? array.buffers[1] : NULL;
    if (schema.format[0] == 'u' && !schema.format[1] && offsets && array.length == 1)
        printf("%s: %.*s\n", dora_event_id(event), (int)(offsets[1] - offsets[0]),
               (const char *)array.buffers[2] + offsets[0]);
    else
        printf("%s: format %s\n", dora_event_id(event), schema.format);
    array.release(&array);
    schema.release(&schema);
}

int main(int argc, char **argv)
{
    long left = argc > 1 ? atol(argv[1]) : -1;
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    dora_event *event;
    while (left != 0 && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT) {
            print(event);
            left--;
        }
        dora_event_free(event);
    }
    dora_node_close(node);
    return 0;
}
