/* Prints of each block of sound how high and how loud it is. */
#include <dora/dora.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS_MOST = 100 };

struct block {
    double pitch, loudness;
    int known; /* how many of the two */
};

static void note(struct block blocks[BLOCKS_MOST], const dora_event *event)
{
    const dora_param *number = dora_params_get(dora_event_params(event), "block");
    size_t size;
    const double *value = dora_event_data(event, &size);
    if (size != sizeof *value || !number || number->kind != DORA_PARAM_INT || number->value.integer < 0 ||
        number->value.integer >= BLOCKS_MOST)
        return;
    struct block *block = &blocks[number->value.integer];
    if (strcmp(dora_event_id(event), "pitch") == 0)
        block->pitch = *value;
    else
        block->loudness = *value;
    if (++block->known == 2)
        printf("%.0f Hz, loudness %.2f\n", block->pitch, block->loudness);
}

int main(void)
{
    static struct block blocks[BLOCKS_MOST];
    dora_node *node;
    dora_event *event;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            note(blocks, event);
        dora_event_free(event);
    }
    dora_node_close(node);
    return EXIT_SUCCESS;
}
