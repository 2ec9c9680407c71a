/* Asks the server on each tick for the square of the next number, and prints the replies to its own requests. Ends
 * after as many replies as it is told. */
#include <dora/dora.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What makes a request's id its own among those of all clients: the node, and a count. */
static void name_request(const dora_node *node, int64_t number, char *id, size_t len)
{
    snprintf(id, len, "%s-%lld", dora_node_id(node), (long long)number);
}

static int ask(dora_node *node, int64_t number)
{
    char id[128];
    name_request(node, number, id, sizeof id);
    dora_params *params = dora_params_new();
    int rc = params ? dora_params_set_string(params, "request_id", id) : -1;
    if (rc == 0)
        rc = dora_send(node, "request", &number, sizeof number, params);
    dora_params_free(params);
    return rc;
}

/* 1: the reply to request `number` of this client. */
static int is_reply(const dora_node *node, const dora_event *event, int64_t number)
{
    char id[128];
    name_request(node, number, id, sizeof id);
    const dora_param *param = dora_params_get(dora_event_params(event), "request_id");
    return param && param->kind == DORA_PARAM_STRING && strcmp(param->value.string, id) == 0 &&
           dora_event_size(event) == sizeof(int64_t);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line is seen when it is printed */
    int64_t wanted = argc > 1 ? atoi(argv[1]) : 5;
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    int rc = 0;
    int64_t asked = 0, answered = 0;
    dora_event *event;
    while (rc == 0 && answered < wanted && dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT && strcmp(dora_event_id(event), "tick") == 0) {
            if (asked < wanted)
                rc = ask(node, ++asked);
        } else if (dora_event_type(event) == DORA_EVENT_INPUT && is_reply(node, event, answered + 1)) {
            int64_t square;
            memcpy(&square, dora_event_data(event, NULL), sizeof square);
            answered++;
            printf("%lld² = %lld\n", (long long)answered, (long long)square);
        }
        dora_event_free(event);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", dora_node_error(node));
    dora_node_close(node);
    return rc < 0 || answered < wanted ? 1 : 0;
}
