/* Edges between two dataflows in this process, over an engine that the test can cut. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/edge_receive.h"
#include "gateway/edge_send.h"
#include "gateway/fake_net.h"
#include "gateway/stream.h"
#include "node/stand.h"

/* What is lost at regular intervals can be the same message several times, and each time it is asked for later. */
static const int64_t PATIENCE = 50 * CLOCK_SECOND;
static const char STREAM[] = "dora/@1/edge/flow/far/source/out";

enum { GATEWAY, NODE }; /* the nodes of each side */

struct bridge {
    struct net *near_net, *far_net;
    struct stand near, far;
    struct edge_send *send;
    struct edge_receive *receive;
    char *near_config, *far_config;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    int joined, left; /* how many of the two */
    int join_rc;
    char news[200];
    pthread_t ticker;
    bool is_over;
};

static int64_t patience; /* of the sender's end; 0: as ever */

static void on_joined(void *context, int rc, const char *message)
{
    struct bridge *bridge = context;
    (void)message;
    pthread_mutex_lock(&bridge->lock);
    bridge->joined++;
    bridge->join_rc = rc < 0 ? rc : bridge->join_rc;
    pthread_cond_broadcast(&bridge->changed);
    pthread_mutex_unlock(&bridge->lock);
}

static void on_left(void *context)
{
    struct bridge *bridge = context;
    pthread_mutex_lock(&bridge->lock);
    bridge->left++;
    pthread_cond_broadcast(&bridge->changed);
    pthread_mutex_unlock(&bridge->lock);
}

static void on_news(void *context, const char *failed)
{
    struct bridge *bridge = context;
    pthread_mutex_lock(&bridge->lock);
    strcat(bridge->news, failed ? failed : "restarted");
    strcat(bridge->news, ";");
    pthread_cond_broadcast(&bridge->changed);
    pthread_mutex_unlock(&bridge->lock);
    edge_receive_resume(bridge->receive);
}

/* The gateway's loop calls edge_receive_tick every 5 ms while there is need; here it is always. */
static void on_soon(void *context)
{
    (void)context;
}

static void *tick(void *context)
{
    struct bridge *bridge = context;
    pthread_mutex_lock(&bridge->lock);
    while (!bridge->is_over) {
        struct timespec at;
        clock_gettime(CLOCK_REALTIME, &at);
        at.tv_nsec += 5 * CLOCK_MILLI;
        at.tv_sec += at.tv_nsec / CLOCK_SECOND;
        at.tv_nsec %= CLOCK_SECOND;
        pthread_cond_timedwait(&bridge->changed, &bridge->lock, &at);
        if (bridge->receive)
            edge_receive_tick(bridge->receive);
    }
    pthread_mutex_unlock(&bridge->lock);
    return NULL;
}

static void wait_until(struct bridge *bridge, const int *count, int value)
{
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += PATIENCE / CLOCK_SECOND;
    pthread_mutex_lock(&bridge->lock);
    while (*count < value)
        if (pthread_cond_timedwait(&bridge->changed, &bridge->lock, &at) == ETIMEDOUT)
            break;
    int is = *count;
    pthread_mutex_unlock(&bridge->lock);
    assert_true(is >= value);
}

static struct edge_options options(struct bridge *bridge, struct net *net, const char *config)
{
    return (struct edge_options){.net = net,
                                 .stream = STREAM,
                                 .config = config,
                                 .output = "out",
                                 .patience = patience,
                                 .joined = on_joined,
                                 .left = on_left,
                                 .news = on_news,
                                 .soon = on_soon,
                                 .context = bridge};
}

static void open_send(void *context, const char *config)
{
    struct bridge *bridge = context;
    struct error error = ERROR_INIT;
    struct edge_options how = options(bridge, bridge->near_net, config);
    assert_int_equal(edge_send_open(&bridge->send, &how, &error), 0);
}

static void open_receive(void *context, const char *config)
{
    struct bridge *bridge = context;
    struct error error = ERROR_INIT;
    struct edge_options how = options(bridge, bridge->far_net, config);
    struct edge_receive *receive;
    assert_int_equal(edge_receive_open(&receive, &how, &error), 0);
    pthread_mutex_lock(&bridge->lock);
    bridge->receive = receive;
    pthread_mutex_unlock(&bridge->lock);
}

static struct bridge *open_bridge(struct link_edge near, struct link_edge far)
{
    static struct bridge bridge;
    bridge = (struct bridge){
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .changed = PTHREAD_COND_INITIALIZER,
        .near = {.count = 2,
                 .nodes = {{.id = "watcher", .inputs = {{"in"}}, .opens = open_send, .context = &bridge},
                           {.id = "source", .outputs = {{"out"}}}}},
        .far = {.count = 2,
                .nodes = {{.id = "stand-in", .outputs = {{"out"}}, .opens = open_receive, .context = &bridge},
                          {.id = "sink", .inputs = {{"in"}}}}}};
    struct error error = ERROR_INIT;
    fake_net_cut(false, true);
    fake_net_lose(0);
    assert_int_equal(net_open(&bridge.near_net, &(struct net_options){0}, &error), 0);
    assert_int_equal(net_open(&bridge.far_net, &(struct net_options){0}, &error), 0);
    assert_int_equal(pthread_create(&bridge.ticker, NULL, tick, &bridge), 0);
    stand_open(&bridge.far);
    stand_link(&bridge.far, GATEWAY, NODE, &far, 1);
    stand_start(&bridge.far);
    stand_open(&bridge.near);
    stand_link(&bridge.near, NODE, GATEWAY, &near, 1);
    stand_start(&bridge.near);
    wait_until(&bridge, &bridge.joined, 2);
    assert_int_equal(bridge.join_rc, 0);
    return &bridge;
}

static void close_bridge(struct bridge *bridge)
{
    edge_send_end(bridge->send, false);
    edge_receive_end(bridge->receive);
    edge_send_free(bridge->send);
    pthread_mutex_lock(&bridge->lock);
    bridge->is_over = true;
    pthread_mutex_unlock(&bridge->lock);
    pthread_join(bridge->ticker, NULL);
    edge_receive_free(bridge->receive);
    assert_int_equal(bridge->left, 2);
    net_close(bridge->near_net);
    net_close(bridge->far_net);
    stand_close(&bridge->near);
    stand_close(&bridge->far);
}

static dora_event *next(struct bridge *bridge)
{
    dora_event *event;
    assert_int_equal(dora_next(bridge->far.nodes[NODE].node, &event, PATIENCE), 0);
    assert_int_equal(dora_event_type(event), DORA_EVENT_INPUT);
    return event;
}

static void send(struct bridge *bridge, const void *data, size_t size, const dora_params *params)
{
    assert_int_equal(dora_send(bridge->near.nodes[NODE].node, "out", data, size, params), 0);
}

/* ---- Messages ---- */

static const struct link_edge DROPS = {.limit = 16}, WAITS = {.limit = 16, .policy = LINK_BACKPRESSURE};

static void test_what_arrives_is_what_was_sent(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(DROPS, DROPS);
    static const size_t sizes[] = {0, 1, 8, 96, 97, 5000, 100000, 1 << 20, (1 << 20) + 1, (11 << 20) - 1};
    dora_params *params = dora_params_new();
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            char *data = malloc(sizes[i] + 1);
            memset(data, (int)i + round, sizes[i]);
            uint64_t before = clock_ntp64();
            send(bridge, data, sizes[i], round ? params : NULL);
            dora_event *event = next(bridge);
            assert_int_equal(dora_event_size(event), sizes[i]);
            assert_memory_equal(dora_event_data(event, NULL) ?: "", data, sizes[i]);
            assert_int_equal(dora_event_sequence(event), (size_t)round * (sizeof sizes / sizeof *sizes) + i);
            /* The publisher's own time, not that of handing on; to a ms. */
            assert_true(dora_event_timestamp(event) + (1 << 22) > before);
            assert_true(dora_event_timestamp(event) < clock_ntp64() + (1 << 22));
            assert_int_equal(dora_params_count(dora_event_params(event)), round);
            dora_event_free(event);
            free(data);
        }
        dora_params_set_string(params, round ? "request_id" : "key", "0190c5d0-0000-7000-8000-000000000000");
    }
    dora_params_free(params);
    /* It is counted after it was handed on. */
    for (int64_t deadline = clock_now() + PATIENCE; clock_now() < deadline; sched_yield())
        if (edge_receive_counts(bridge->receive).messages == 30)
            break;
    assert_int_equal(edge_receive_counts(bridge->receive).messages, 30);
    close_bridge(bridge);
}

struct burst {
    struct bridge *bridge;
    uint64_t count;
    size_t size;
};

static void *send_burst(void *context)
{
    const struct burst *burst = context;
    char *data = calloc(1, burst->size);
    for (uint64_t i = 0; i < burst->count; i++) {
        memcpy(data, &i, sizeof i);
        send(burst->bridge, data, burst->size, NULL);
    }
    free(data);
    return NULL;
}

static void expect_burst(struct bridge *bridge, uint64_t from, uint64_t count)
{
    for (uint64_t i = from; i < from + count; i++) {
        dora_event *event = next(bridge);
        uint64_t value;
        memcpy(&value, dora_event_data(event, NULL), sizeof value);
        assert_int_equal(value, i);
        assert_int_equal(dora_event_sequence(event), i);
        dora_event_free(event);
    }
}

static void test_nothing_is_lost_on_a_bad_wire(void **state)
{
    (void)state;
    static const struct link_edge few = {.limit = 2, .policy = LINK_BACKPRESSURE};
    for (size_t size = 8; size <= 12000000; size = size * 1200) {
        struct bridge *bridge = open_bridge(few, few);
        struct burst burst = {bridge, size < 1 << 20 ? 300 : 30, size};
        pthread_t thread;
        fake_net_lose(31);
        pthread_create(&thread, NULL, send_burst, &burst);
        expect_burst(bridge, 0, burst.count);
        pthread_join(thread, NULL);
        fake_net_lose(0);
        assert_true(edge_send_counts(bridge->send).resent > 0);
        close_bridge(bridge);
    }
}

static void cut_in_mid_traffic(bool is_noticed)
{
    struct bridge *bridge = open_bridge(WAITS, WAITS);
    struct burst burst = {bridge, 12000, 8};
    pthread_t thread;
    pthread_create(&thread, NULL, send_burst, &burst);
    expect_burst(bridge, 0, 1000);
    fake_net_cut(true, is_noticed);
    /* The sink takes what is there; then nothing comes any more, and the source stands still. */
    dora_event *event;
    uint64_t got = 1000;
    while (dora_next(bridge->far.nodes[NODE].node, &event, 200 * CLOCK_MILLI) == 0) {
        dora_event_free(event);
        got++;
    }
    assert_true(got < burst.count);
    fake_net_cut(false, is_noticed);
    expect_burst(bridge, got, burst.count - got);
    pthread_join(thread, NULL);
    close_bridge(bridge);
}

static void test_a_cut_that_is_noticed(void **state)
{
    (void)state;
    cut_in_mid_traffic(true);
}

static void test_a_cut_that_nobody_notices(void **state)
{
    (void)state;
    cut_in_mid_traffic(false);
}

/* The publisher never waits, and drops in its own ring, of which the subscriber hears. */
static void test_a_cut_with_drop_oldest(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(DROPS, DROPS);
    fake_net_cut(true, true);
    struct burst burst = {bridge, 20000, 8};
    send_burst(&burst);
    fake_net_cut(false, true);
    dora_event *event;
    uint64_t last = 0, got = 0;
    do {
        event = next(bridge);
        assert_true(got == 0 || dora_event_sequence(event) > last);
        last = dora_event_sequence(event);
        got++;
        dora_event_free(event);
    } while (last < burst.count - 1);
    dora_output_stats stats;
    assert_int_equal(dora_get_output_stats(bridge->near.nodes[NODE].node, "out", &stats), 0);
    assert_true(stats.dropped > 0);
    dora_input_stats far;
    assert_int_equal(dora_get_input_stats(bridge->far.nodes[NODE].node, "in", &far), 0);
    assert_int_equal(got + far.dropped, burst.count);
    close_bridge(bridge);
}

static void test_a_slow_sink_holds_up_the_source(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(WAITS, WAITS);
    struct burst burst = {bridge, 40, 1 << 20};
    pthread_t thread;
    pthread_create(&thread, NULL, send_burst, &burst);
    /* 16 in each ring, a window of 8: more can't be under way. */
    dora_output_stats stats = {0};
    for (int64_t deadline = clock_now() + PATIENCE; stats.sent < 40 && clock_now() < deadline;)
        dora_get_output_stats(bridge->near.nodes[NODE].node, "out", &stats), sched_yield();
    assert_true(edge_send_counts(bridge->send).unacknowledged <= 8);
    expect_burst(bridge, 0, burst.count);
    pthread_join(thread, NULL);
    close_bridge(bridge);
}

/* ---- Ends ---- */

static void test_the_end_comes_after_the_last_message(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(DROPS, DROPS);
    for (uint64_t i = 0; i < 10; i++)
        send(bridge, &i, sizeof i, NULL);
    stand_tell_index(&bridge->near, GATEWAY, PROTO_INPUT_CLOSED, 0);
    uint32_t index = 9;
    assert_int_equal(stand_hear(&bridge->far, GATEWAY, &index), PROTO_CLOSE_OUTPUT);
    assert_int_equal(index, 0);
    assert_int_equal(stand_hear(&bridge->far, GATEWAY, NULL), PROTO_GOODBYE);
    assert_int_equal(stand_hear(&bridge->near, GATEWAY, NULL), PROTO_GOODBYE);
    expect_burst(bridge, 0, 10);
    wait_until(bridge, &bridge->left, 2);
    close_bridge(bridge);
}

static void test_the_end_waits_for_a_cut_wire(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(DROPS, DROPS);
    fake_net_cut(true, false);
    for (uint64_t i = 0; i < 10; i++)
        send(bridge, &i, sizeof i, NULL);
    stand_tell(&bridge->near, GATEWAY, (struct proto_packet){.type = PROTO_STOP});
    dora_event *event;
    assert_int_equal(dora_next(bridge->far.nodes[NODE].node, &event, 100 * CLOCK_MILLI), -ETIMEDOUT);
    fake_net_cut(false, false);
    expect_burst(bridge, 0, 10);
    assert_int_equal(stand_hear(&bridge->far, GATEWAY, NULL), PROTO_CLOSE_OUTPUT);
    assert_int_equal(stand_hear(&bridge->near, GATEWAY, NULL), PROTO_GOODBYE);
    wait_until(bridge, &bridge->left, 2);
    close_bridge(bridge);
}

/* As long as the receiving gateway answers, though nothing gets on. */
static void test_the_end_waits_for_a_slow_sink(void **state)
{
    (void)state;
    patience = 4 * CLOCK_SECOND;
    struct bridge *bridge = open_bridge(WAITS, WAITS);
    patience = 0;
    for (uint64_t i = 0; i < 40; i++)
        send(bridge, &i, sizeof i, NULL);
    stand_tell_index(&bridge->near, GATEWAY, PROTO_INPUT_CLOSED, 0);
    struct pollfd none;
    for (int64_t until = clock_now() + 5 * CLOCK_SECOND; clock_now() < until;) {
        poll(&none, 0, 10);
        pthread_mutex_lock(&bridge->lock);
        int left = bridge->left;
        pthread_mutex_unlock(&bridge->lock);
        assert_int_equal(left, 0);
    }
    expect_burst(bridge, 0, 40);
    wait_until(bridge, &bridge->left, 2);
    close_bridge(bridge);
}

static void test_the_end_without_anybody(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(DROPS, DROPS);
    fake_net_cut(true, true);
    send(bridge, "x", 1, NULL);
    stand_tell_index(&bridge->near, GATEWAY, PROTO_INPUT_CLOSED, 0);
    /* It gives up, though not at once. */
    wait_until(bridge, &bridge->left, 1);
    assert_int_equal(stand_hear(&bridge->near, GATEWAY, NULL), PROTO_GOODBYE);
    close_bridge(bridge);
}

static void test_drained_when_told_to_end(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(DROPS, DROPS);
    for (uint64_t i = 0; i < 10; i++)
        send(bridge, &i, sizeof i, NULL);
    edge_send_end(bridge->send, true);
    expect_burst(bridge, 0, 10);
    wait_until(bridge, &bridge->left, 2);
    close_bridge(bridge);
}

static void test_news_in_their_turn(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(DROPS, DROPS);
    stand_tell(&bridge->near, GATEWAY,
               (struct proto_packet){.type = PROTO_NODE_FAILED, .text = {"source", "exit code 3"}, .text_count = 2});
    stand_tell(&bridge->near, GATEWAY,
               (struct proto_packet){.type = PROTO_NODE_RESTARTED, .text = {"source"}, .text_count = 1});
    uint64_t zero = 0;
    expect_burst(bridge, 0, 0);
    int64_t deadline = clock_now() + PATIENCE;
    char news[200] = "";
    while (!strstr(news, "restarted") && clock_now() < deadline) {
        pthread_mutex_lock(&bridge->lock);
        strcpy(news, bridge->news);
        pthread_mutex_unlock(&bridge->lock);
    }
    assert_string_equal(news, "exit code 3;restarted;");
    send(bridge, &zero, sizeof zero, NULL);
    expect_burst(bridge, 0, 1);
    close_bridge(bridge);
}

/* ---- Nonsense ---- */

static void test_nonsense_on_the_keys(void **state)
{
    (void)state;
    struct bridge *bridge = open_bridge(DROPS, DROPS);
    struct net_publisher *data, *ack;
    struct error error = ERROR_INIT;
    char key[100];
    snprintf(key, sizeof key, "%s/ack", STREAM);
    net_publisher_open(&data, bridge->near_net, STREAM, NULL, &error);
    net_publisher_open(&ack, bridge->far_net, key, NULL, &error);
    uint64_t value = 0;
    send(bridge, &value, sizeof value, NULL);
    expect_burst(bridge, 0, 1);
    uint32_t random = 1;
    for (int i = 0; i < 2000; i++) {
        uint8_t bytes[64];
        struct stream_head head = {.kind = STREAM_DATA, .epoch = 7, .number = random % 9};
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)(random = random * 1664525 + 1013904223, random >> 24);
        /* Half of it looks as if it were right. */
        if (i % 2)
            stream_head_write(&head, bytes);
        net_put(data, bytes, random % sizeof bytes, bytes, random >> 8 & 63, NULL, NULL);
        net_put(ack, bytes, random % sizeof bytes, bytes, random >> 8 & 63, NULL, NULL);
    }
    /* What is right, but for its meta: it isn't handed on, and costs nobody the link. */
    uint8_t bytes[STREAM_MESSAGE_HEAD + 6];
    struct stream_head head = {.kind = STREAM_DATA, .flags = STREAM_FIRST, .epoch = 8, .number = 0};
    struct stream_message message = {.format = 'C', .meta_len = 6};
    stream_head_write(&head, bytes);
    stream_message_write(&message, bytes);
    memcpy(bytes + STREAM_MESSAGE_HEAD, "\2\0\0\0ab", 6);
    net_put(data, "x", 1, bytes, sizeof bytes, NULL, NULL);
    for (value = 1; value < 10; value++)
        send(bridge, &value, sizeof value, NULL);
    /* The stranger's stream came in between, and ours goes on. */
    do {
        dora_event *event = next(bridge);
        value = dora_event_sequence(event);
        dora_event_free(event);
    } while (value < 9);
    struct edge_counts counts = edge_receive_counts(bridge->receive);
    for (int64_t deadline = clock_now() + PATIENCE; counts.rejected < 1000 && clock_now() < deadline; sched_yield())
        counts = edge_receive_counts(bridge->receive);
    assert_true(counts.rejected >= 1000);
    assert_true(edge_send_counts(bridge->send).rejected >= 1000);
    net_publisher_close(data);
    net_publisher_close(ack);
    close_bridge(bridge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_arrives_is_what_was_sent),
        cmocka_unit_test(test_nothing_is_lost_on_a_bad_wire),
        cmocka_unit_test(test_a_cut_that_is_noticed),
        cmocka_unit_test(test_a_cut_that_nobody_notices),
        cmocka_unit_test(test_a_cut_with_drop_oldest),
        cmocka_unit_test(test_a_slow_sink_holds_up_the_source),
        cmocka_unit_test(test_the_end_comes_after_the_last_message),
        cmocka_unit_test(test_the_end_waits_for_a_cut_wire),
        cmocka_unit_test(test_the_end_waits_for_a_slow_sink),
        cmocka_unit_test(test_the_end_without_anybody),
        cmocka_unit_test(test_drained_when_told_to_end),
        cmocka_unit_test(test_news_in_their_turn),
        cmocka_unit_test(test_nonsense_on_the_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
