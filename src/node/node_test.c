#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "dora/node_api.h"
#include "node/stand.h"

static const int64_t SOON = 5 * CLOCK_SECOND; /* a deadline that only a failure reaches */

static struct stand two_nodes(uint32_t limit, uint32_t policy)
{
    struct stand stand = {
        .count = 2,
        .nodes = {{.id = "source", .outputs = {{"out"}, {"other"}}}, {.id = "sink", .inputs = {{"in"}, {"second"}}}}};
    stand_open(&stand);
    struct link_edge edges[] = {{0, 0, limit, policy}, {1, 1, limit, policy}};
    stand_link(&stand, 0, 1, edges, 2);
    stand_start(&stand);
    return stand;
}

static dora_event *expect(dora_node *node, dora_event_kind kind, const char *id)
{
    dora_event *event = NULL;
    int rc = dora_next(node, &event, SOON);
    if (rc < 0)
        fail_msg("no event, but %d", rc);
    assert_int_equal(dora_event_type(event), kind);
    assert_string_equal(dora_event_id(event), id);
    return event;
}

static void expect_text(dora_node *node, const char *input, const char *text)
{
    dora_event *event = expect(node, DORA_EVENT_INPUT, input);
    size_t size;
    const void *data = dora_event_data(event, &size);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size);
    dora_event_free(event);
}

static void send_text(dora_node *node, const char *output, const char *text)
{
    assert_int_equal(dora_send(node, output, text, strlen(text), NULL), 0);
}

static void small_and_large_messages_arrive(void **state)
{
    (void)state;
    struct stand stand = two_nodes(64, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    static char big[3 << 20];
    for (size_t size = 0, i = 0; size <= sizeof big; size = size * 2 + 1, i++) {
        memset(big, (int)i + 1, size);
        assert_int_equal(dora_send(source, "out", big, size, NULL), 0);
        dora_event *event = expect(sink, DORA_EVENT_INPUT, "in");
        size_t got;
        const char *data = dora_event_data(event, &got);
        assert_int_equal(got, size);
        assert_int_equal(dora_event_sequence(event), i);
        assert_string_equal(dora_event_format(event), "C");
        if (size) {
            assert_int_equal((uintptr_t)data % 64, 0);
            assert_memory_equal(data, big, size);
        } else {
            assert_null(data);
        }
        dora_event_free(event);
    }
    stand_close(&stand);
}

static void what_cannot_be_sent_says_why(void **state)
{
    (void)state;
    struct stand stand = two_nodes(4, LINK_BACKPRESSURE);
    dora_node *source = stand.nodes[0].node;
    assert_int_equal(dora_send(source, "uot", "x", 1, NULL), -ENOENT);
    assert_string_equal(dora_node_error(source), "this node has no output `uot` in its dataflow; did you mean `out`?");
    assert_int_equal(dora_send(source, "out", NULL, 1, NULL), -EINVAL);
    assert_int_equal(dora_close_output(source, "out"), 0);
    uint32_t index;
    assert_int_equal(stand_hear(&stand, 0, &index), PROTO_CLOSE_OUTPUT);
    assert_int_equal(index, 0);
    assert_int_equal(dora_send(source, "out", "x", 1, NULL), -EPIPE);
    dora_sample *sample;
    assert_int_equal(dora_loan(source, SIZE_MAX / 2, &sample), -ENOSPC);
    assert_int_equal(dora_loan(source, 12, &sample), 0);
    assert_int_equal(dora_send_sample(source, "other", sample, "g", NULL), -EINVAL);
    stand_close(&stand);
}

static void loans_are_filled_and_read_in_place(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    size_t sizes[] = {8, 64, 72, 1 << 20};
    for (size_t i = 0; i < 4; i++) {
        dora_sample *sample;
        assert_int_equal(dora_loan(source, sizes[i], &sample), 0);
        memset(dora_sample_data(sample), 7, dora_sample_size(sample));
        assert_int_equal(dora_send_sample(source, "out", sample, "g", NULL), 0);
        dora_event *event = expect(sink, DORA_EVENT_INPUT, "in");
        assert_string_equal(dora_event_format(event), "g");
        struct ArrowArray array;
        struct ArrowSchema schema;
        assert_int_equal(dora_event_arrow(event, &array, &schema), 0);
        assert_int_equal(array.length, sizes[i] / 8);
        dora_event_free(event);
        assert_int_equal(((const char *)array.buffers[1])[sizes[i] - 1], 7);
        array.release(&array);
        schema.release(&schema);
    }
    stand_close(&stand);
}

static void a_full_queue_drops_the_oldest_and_counts(void **state)
{
    (void)state;
    struct stand stand = two_nodes(3, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    const char *texts[] = {"0", "1", "2", "3", "4"};
    for (int i = 0; i < 5; i++)
        send_text(source, "out", texts[i]);
    dora_input_stats stats;
    assert_int_equal(dora_get_input_stats(sink, "in", &stats), 0);
    assert_int_equal(stats.dropped, 2);
    assert_int_equal(stats.queued, 3);
    for (int i = 2; i < 5; i++)
        expect_text(sink, "in", texts[i]);
    dora_event *event;
    assert_int_equal(dora_next(sink, &event, 0), -ETIMEDOUT);
    dora_output_stats out;
    assert_int_equal(dora_get_output_stats(source, "out", &out), 0);
    assert_int_equal(out.sent, 5);
    assert_int_equal(out.dropped, 2);
    assert_int_equal(out.subscribers, 1);
    stand_close(&stand);
}

static void inputs_take_turns(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    for (int i = 0; i < 3; i++)
        send_text(source, "out", "a");
    send_text(source, "other", "b");
    expect_text(sink, "in", "a");
    expect_text(sink, "second", "b");
    expect_text(sink, "in", "a");
    expect_text(sink, "in", "a");
    stand_close(&stand);
}

static void *send_many(void *node)
{
    for (uint64_t i = 0; i < 20000; i++)
        if (dora_send(node, "out", &i, sizeof i, NULL) < 0)
            return node;
    return NULL;
}

static void backpressure_loses_nothing(void **state)
{
    (void)state;
    struct stand stand = two_nodes(4, LINK_BACKPRESSURE);
    dora_node *sink = stand.nodes[1].node;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, send_many, stand.nodes[0].node), 0);
    for (uint64_t i = 0; i < 20000; i++) {
        dora_event *event = expect(sink, DORA_EVENT_INPUT, "in");
        assert_memory_equal(dora_event_data(event, NULL), &i, sizeof i);
        dora_event_free(event);
    }
    void *failed;
    pthread_join(thread, &failed);
    assert_null(failed);
    stand_close(&stand);
}

static void a_waiting_sender_hears_of_the_stop(void **state)
{
    (void)state;
    struct stand stand = two_nodes(1, LINK_BACKPRESSURE);
    dora_node *source = stand.nodes[0].node;
    send_text(source, "out", "fills the queue");
    stand_tell(&stand, 0, (struct proto_packet){.type = PROTO_STOP});
    assert_int_equal(dora_send(source, "out", "x", 1, NULL), -ECANCELED);
    stand_close(&stand);
}

static void an_end_comes_after_the_last_message(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    send_text(source, "out", "last");
    stand_tell_index(&stand, 1, PROTO_INPUT_CLOSED, 0);
    stand_tell_index(&stand, 1, PROTO_INPUT_CLOSED, 1);
    stand_tell(&stand, 1, (struct proto_packet){.type = PROTO_ALL_INPUTS_CLOSED});
    expect_text(sink, "in", "last");
    dora_event_free(expect(sink, DORA_EVENT_INPUT_CLOSED, "second"));
    dora_event_free(expect(sink, DORA_EVENT_INPUT_CLOSED, "in"));
    dora_event *stop = expect(sink, DORA_EVENT_STOP, "ALL_INPUTS_CLOSED");
    assert_int_equal(dora_event_stop_cause(stop), DORA_STOP_ALL_INPUTS_CLOSED);
    dora_event_free(stop);
    dora_event *event;
    assert_int_equal(dora_next(sink, &event, SOON), -ENODATA);
    stand_close(&stand);
}

static void stop_comes_first_and_then_what_is_queued(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    send_text(source, "out", "queued");
    stand_tell(&stand, 1, (struct proto_packet){.type = PROTO_STOP});
    dora_event_free(expect(sink, DORA_EVENT_STOP, "MANUAL"));
    send_text(source, "out", "too late");
    expect_text(sink, "in", "queued");
    dora_event *event;
    assert_int_equal(dora_next(sink, &event, SOON), -ENODATA);
    stand_close(&stand);
}

static void a_stop_that_a_sender_reads_is_not_lost(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node;
    stand_tell(&stand, 0, (struct proto_packet){.type = PROTO_STOP});
    send_text(source, "out", "reads the socket");
    dora_event *event;
    assert_int_equal(dora_next(source, &event, 0), 0);
    assert_int_equal(dora_event_type(event), DORA_EVENT_STOP);
    dora_event_free(event);
    stand_close(&stand);
}

static void a_node_that_never_waits_learns_of_its_daemons_end(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    shutdown(stand.nodes[1].socket, SHUT_RDWR);
    dora_event *event;
    int rc;
    int64_t deadline = clock_now() + SOON;
    do
        rc = dora_next(stand.nodes[1].node, &event, 0);
    while (rc == -ETIMEDOUT && clock_now() < deadline);
    assert_int_equal(rc, 0);
    assert_int_equal(dora_event_type(event), DORA_EVENT_STOP);
    dora_event_free(event);
    stand_close(&stand);
}

static void samples_outlive_event_link_and_node(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    char page[5000];
    memset(page, 'a', sizeof page);
    assert_int_equal(dora_send(source, "out", page, sizeof page, NULL), 0);
    dora_event *event = expect(sink, DORA_EVENT_INPUT, "in");
    dora_sample *kept = dora_event_keep(event);
    dora_event_free(event);
    dora_node_close(sink);
    stand.nodes[1].node = NULL;
    assert_int_equal(stand_hear(&stand, 1, NULL), PROTO_GOODBYE);
    stand_tell_index(&stand, 0, PROTO_LINK_DOWN, stand.last_link);
    /* The publisher may use the block again now. */
    dora_sample *loan;
    dora_event *none;
    assert_int_equal(dora_next(source, &none, 0), -ETIMEDOUT);
    assert_int_equal(dora_loan(source, sizeof page, &loan), 0);
    memset(dora_sample_data(loan), 'b', sizeof page);
    assert_memory_equal(dora_sample_data(kept), page, sizeof page);
    dora_sample_release(loan);
    dora_node_close(source);
    stand.nodes[0].node = NULL;
    assert_memory_equal(dora_sample_data(kept), page, sizeof page);
    dora_sample_release(kept);
    stand_close(&stand);
}

static void a_restarted_publisher_follows_the_old_one(void **state)
{
    (void)state;
    struct stand stand = {.count = 3,
                          .nodes = {{.id = "old", .outputs = {{"out"}}},
                                    {.id = "new", .outputs = {{"out"}}},
                                    {.id = "sink", .inputs = {{"in"}}}}};
    stand_open(&stand);
    struct link_edge edge = {0, 0, 10, LINK_DROP_OLDEST};
    uint32_t first = stand_link(&stand, 0, 2, &edge, 1);
    stand_start(&stand);
    send_text(stand.nodes[0].node, "out", "old 1");
    send_text(stand.nodes[0].node, "out", "old 2");
    dora_node *sink = stand.nodes[2].node;
    dora_event *kept = expect(sink, DORA_EVENT_INPUT, "in");
    stand_tell_index(&stand, 2, PROTO_LINK_DOWN, first);
    stand_tell(&stand, 2, (struct proto_packet){.type = PROTO_NODE_RESTARTED, .text = {"old"}, .text_count = 1});
    stand_link(&stand, 1, 2, &edge, 1);
    dora_event *none;
    assert_int_equal(dora_next(stand.nodes[1].node, &none, 0), -ETIMEDOUT);
    send_text(stand.nodes[1].node, "out", "new 1");
    dora_event_free(expect(sink, DORA_EVENT_NODE_RESTARTED, "old"));
    expect_text(sink, "in", "old 2");
    expect_text(sink, "in", "new 1");
    assert_memory_equal(dora_event_data(kept, NULL), "old 1", 5);
    dora_event_free(kept);
    stand_close(&stand);
}

static void several_publishers_of_one_input_take_turns(void **state)
{
    (void)state;
    struct stand stand = {.count = 3,
                          .nodes = {{.id = "a", .outputs = {{"out"}}},
                                    {.id = "b", .outputs = {{"out"}}},
                                    {.id = "sink", .inputs = {{"in"}}}}};
    stand_open(&stand);
    struct link_edge edge = {0, 0, 10, LINK_DROP_OLDEST};
    uint32_t link = stand_link(&stand, 0, 2, &edge, 1);
    stand_link(&stand, 1, 2, &edge, 1);
    stand_start(&stand);
    for (int i = 0; i < 2; i++)
        send_text(stand.nodes[0].node, "out", "a");
    send_text(stand.nodes[1].node, "out", "b");
    dora_node *sink = stand.nodes[2].node;
    expect_text(sink, "in", "a");
    expect_text(sink, "in", "b");
    /* An edge that is taken away gives what it has, and takes no more. */
    struct proto_packet down = {
        .type = PROTO_EDGE_DOWN, .body = &(struct proto_edge){.link = link}, .body_len = sizeof(struct proto_edge)};
    stand_tell(&stand, 0, down);
    stand_tell(&stand, 2, down);
    send_text(stand.nodes[0].node, "out", "to nobody");
    send_text(stand.nodes[1].node, "out", "b");
    expect_text(sink, "in", "a");
    expect_text(sink, "in", "b");
    dora_event *event;
    assert_int_equal(dora_next(sink, &event, 0), -ETIMEDOUT);
    stand_close(&stand);
}

static void a_traced_node_notes_what_caused_what(void **state)
{
    (void)state;
    struct stand stand = {
        .count = 2,
        .nodes = {{.id = "source", .outputs = {{"out"}}}, {.id = "relay", .inputs = {{"in"}}, .outputs = {{"on"}}}}};
    stand_open(&stand);
    stand_link(&stand, 0, 1, &(struct link_edge){0, 0, 10, LINK_DROP_OLDEST}, 1);
    stand_link(&stand, 1, 1, &(struct link_edge){0, 0, 10, LINK_DROP_OLDEST}, 1);
    stand_start(&stand);
    dora_node *relay = stand.nodes[1].node;
    struct proto_page *page = stand.nodes[1].page;
    send_text(stand.nodes[0].node, "out", "not traced");
    expect_text(relay, "in", "not traced");
    assert_int_equal(page->span_count, 0);
    page->tracing = 1;
    send_text(stand.nodes[0].node, "out", "traced");
    expect_text(relay, "in", "traced");
    send_text(relay, "on", "caused");
    expect_text(relay, "in", "caused");
    dora_event *none;
    assert_int_equal(dora_next(relay, &none, 0), -ETIMEDOUT);
    send_text(relay, "on", "of itself");
    assert_int_equal(page->span_count, 4);
    assert_int_equal(page->spans[0].what, PROTO_SPAN_TAKE);
    assert_int_equal(page->spans[0].sequence, 1);
    assert_int_equal(page->spans[1].what, PROTO_SPAN_SEND | 1ull << 32);
    assert_int_equal(page->spans[1].sequence, 0);
    assert_int_equal(page->spans[1].cause_sequence, 1);
    assert_true(page->spans[1].time_ns >= page->spans[0].time_ns);
    assert_int_equal(page->spans[3].what, PROTO_SPAN_SEND);
    assert_int_equal(page->spans[3].position, 4);
    stand_close(&stand);
}

static void parameters_travel(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    size_t sizes[] = {0, 8, 40, 96, 100, 100000};
    char bytes[100000] = {1}, text[300];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int large = 0; large < 2; large++) {
            dora_params *params = dora_params_new();
            assert_int_equal(dora_params_set_int(params, "n", (int64_t)i), 0);
            if (large)
                assert_int_equal(dora_params_set_string(params, "text", text), 0);
            assert_int_equal(dora_send(source, "out", bytes, sizes[i], params), 0);
            dora_params_free(params);
            dora_event *event = expect(sink, DORA_EVENT_INPUT, "in");
            assert_int_equal(dora_event_size(event), sizes[i]);
            assert_memory_equal(sizes[i] ? dora_event_data(event, NULL) : bytes, bytes, sizes[i]);
            const dora_params *got = dora_event_params(event);
            assert_int_equal(dora_params_count(got), 1 + large);
            assert_int_equal(dora_params_get(got, "n")->value.integer, i);
            if (large)
                assert_string_equal(dora_params_get(got, "text")->value.string, text);
            dora_event_free(event);
        }
    stand_close(&stand);
}

static void timers_tick_from_the_start(void **state)
{
    (void)state;
    struct stand stand = {.count = 1, .nodes = {{.id = "clock", .inputs = {{"tick", .interval_ns = CLOCK_MILLI}}}}};
    stand_open(&stand);
    stand_start(&stand);
    dora_node *node = stand.nodes[0].node;
    uint64_t last = 0, skipped = 0;
    for (int i = 0; i < 20; i++) {
        dora_event *event = expect(node, DORA_EVENT_INPUT, "tick");
        assert_string_equal(dora_event_format(event), "n");
        assert_null(dora_event_data(event, NULL));
        uint64_t tick = dora_event_sequence(event);
        assert_true(i == 0 || tick > last);
        skipped += i == 0 ? tick : tick - last - 1;
        last = tick;
        dora_event_free(event);
    }
    dora_input_stats stats;
    assert_int_equal(dora_get_input_stats(node, "tick", &stats), 0);
    assert_int_equal(stats.received, 20);
    assert_int_equal(stats.skipped, skipped);
    stand_close(&stand);
}

static void a_silent_input_breaks_and_recovers(void **state)
{
    (void)state;
    struct stand stand = {.count = 2,
                          .nodes = {{.id = "source", .outputs = {{"out"}}},
                                    {.id = "sink", .inputs = {{"in", .timeout_ns = 20 * CLOCK_MILLI}}}}};
    stand_open(&stand);
    stand_link(&stand, 0, 1, &(struct link_edge){0, 0, 10, LINK_DROP_OLDEST}, 1);
    stand_start(&stand);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    dora_event *event;
    assert_int_equal(dora_next(sink, &event, 40 * CLOCK_MILLI), -ETIMEDOUT); /* only the first message arms it */
    send_text(source, "out", "1");
    expect_text(sink, "in", "1");
    dora_event_free(expect(sink, DORA_EVENT_INPUT_CLOSED, "in"));
    send_text(source, "out", "2");
    expect_text(sink, "in", "2");
    dora_event_free(expect(sink, DORA_EVENT_INPUT_RECOVERED, "in"));
    stand_close(&stand);
}

static void a_pollable_descriptor_wakes_an_event_loop(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    struct pollfd poll_fd = {.fd = dora_fd(sink), .events = POLLIN};
    assert_true(poll_fd.fd >= 0);
    dora_event *event;
    for (int i = 0; i < 100; i++) {
        while (dora_next(sink, &event, 0) == 0)
            dora_event_free(event);
        send_text(source, "out", "x");
        assert_int_equal(poll(&poll_fd, 1, 5000), 1);
        expect_text(sink, "in", "x");
    }
    stand_close(&stand);
}

static void a_forked_child_is_told_so(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    dora_event *event;
    pid_t child = fork();
    if (child == 0)
        _exit(dora_send(stand.nodes[0].node, "out", "x", 1, NULL) == -ECHILD &&
                      dora_next(stand.nodes[1].node, &event, 0) == -ECHILD
                  ? 0
                  : 1);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    stand_close(&stand);
}

static void the_daemons_end_is_a_stop(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    shutdown(stand.nodes[1].socket, SHUT_RDWR);
    dora_event_free(expect(stand.nodes[1].node, DORA_EVENT_STOP, "MANUAL"));
    stand_close(&stand);
}

/* A socket at the first free of the names at which nodes look for daemons; -1: as many daemons run here as can. */
static int listen_as_daemon(char name[PROTO_ADDRESS_MOST], unsigned uid)
{
    int fd = -1;
    for (unsigned slot = 0; slot < PROTO_SLOTS && fd < 0; slot++) {
        proto_slot_name(name, uid, slot);
        fd = proto_listen(name, NULL);
    }
    return fd;
}

static void a_daemon_that_does_not_answer_is_given_up(void **state)
{
    (void)state;
    char name[PROTO_ADDRESS_MOST];
    autoclose int mute = listen_as_daemon(name, geteuid());
    if (mute < 0)
        skip();
    dora_node *node;
    dora_error error;
    dora_node_options options = {.node_id = "nobody has this name"};
    assert_int_equal(dora_node_open(&node, &options, &error), -ETIMEDOUT);
    assert_non_null(strstr(error.message, name));
}

struct two_daemons {
    int ending, other, end; /* listeners; when `end` hangs up, all is over */
};

/* The first one hangs up on whoever comes, as at its end; the other one knows no node. */
static void *serve(void *context)
{
    const struct two_daemons *daemons = context;
    struct pollfd fds[] = {{daemons->ending, POLLIN, 0}, {daemons->other, POLLIN, 0}, {daemons->end, 0, 0}};
    struct proto_refused body = {.version = PROTO_VERSION, .reason = PROTO_REASON_UNKNOWN};
    while (poll(fds, 3, -1) > 0 && !fds[2].revents) {
        _Alignas(8) char buffer[PROTO_PACKET_MOST];
        struct proto_packet packet;
        autoclose int hung_up = accept4(daemons->ending, NULL, NULL, SOCK_CLOEXEC);
        autoclose int refused = accept4(daemons->other, NULL, NULL, SOCK_CLOEXEC);
        if (refused < 0 || proto_recv(refused, &packet, buffer, 0) <= 0)
            continue;
        proto_close_fds(&packet);
        packet = (struct proto_packet){
            .type = PROTO_REFUSED, .body = &body, .body_len = sizeof body, .text = {"unknown"}, .text_count = 1};
        proto_send(refused, &packet, 0);
    }
    return NULL;
}

static void a_daemon_that_ends_is_passed_over(void **state)
{
    (void)state;
    char name[PROTO_ADDRESS_MOST];
    autoclose int ending = listen_as_daemon(name, geteuid());
    autoclose int other = listen_as_daemon(name, geteuid());
    int end[2];
    if (other < 0)
        skip();
    assert_int_equal(pipe(end), 0);
    struct two_daemons daemons = {ending, other, end[0]};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, serve, &daemons), 0);
    dora_node *node;
    dora_error error;
    dora_node_options options = {.node_id = "nobody has this name"};
    int rc = dora_node_open(&node, &options, &error);
    close(end[1]);
    pthread_join(thread, NULL);
    close(end[0]);
    assert_int_equal(rc, -ENOENT);
}

static void another_users_daemon_is_told_nothing(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    int ready[2], end[2];
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(end), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char name[PROTO_ADDRESS_MOST], byte;
        close(end[1]);
        bool is_there = setuid(65534) == 0 && listen_as_daemon(name, 0) >= 0;
        if (write(ready[1], is_there ? "y" : "n", 1) == 1)
            (void)!read(end[0], &byte, 1);
        _exit(0);
    }
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    dora_node *node;
    dora_node_options options = {.node_id = "nobody has this name"};
    int rc = dora_node_open(&node, &options, NULL);
    for (int i = 0; i < 2; i++)
        close(ready[i]), close(end[i]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    if (byte == 'n')
        skip();
    /* Root's own daemons may be there, or end. */
    assert_true(rc == -ECONNREFUSED || rc == -ENOENT || rc == -ECONNRESET);
}

static void doras_own_interface_works(void **state)
{
    (void)state;
    struct stand stand = two_nodes(10, LINK_DROP_OLDEST);
    void *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    assert_int_equal(dora_send_output(source, "out", 3, "abc", 3), 0);
    assert_int_equal(dora_send_output(source, "nowhere", 7, "abc", 3), 0);
    assert_int_equal(dora_send_output(source, "out", 3, NULL, 3), -1);
    void *event = dora_next_event(sink);
    assert_int_equal(read_dora_event_type(event), DoraEventType_Input);
    char *text;
    size_t len;
    read_dora_input_id(event, &text, &len);
    assert_int_equal(len, 2);
    assert_memory_equal(text, "in", 2);
    read_dora_input_data(event, &text, &len);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "abc", 3);
    assert_true(read_dora_input_timestamp(event) >> 32 > 1700000000);
    free_dora_event(event);
    stand_tell(&stand, 1, (struct proto_packet){.type = PROTO_STOP});
    event = dora_next_event(sink);
    assert_int_equal(read_dora_event_type(event), DoraEventType_Stop);
    read_dora_input_id(event, &text, &len);
    assert_null(text);
    free_dora_event(event);
    assert_null(dora_next_event(sink));
    stand_close(&stand);
}

int main(void)
{
    /* Where we may, away from other daemons of this user: a network has its own abstract names. */
    unshare(CLONE_NEWNET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_and_large_messages_arrive),
        cmocka_unit_test(what_cannot_be_sent_says_why),
        cmocka_unit_test(loans_are_filled_and_read_in_place),
        cmocka_unit_test(a_full_queue_drops_the_oldest_and_counts),
        cmocka_unit_test(inputs_take_turns),
        cmocka_unit_test(backpressure_loses_nothing),
        cmocka_unit_test(a_waiting_sender_hears_of_the_stop),
        cmocka_unit_test(an_end_comes_after_the_last_message),
        cmocka_unit_test(stop_comes_first_and_then_what_is_queued),
        cmocka_unit_test(a_stop_that_a_sender_reads_is_not_lost),
        cmocka_unit_test(a_node_that_never_waits_learns_of_its_daemons_end),
        cmocka_unit_test(samples_outlive_event_link_and_node),
        cmocka_unit_test(a_restarted_publisher_follows_the_old_one),
        cmocka_unit_test(several_publishers_of_one_input_take_turns),
        cmocka_unit_test(a_traced_node_notes_what_caused_what),
        cmocka_unit_test(parameters_travel),
        cmocka_unit_test(timers_tick_from_the_start),
        cmocka_unit_test(a_silent_input_breaks_and_recovers),
        cmocka_unit_test(a_pollable_descriptor_wakes_an_event_loop),
        cmocka_unit_test(a_forked_child_is_told_so),
        cmocka_unit_test(the_daemons_end_is_a_stop),
        cmocka_unit_test(a_daemon_that_does_not_answer_is_given_up),
        cmocka_unit_test(a_daemon_that_ends_is_passed_over),
        cmocka_unit_test(another_users_daemon_is_told_nothing),
        cmocka_unit_test(doras_own_interface_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
