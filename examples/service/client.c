/* Asks the server on each tick for the square of the next number, and waits for the reply. Ends after as many replies
 * as it is told. */
#include <dora/dora.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t PATIENCE = INT64_C(10000000000); /* ns */

static int ask(dora_node *node, int64_t number)
{
    char id[DORA_ID_SIZE];
    dora_event *reply;
    int rc = dora_send_request(node, "request", &number, sizeof number, NULL, id);
    if (rc == 0)
        rc = dora_await_reply(node, id, "server", PATIENCE, &reply);
    if (rc < 0)
        return rc;
    int64_t square;
    if (dora_event_size(reply) == sizeof square) {
        memcpy(&square, dora_event_data(reply, NULL), sizeof square);
        printf("%lld² = %lld\n", (long long)number, (long long)square);
    } else {
        rc = -EBADMSG;
    }
    dora_event_free(reply);
    return rc;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line is seen when it is printed */
    int64_t wanted = argc > 1 ? atoi(argv[1]) : 5, asked = 0;
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    int rc = 0;
    dora_event *event;
    while (rc == 0 && asked < wanted && dora_next(node, &event, DORA_FOREVER) == 0) {
        /* What else comes are the replies to the other client. */
        if (dora_event_type(event) == DORA_EVENT_INPUT && strcmp(dora_event_id(event), "tick") == 0)
            rc = ask(node, ++asked);
        dora_event_free(event);
    }
    if (rc == -ECANCELED)
        rc = 0; /* asked to stop while it waited */
    if (rc < 0)
        fprintf(stderr, "no reply to request %lld: %s\n", (long long)asked, strerror(-rc));
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
