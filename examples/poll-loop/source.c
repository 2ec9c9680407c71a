/* Sends a block of eight doubles, a saw-tooth, on every tick. Ends after as many as it is told. */
#include <dora/dora.h>
#include <stdio.h>
#include <stdlib.h>

enum { LEN = 8 };

static int send_block(dora_node *node, int index)
{
    dora_sample *sample;
    int rc = dora_loan(node, LEN * sizeof(double), &sample);
    if (rc < 0)
        return rc;
    double *values = dora_sample_data(sample);
    for (int i = 0; i < LEN; i++)
        values[i] = (index * LEN + i) % 100 / 100.0;
    return dora_send_sample(node, "wave", sample, "g", NULL); /* "g": an Arrow array of doubles */
}

int main(int argc, char **argv)
{
    int blocks = argc > 1 ? atoi(argv[1]) : 100;
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    int rc = 0, sent = 0;
    dora_event *event;
    while (rc == 0 && sent < blocks && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            rc = send_block(node, sent++);
        dora_event_free(event);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", dora_node_error(node));
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
