/* Nodes for moving one of them: a source of numbers, a counter that is moved, and a sink that misses nothing.
 *
 *     mover source COUNT     sends 0, 1, … as fast as it can; COUNT 0: until Stop
 *     mover counter BYTES    counts what it gets, in a state of so many bytes, and passes it on with its count; 0: it
 *                            hands over no state; -1: it refuses to
 *     mover stuck            passes on a thousand messages, and does nothing more
 *     mover sink             prints at its end what was wrong, and the longest pause
 */
#include <dora/dora.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct counted {
    uint64_t number, count;
};

static void fail(const char *what, dora_node *node)
{
    fprintf(stderr, "%s: %s\n", what, dora_node_error(node));
    exit(1);
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void source(dora_node *node, uint64_t count)
{
    for (uint64_t number = 0; count == 0 || number < count; number++)
        if (dora_send(node, "out", &number, sizeof number, NULL) < 0)
            return;
}

struct state {
    uint64_t *count; /* in `size` bytes */
    long size;
};

static int save(void *context, void **data, size_t *size)
{
    const struct state *state = context;
    if (state->size < 0)
        return -1;
    *data = malloc((size_t)state->size);
    if (!*data)
        return -1;
    *size = (size_t)state->size;
    memcpy(*data, state->count, *size);
    return 0;
}

static void counter(dora_node *node, long bytes)
{
    struct state state = {.size = bytes};
    size_t size;
    const void *before = dora_moved_state(node, &size);
    dora_event *event;
    state.count = calloc(1, bytes > (long)sizeof *state.count ? (size_t)bytes : sizeof *state.count);
    if (before)
        memcpy(state.count, before, size);
    if (bytes)
        dora_on_move(node, save, &state);
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT) {
            struct counted counted = {*(const uint64_t *)dora_event_data(event, NULL), (*state.count)++};
            int rc = dora_send(node, "out", &counted, sizeof counted, NULL);
            if (rc == -ECANCELED) { /* the dataflow is stopped while a sink's queue is full */
                dora_event_free(event);
                break;
            }
            if (rc < 0)
                fail("send", node);
        } else if (dora_event_type(event) != DORA_EVENT_STOP) {
            printf("event %d %s\n", dora_event_type(event), dora_event_id(event));
        }
        dora_event_free(event);
    }
    free(state.count);
}

static void stuck(dora_node *node)
{
    dora_event *event;
    for (int i = 0; i < 1000 && dora_next(node, &event, DORA_FOREVER) == 0; i++) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            dora_send(node, "out", &(struct counted){*(const uint64_t *)dora_event_data(event, NULL), 0},
                      sizeof(struct counted), NULL);
        dora_event_free(event);
    }
    for (;;)
        pause();
}

static void sink(dora_node *node)
{
    uint64_t next = 0, gaps = 0, doubles = 0, out_of_sequence = 0, miscounted = 0, sequence = 0;
    int64_t last = 0, longest = 0;
    dora_event *event;
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT) {
            const struct counted *counted = dora_event_data(event, NULL);
            int64_t at = now();
            if (counted->number != next)
                printf("number %" PRIu64 " after %" PRIu64 ", counted %" PRIu64 ", sequence %" PRIu64 " after %" PRIu64
                       "\n",
                       counted->number, next - 1, counted->count, dora_event_sequence(event), sequence - 1);
            longest = last && at - last > longest ? at - last : longest;
            last = at;
            gaps += counted->number > next;
            doubles += counted->number < next;
            miscounted += counted->count != counted->number;
            out_of_sequence += dora_event_sequence(event) != sequence++;
            next = counted->number + 1;
        } else if (dora_event_type(event) != DORA_EVENT_STOP) {
            printf("event %d %s\n", dora_event_type(event), dora_event_id(event));
        }
        dora_event_free(event);
    }
    printf("{\"next\": %" PRIu64 ", \"gaps\": %" PRIu64 ", \"doubles\": %" PRIu64 ", \"miscounted\": %" PRIu64
           ", \"out_of_sequence\": %" PRIu64 ", \"longest_ns\": %" PRId64 "}\n",
           next, gaps, doubles, miscounted, out_of_sequence, longest);
}

int main(int argc, char **argv)
{
    dora_node *node;
    dora_error error;
    const char *role = argc > 1 ? argv[1] : "";
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    if (strcmp(role, "source") == 0 && argc == 3)
        source(node, strtoull(argv[2], NULL, 10));
    else if (strcmp(role, "counter") == 0 && argc == 3)
        counter(node, strtol(argv[2], NULL, 10));
    else if (strcmp(role, "stuck") == 0)
        stuck(node);
    else if (strcmp(role, "sink") == 0)
        sink(node);
    else
        return 2;
    dora_node_close(node);
    return 0;
}
