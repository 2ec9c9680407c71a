/* Moving a node, between two processes of it and a publisher that sends at full speed meanwhile. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <poll.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "node/stand.h"
#include "shm/segment.h"

static const int64_t SOON = 10 * CLOCK_SECOND; /* a deadline that only a failure reaches */

enum { ROUNDS = 34, WORKERS = 4, SOURCE = 0 };

static void hear(struct stand *stand, size_t node, struct proto_packet *packet, char *buffer)
{
    struct pollfd poll_fd = {.fd = stand->nodes[node].socket, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 10000), 1);
    assert_int_equal(proto_recv(poll_fd.fd, packet, buffer, 0), 1);
}

static struct proto_at hear_at(struct stand *stand, size_t node, enum proto_type type)
{
    _Alignas(8) char buffer[PROTO_PACKET_MOST];
    struct proto_packet packet;
    hear(stand, node, &packet, buffer);
    assert_int_equal(packet.type, type);
    return *(const struct proto_at *)packet.body;
}

static void tell_at(struct stand *stand, size_t node, enum proto_type type, uint32_t index, uint64_t sequence)
{
    struct proto_at at = {.index = index, .sequence = sequence};
    stand_tell(stand, node, (struct proto_packet){.type = type, .body = &at, .body_len = sizeof at});
}

static uint64_t ask_where(struct stand *stand, size_t node)
{
    stand_tell_index(stand, node, PROTO_WHERE, 0);
    return hear_at(stand, node, PROTO_OUTPUT_AT).sequence;
}

struct sending {
    dora_node *node;
    _Atomic bool is_over;
    uint64_t count;
};

static void *send_all(void *context)
{
    struct sending *sending = context;
    while (!atomic_load(&sending->is_over)) {
        int rc = dora_send(sending->node, "out", &sending->count, sizeof sending->count, NULL);
        if (rc == -ECANCELED)
            break;
        assert_int_equal(rc, 0);
        sending->count++;
    }
    return NULL;
}

static int save_count(void *context, void **data, size_t *size)
{
    *size = sizeof(uint64_t);
    *data = malloc(*size);
    memcpy(*data, context, *size);
    return 0;
}

/* Handles one event: the message `*next`, or the Stop of a node that has moved. */
static void work(dora_node *node, uint64_t *next, bool *is_moved)
{
    dora_event *event;
    assert_int_equal(dora_next(node, &event, SOON), 0);
    *is_moved = dora_event_type(event) == DORA_EVENT_STOP;
    if (*is_moved) {
        assert_int_equal(dora_event_stop_cause(event), DORA_STOP_MOVED);
        assert_string_equal(dora_event_id(event), "MOVED");
    } else {
        assert_int_equal(dora_event_type(event), DORA_EVENT_INPUT);
        assert_int_equal(*(const uint64_t *)dora_event_data(event, NULL), *next);
        assert_int_equal(dora_event_sequence(event), *next);
        ++*next;
    }
    dora_event_free(event);
}

/* The messages of one source are handled by one worker after another, as by the processes of a node that moves. */
static void move_on_and_on(void)
{
    const uint32_t policy = LINK_BACKPRESSURE;
    struct stand stand = {.count = 1 + WORKERS,
                          .nodes = {{.id = "source", .outputs = {{"out"}}},
                                    {.id = "w1", .inputs = {{"in"}}},
                                    {.id = "w2", .inputs = {{"in"}}},
                                    {.id = "w3", .inputs = {{"in"}}},
                                    {.id = "w4", .inputs = {{"in"}}}}};
    uint64_t next = 0;
    stand_open(&stand);
    uint32_t link = stand_link(&stand, SOURCE, 1, (struct link_edge[]){{0, 0, 8, policy}}, 1);
    stand_start(&stand);
    struct sending sending = {.node = stand.nodes[SOURCE].node};
    pthread_t thread;
    for (size_t w = 1; w < stand.count; w++)
        dora_on_move(stand.nodes[w].node, save_count, &next);
    assert_int_equal(pthread_create(&thread, NULL, send_all, &sending), 0);
    for (size_t w = 1; w < stand.count; w++) {
        dora_node *old = stand.nodes[w].node;
        bool is_moved = false;
        for (int i = 0; i < 1000; i++)
            work(old, &next, &is_moved), assert_false(is_moved);
        if (w + 1 == stand.count)
            break;
        uint32_t other = stand_link(&stand, SOURCE, w + 1, (struct link_edge[]){{0, 0, 8, policy}}, 1);
        ask_where(&stand, SOURCE);
        uint64_t until = ask_where(&stand, SOURCE);
        tell_at(&stand, w, PROTO_INPUT_AT, 0, until);
        stand_tell(&stand, w, (struct proto_packet){.type = PROTO_MOVE});
        while (!is_moved)
            work(old, &next, &is_moved);
        assert_true(next >= until);
        _Alignas(8) char buffer[PROTO_PACKET_MOST];
        struct proto_packet packet;
        hear(&stand, w, &packet, buffer);
        assert_int_equal(packet.type, PROTO_STATE);
        uint64_t *state;
        assert_int_equal(segment_map(packet.fds[0], sizeof *state, PROT_READ, (void **)&state, NULL), 0);
        assert_int_equal(*state, next);
        munmap(state, sizeof *state);
        proto_close_fds(&packet);
        uint64_t at = hear_at(&stand, w, PROTO_INPUT_AT).sequence;
        assert_int_equal(at, next);
        assert_int_equal(stand_hear(&stand, w, NULL), PROTO_MOVED);
        dora_event *event;
        assert_int_equal(dora_next(old, &event, SOON), -ENODATA);
        dora_node_close(old);
        stand.nodes[w].node = NULL;
        assert_int_equal(stand_hear(&stand, w, NULL), PROTO_GOODBYE);
        stand_tell_index(&stand, SOURCE, PROTO_LINK_DOWN, link);
        link = other;
        tell_at(&stand, w + 1, PROTO_INPUT_FROM, 0, at);
    }
    atomic_store(&sending.is_over, true);
    stand_tell(&stand, SOURCE, (struct proto_packet){.type = PROTO_STOP}); /* it may wait for room */
    pthread_join(thread, NULL);
    stand_close(&stand);
}

static void nothing_is_lost_or_doubled(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) /* about a hundred moves */
        move_on_and_on();
}

static void open_two(struct stand *stand)
{
    *stand = (struct stand){
        .count = 2,
        .nodes = {{.id = "source", .outputs = {{"out"}}}, {.id = "worker", .inputs = {{"in"}}, .outputs = {{"out"}}}}};
    stand_open(stand);
    stand_link(stand, 0, 1, (struct link_edge[]){{0, 0, 8, LINK_BACKPRESSURE}}, 1);
}

static int can_not(void *context, void **data, size_t *size)
{
    ++*(int *)context;
    *data = NULL;
    *size = 0;
    return -EBUSY;
}

static int too_large(void *context, void **data, size_t *size)
{
    (void)context;
    *size = PROTO_STATE_MOST + 1;
    *data = calloc(1, *size);
    return 0;
}

static void one_that_can_not_goes_on(void **state)
{
    (void)state;
    struct stand stand;
    open_two(&stand);
    stand_start(&stand);
    dora_node *source = stand.nodes[0].node, *worker = stand.nodes[1].node;
    dora_event *event;
    int asked = 0;
    dora_on_move(worker, can_not, &asked);
    stand_tell(&stand, 1, (struct proto_packet){.type = PROTO_MOVE});
    assert_int_equal(dora_next(worker, &event, 0), -ETIMEDOUT);
    assert_int_equal(asked, 1);
    assert_int_equal(stand_hear(&stand, 1, NULL), PROTO_NO_MOVE);
    dora_on_move(worker, too_large, NULL);
    stand_tell(&stand, 1, (struct proto_packet){.type = PROTO_MOVE});
    assert_int_equal(dora_next(worker, &event, 0), -ETIMEDOUT);
    assert_int_equal(stand_hear(&stand, 1, NULL), PROTO_NO_MOVE);
    assert_int_equal(dora_send(source, "out", "x", 1, NULL), 0);
    assert_int_equal(dora_next(worker, &event, SOON), 0);
    assert_int_equal(dora_event_type(event), DORA_EVENT_INPUT);
    dora_event_free(event);
    stand_close(&stand);
}

static void without_a_callback_it_waits_for_what_is_on_its_way(void **state)
{
    (void)state;
    struct stand stand;
    open_two(&stand);
    stand_start(&stand);
    dora_node *source = stand.nodes[0].node, *worker = stand.nodes[1].node;
    dora_event *event;
    tell_at(&stand, 1, PROTO_INPUT_AT, 0, 1);
    stand_tell(&stand, 1, (struct proto_packet){.type = PROTO_MOVE});
    assert_int_equal(dora_next(worker, &event, 0), -ETIMEDOUT);
    assert_int_equal(dora_send(source, "out", "x", 1, NULL), 0);
    assert_int_equal(dora_next(worker, &event, SOON), 0);
    assert_int_equal(dora_event_type(event), DORA_EVENT_INPUT);
    dora_event_free(event);
    assert_int_equal(dora_send(worker, "out", "y", 1, NULL), 0);
    assert_int_equal(dora_next(worker, &event, SOON), 0);
    assert_int_equal(dora_event_stop_cause(event), DORA_STOP_MOVED);
    dora_event_free(event);
    assert_int_equal(hear_at(&stand, 1, PROTO_INPUT_AT).sequence, 1);
    assert_int_equal(stand_hear(&stand, 1, NULL), PROTO_MOVED);
    dora_node_close(worker);
    stand.nodes[1].node = NULL;
    assert_int_equal(hear_at(&stand, 1, PROTO_OUTPUT_AT).sequence, 1);
    assert_int_equal(stand_hear(&stand, 1, NULL), PROTO_GOODBYE);
    stand_close(&stand);
}

static void the_new_one_has_the_state_and_goes_on_counting(void **state)
{
    (void)state;
    struct stand stand;
    open_two(&stand);
    struct error error = ERROR_INIT;
    autoclose int segment = segment_create("state", 5, &error);
    char *map;
    assert_int_equal(segment_map(segment, 5, PROT_READ | PROT_WRITE, (void **)&map, &error), 0);
    memcpy(map, "hello", 5);
    munmap(map, 5);
    stand_tell(&stand, 1, (struct proto_packet){.type = PROTO_STATE, .fds = {segment}, .fd_count = 1});
    tell_at(&stand, 1, PROTO_OUTPUT_AT, 0, 41);
    tell_at(&stand, 1, PROTO_OUTPUT_AT, 7, 41);
    tell_at(&stand, 1, PROTO_INPUT_FROM, 0, 2);
    tell_at(&stand, 1, PROTO_INPUT_FROM, 7, 2);
    stand_start(&stand);
    dora_node *source = stand.nodes[0].node, *worker = stand.nodes[1].node;
    dora_event *event;
    size_t size;
    assert_memory_equal(dora_moved_state(worker, &size), "hello", 5);
    assert_int_equal(size, 5);
    assert_null(dora_moved_state(source, &size));
    for (int i = 0; i < 3; i++)
        assert_int_equal(dora_send(source, "out", "x", 1, NULL), 0);
    assert_int_equal(dora_next(worker, &event, SOON), 0);
    assert_int_equal(dora_event_sequence(event), 2);
    dora_event_free(event);
    stand_tell_index(&stand, 1, PROTO_WHERE, 0);
    assert_int_equal(dora_next(worker, &event, 0), -ETIMEDOUT);
    assert_int_equal(hear_at(&stand, 1, PROTO_OUTPUT_AT).sequence, 41);
    stand_close(&stand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_or_doubled),
        cmocka_unit_test(one_that_can_not_goes_on),
        cmocka_unit_test(without_a_callback_it_waits_for_what_is_on_its_way),
        cmocka_unit_test(the_new_one_has_the_state_and_goes_on_counting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
