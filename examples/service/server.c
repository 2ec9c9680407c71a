/* Answers each request, a whole number, with its square. */
#include <dora/dora.h>
#include <stdio.h>
#include <string.h>

static int answer(dora_node *node, const dora_event *event)
{
    uint64_t number;
    if (dora_event_size(event) != sizeof number || !dora_event_request_id(event)) {
        fprintf(stderr, "ignored what came on `%s`: no request\n", dora_event_id(event));
        return 0;
    }
    memcpy(&number, dora_event_data(event, NULL), sizeof number);
    number *= number;
    return dora_send_reply(node, "response", event, &number, sizeof number);
}

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    int rc = 0, answers = 0;
    dora_event *event;
    while (rc == 0 && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT) {
            rc = answer(node, event);
            answers++;
        }
        dora_event_free(event);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", dora_node_error(node));
    printf("answered %d requests\n", answers);
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
