/* Has the cart driven to three places, one after another. The second is too far: it gives that up on the way. */
#include <dora/dora.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const int64_t NEVER = -1;

/* What came about a goal. 0: it goes on; 1: that was its result; else why the client can't go on. */
static int hear(dora_node *node, const dora_event *event, int64_t cancel_at)
{
    int64_t position;
    if (dora_event_size(event) != sizeof position)
        return -EBADMSG;
    memcpy(&position, dora_event_data(event, NULL), sizeof position);
    dora_goal_status status;
    if (dora_event_goal_status(event, &status) == 0) {
        printf("%s at %lld\n", dora_goal_status_name(status), (long long)position);
        return 1;
    }
    printf("  at %lld\n", (long long)position);
    if (position != cancel_at)
        return 0;
    printf("  that's far enough\n");
    return dora_send_cancel(node, "cancel", dora_event_goal_id(event));
}

static int drive(dora_node *node, int64_t target, int64_t cancel_at)
{
    char id[DORA_ID_SIZE];
    printf("drive to %lld\n", (long long)target);
    int rc = dora_send_goal(node, "goal", &target, sizeof target, NULL, id);
    dora_event *event;
    while (rc == 0 && (rc = dora_next(node, &event, DORA_FOREVER)) == 0) {
        const char *about = dora_event_goal_id(event);
        if (dora_event_type(event) == DORA_EVENT_INPUT && about && strcmp(about, id) == 0)
            rc = hear(node, event, cancel_at);
        dora_event_free(event);
    }
    return rc < 0 ? rc : 0;
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line is seen when it is printed */
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    int rc = drive(node, 3, NEVER);
    if (rc == 0)
        rc = drive(node, 1000, 6);
    if (rc == 0)
        rc = drive(node, 0, NEVER);
    if (rc == -ENODATA)
        rc = 0; /* asked to stop on the way */
    if (rc < 0)
        fprintf(stderr, "gave up: %s\n", strerror(-rc));
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
