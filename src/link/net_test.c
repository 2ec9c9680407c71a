/* Publishing and subscribing between sessions, over the loopback interface and unix sockets. */
#include "link/net_testing.h"

#include <pthread.h>

static uint8_t byte_at(size_t i, unsigned seed)
{
    return (uint8_t)(i * 31 + (i >> 12) + seed);
}

static uint8_t *content(size_t len, unsigned seed)
{
    uint8_t *data = malloc(len + 1);
    assert_non_null(data);
    for (size_t i = 0; i < len; i++)
        data[i] = byte_at(i, seed);
    return data;
}

static bool is_content(const struct net_sample *sample, size_t len, unsigned seed)
{
    size_t i = 0;
    for (size_t piece = 0; piece < sample->piece_count; piece++) {
        const uint8_t *data = sample->pieces[piece].data;
        for (size_t k = 0; k < sample->pieces[piece].len; k++, i++)
            if (i >= len || data[k] != byte_at(i, seed))
                return false;
    }
    return i == len && sample->len == len;
}

static void count_done(void *owner)
{
    atomic_fetch_add((atomic_int *)owner, 1);
}

static const size_t SIZES[] = {0, 1, 8, 4096, 60000, 65535, 65536, 200000, 1 << 20, BIG, 3};
enum { SIZE_COUNT = sizeof SIZES / sizeof *SIZES };

struct receipt {
    atomic_int count, wrong;
};

static void receive_sizes(void *context, const struct net_sample *sample)
{
    struct receipt *receipt = context;
    int at = atomic_load(&receipt->count);
    char attachment[32];
    int len = snprintf(attachment, sizeof attachment, "number %d", at % SIZE_COUNT);
    bool is_right = strcmp(sample->key, "test/sizes") == 0 && strcmp(sample->encoding, "application/vnd.test") == 0 &&
                    is_content(sample, SIZES[at % SIZE_COUNT], (unsigned)at % SIZE_COUNT) &&
                    sample->attachment.len == (size_t)len &&
                    memcmp(sample->attachment.data, attachment, (size_t)len) == 0;
    uint8_t *copy = malloc(sample->len + 1);
    if (copy && sample->len) {
        copy[sample->len] = 0x5a;
        net_copy(sample, copy);
        is_right = is_right && copy[sample->len] == 0x5a && copy[0] == byte_at(0, (unsigned)at % SIZE_COUNT) &&
                   copy[sample->len - 1] == byte_at(sample->len - 1, (unsigned)at % SIZE_COUNT);
    }
    free(copy);
    atomic_fetch_add(&receipt->wrong, !is_right);
    atomic_store(&receipt->count, at + 1);
}

static void all_sizes(struct pair pair)
{
    struct receipt receipt = {0};
    struct net_subscriber *subscriber = subscribe(pair.b, "test/*", receive_sizes, &receipt);
    struct net_publisher *publisher =
        publish_matched(pair.a, "test/sizes", (struct net_publisher_options){.encoding = "application/vnd.test"});
    atomic_int done = 0;
    for (int is_copied = 0; is_copied < 2; is_copied++) {
        uint8_t *data[SIZE_COUNT];
        for (int i = 0; i < SIZE_COUNT; i++) {
            data[i] = content(SIZES[i], (unsigned)i);
            char attachment[32];
            int len = snprintf(attachment, sizeof attachment, "number %d", i);
            assert_int_equal(
                net_put(publisher, data[i], SIZES[i], attachment, (size_t)len, is_copied ? NULL : count_done, &done),
                0);
            if (is_copied)
                memset(data[i], 0xff, SIZES[i]);
        }
        await(atomic_load(&done) == SIZE_COUNT);
        await(atomic_load(&receipt.count) == (is_copied + 1) * SIZE_COUNT);
        for (int i = 0; i < SIZE_COUNT; i++)
            free(data[i]);
    }
    assert_int_equal(atomic_load(&receipt.wrong), 0);
    assert_int_equal(atomic_load(&done), SIZE_COUNT);
    net_publisher_close(publisher);
    net_subscriber_close(subscriber);
    pair_close(&pair);
}

static void sizes_by_unix_socket(void **state)
{
    (void)state;
    all_sizes(pair_at(unix_endpoint()));
}

static void sizes_by_tcp(void **state)
{
    (void)state;
    all_sizes(pair_at(tcp_endpoint()));
}

struct sequence {
    atomic_int next, wrong, inside;
};

static void receive_sequence(void *context, const struct net_sample *sample)
{
    struct sequence *sequence = context;
    if (atomic_fetch_add(&sequence->inside, 1))
        atomic_fetch_add(&sequence->wrong, 1);
    int number = -1;
    if (sample->len == sizeof number)
        net_copy(sample, &number);
    if (number >= 0 && number != atomic_load(&sequence->next))
        atomic_fetch_add(&sequence->wrong, 1);
    atomic_fetch_add(&sequence->next, 1);
    atomic_fetch_sub(&sequence->inside, 1);
}

static void keeps_order(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct sequence sequence = {0};
    struct net_subscriber *subscriber = subscribe(pair.a, "test/order", receive_sequence, &sequence);
    struct net_publisher *publisher = publish_matched(pair.b, "test/order", (struct net_publisher_options){0});
    enum { COUNT = 20000 };
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(net_put(publisher, &i, sizeof i, NULL, 0, NULL, NULL), 0);
    await(atomic_load(&sequence.next) == COUNT);
    assert_int_equal(atomic_load(&sequence.wrong), 0);
    net_subscriber_close(subscriber);
    net_publisher_close(publisher);
    pair_close(&pair);
}

struct flood {
    pthread_t thread;
    struct net_publisher *publisher;
    atomic_int is_over;
    int count; /* 0: until it is over */
};

static void *flood(void *argument)
{
    struct flood *flood = argument;
    int nobody = -1;
    for (int i = 0; !atomic_load(&flood->is_over) && (!flood->count || i < flood->count); i++)
        net_put(flood->publisher, &nobody, sizeof nobody, NULL, 0, NULL, NULL);
    return NULL;
}

/* Two publishers, in two sessions: the engine calls from two threads at once. */
static void calls_one_at_a_time(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct net *third = session(NULL, pair.endpoint);
    struct sequence sequence = {0};
    struct net_subscriber *subscriber = subscribe(pair.a, "test/one", receive_sequence, &sequence);
    enum { COUNT = 5000 };
    struct flood floods[2] = {{.count = COUNT}, {.count = COUNT}};
    floods[0].publisher = publish_matched(pair.b, "test/one", (struct net_publisher_options){0});
    floods[1].publisher = publish_matched(third, "test/one", (struct net_publisher_options){.urgent = true});
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&floods[i].thread, NULL, flood, &floods[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(floods[i].thread, NULL);
    await(atomic_load(&sequence.next) == 2 * COUNT);
    assert_int_equal(atomic_load(&sequence.wrong), 0);
    net_publisher_close(floods[0].publisher);
    net_publisher_close(floods[1].publisher);
    net_subscriber_close(subscriber);
    net_close(third);
    pair_close(&pair);
}

static void gives_data_back_once(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct net_subscriber *subscriber = subscribe(pair.b, "test/once", ignore, NULL);
    struct net_publisher *publisher = publish_matched(pair.a, "test/once", (struct net_publisher_options){0});
    atomic_int done = 0;
    assert_int_equal(net_put(publisher, "x", 1, NULL, 0, count_done, &done), 0);
    assert_int_equal(net_put(publisher, NULL, 0, "a", 1, count_done, &done), 0);
    await(atomic_load(&done) == 2);
    net_close(pair.a);
    assert_int_equal(net_put(publisher, "x", 1, NULL, 0, count_done, &done), -ESHUTDOWN);
    assert_int_equal(atomic_load(&done), 3);
    net_publisher_close(publisher);
    net_subscriber_close(subscriber);
    pair.a = NULL;
    pair_close(&pair);
    assert_int_equal(atomic_load(&done), 3);
}

struct kept {
    atomic_int count;
    const struct net_sample *samples[2];
};

static void keep(void *context, const struct net_sample *sample)
{
    struct kept *kept = context;
    int at = atomic_load(&kept->count);
    kept->samples[at] = net_keep(sample);
    atomic_store(&kept->count, at + 1);
}

static void keeps_samples_beyond_the_session(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct kept kept = {0};
    struct net_subscriber *subscriber = subscribe(pair.b, "test/keep", keep, &kept);
    struct net_publisher *publisher =
        publish_matched(pair.a, "test/keep", (struct net_publisher_options){.encoding = "text/plain"});
    uint8_t *data = content(BIG, 9);
    assert_int_equal(net_put(publisher, data, BIG, "attached", 8, NULL, NULL), 0);
    assert_int_equal(net_put(publisher, data, 100, NULL, 0, NULL, NULL), 0);
    free(data);
    await(atomic_load(&kept.count) == 2);
    net_publisher_close(publisher);
    net_subscriber_close(subscriber);
    pair_close(&pair);

    assert_non_null(kept.samples[0]);
    const struct net_sample *again = net_keep(kept.samples[0]);
    net_release(kept.samples[0]);
    assert_true(is_content(again, BIG, 9));
    assert_string_equal(again->key, "test/keep");
    assert_string_equal(again->encoding, "text/plain");
    assert_int_equal(again->attachment.len, 8);
    assert_memory_equal(again->attachment.data, "attached", 8);
    net_release(again);
    assert_true(is_content(kept.samples[1], 100, 9));
    assert_int_equal(kept.samples[1]->piece_count, 1);
    assert_null(kept.samples[1]->attachment.data);
    net_release(kept.samples[1]);
    net_release(NULL);
}

static void tells_of_subscribers(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    atomic_int matched = -1;
    struct net_publisher *publisher =
        publish(pair.a, "test/match", (struct net_publisher_options){.matching = on_matching, .context = &matched});
    struct net_subscriber *own = subscribe(pair.a, "test/**", ignore, NULL);
    struct net_subscriber *subscriber = subscribe(pair.b, "test/**", ignore, NULL);
    await(atomic_load(&matched) == 1);
    net_subscriber_close(subscriber);
    await(atomic_load(&matched) == 0);
    struct net *third = session(NULL, pair.endpoint);
    subscriber = subscribe(third, "test/match", ignore, NULL);
    await(atomic_load(&matched) == 1);
    net_close(third);
    await(atomic_load(&matched) == 0);
    net_subscriber_close(subscriber);
    net_subscriber_close(own);
    net_publisher_close(publisher);
    pair_close(&pair);
}

static void does_not_hear_itself(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct sequence own = {0}, other = {0};
    struct net_subscriber *here = subscribe(pair.a, "test/self", receive_sequence, &own);
    struct net_subscriber *there = subscribe(pair.b, "test/self", receive_sequence, &other);
    struct net_publisher *publisher = publish_matched(pair.a, "test/self", (struct net_publisher_options){0});
    for (int i = 0; i < 100; i++)
        assert_int_equal(net_put(publisher, &i, sizeof i, NULL, 0, NULL, NULL), 0);
    await(atomic_load(&other.next) == 100);
    assert_int_equal(atomic_load(&own.next), 0);
    net_publisher_close(publisher);
    net_subscriber_close(here);
    net_subscriber_close(there);
    pair_close(&pair);
}

static void wait_for_leave(void *context, const struct net_sample *sample)
{
    (void)sample;
    while (!atomic_load((atomic_int *)context))
        nap();
}

/* The subscriber takes nothing, and more is put than sockets and queues hold. */
static void drops_rather_than_waits(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    atomic_int leave = 0, done = 0;
    struct net_subscriber *subscriber = subscribe(pair.b, "test/drop", wait_for_leave, &leave);
    struct net_publisher *publisher =
        publish_matched(pair.a, "test/drop", (struct net_publisher_options){.drop = true});
    enum { COUNT = 200, SIZE = 1 << 20 };
    uint8_t *data = content(SIZE, 0);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(net_put(publisher, data, SIZE, NULL, 0, count_done, &done), 0);
    atomic_store(&leave, 1);
    await(atomic_load(&done) == COUNT);
    net_publisher_close(publisher);
    net_subscriber_close(subscriber);
    pair_close(&pair);
    free(data);
}

struct ending {
    atomic_int count, is_closed, late;
};

static void receive_until_closed(void *context, const struct net_sample *sample)
{
    (void)sample;
    struct ending *ending = context;
    atomic_fetch_add(&ending->count, 1);
    nap();
    if (atomic_load(&ending->is_closed))
        atomic_fetch_add(&ending->late, 1);
}

static void closes_while_callbacks_run(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct ending ending;
    struct flood stream = {0};
    for (int round = 0; round < 10; round++) {
        memset(&ending, 0, sizeof ending);
        struct net_subscriber *subscriber = subscribe(pair.b, "test/close", receive_until_closed, &ending);
        if (round == 0) {
            stream.publisher = publish_matched(pair.a, "test/close", (struct net_publisher_options){.drop = true});
            assert_int_equal(pthread_create(&stream.thread, NULL, flood, &stream), 0);
        }
        await(atomic_load(&ending.count) > 2);
        net_subscriber_close(subscriber);
        atomic_store(&ending.is_closed, 1);
        nap();
        assert_int_equal(atomic_load(&ending.late), 0);
    }
    net_close(pair.a);
    pair.a = NULL;
    atomic_store(&stream.is_over, 1);
    pthread_join(stream.thread, NULL);
    net_publisher_close(stream.publisher);
    pair_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_by_unix_socket),
        cmocka_unit_test(sizes_by_tcp),
        cmocka_unit_test(keeps_order),
        cmocka_unit_test(calls_one_at_a_time),
        cmocka_unit_test(gives_data_back_once),
        cmocka_unit_test(keeps_samples_beyond_the_session),
        cmocka_unit_test(tells_of_subscribers),
        cmocka_unit_test(does_not_hear_itself),
        cmocka_unit_test(drops_rather_than_waits),
        cmocka_unit_test(closes_while_callbacks_run),
    };
    return run_net_tests(tests);
}
