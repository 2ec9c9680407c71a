/* Drives a cart, one step on each tick, to the place that a goal names. It takes one goal at a time. */
#include <dora/dora.h>
#include <stdio.h>
#include <string.h>

struct cart {
    int64_t position, target;
    char goal[DORA_ID_SIZE]; /* "" while it stands */
};

static int end_goal(dora_node *node, struct cart *cart, dora_goal_status status)
{
    char id[DORA_ID_SIZE];
    memcpy(id, cart->goal, sizeof id);
    cart->goal[0] = '\0';
    return dora_send_result(node, "result", id, status, &cart->position, sizeof cart->position);
}

static int take_goal(dora_node *node, struct cart *cart, const dora_event *event)
{
    const char *id = dora_event_goal_id(event);
    if (!id)
        return 0;
    if (cart->goal[0] || strlen(id) >= sizeof cart->goal || dora_event_size(event) != sizeof cart->target)
        return dora_send_result(node, "result", id, DORA_GOAL_ABORTED, &cart->position, sizeof cart->position);
    strcpy(cart->goal, id);
    memcpy(&cart->target, dora_event_data(event, NULL), sizeof cart->target);
    return 0;
}

static int cancel(dora_node *node, struct cart *cart, const dora_event *event)
{
    const char *id = dora_event_goal_id(event);
    if (!id || !cart->goal[0] || strcmp(id, cart->goal) != 0)
        return 0; /* it has ended already, and the client will learn so */
    return end_goal(node, cart, DORA_GOAL_CANCELED);
}

static int step(dora_node *node, struct cart *cart)
{
    if (!cart->goal[0])
        return 0;
    if (cart->position == cart->target)
        return end_goal(node, cart, DORA_GOAL_SUCCEEDED);
    cart->position += cart->position < cart->target ? 1 : -1;
    return dora_send_feedback(node, "feedback", cart->goal, &cart->position, sizeof cart->position);
}

static int handle(dora_node *node, struct cart *cart, const dora_event *event)
{
    if (dora_event_type(event) != DORA_EVENT_INPUT)
        return 0;
    if (strcmp(dora_event_id(event), "goal") == 0)
        return take_goal(node, cart, event);
    if (strcmp(dora_event_id(event), "cancel") == 0)
        return cancel(node, cart, event);
    return step(node, cart);
}

int main(void)
{
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    struct cart cart = {0, 0, ""};
    int rc = 0;
    bool wanted = true; /* the timer ticks on without a client */
    dora_event *event;
    while (rc == 0 && wanted && dora_next(node, &event, DORA_FOREVER) == 0) {
        rc = handle(node, &cart, event);
        wanted = dora_event_type(event) != DORA_EVENT_INPUT_CLOSED || strcmp(dora_event_id(event), "goal") != 0;
        dora_event_free(event);
    }
    if (rc < 0)
        fprintf(stderr, "%s\n", dora_node_error(node));
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
