/* Sessions of one process, and of two, over the loopback interface and unix sockets. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "link/net.h"

#define PATIENCE (60 * CLOCK_SECOND) /* what takes longer will never happen */
#define BIG      ((size_t)40 << 20)

/* Waits until `condition` holds; fails when it doesn't. */
#define await(condition)                                                                                               \
    do {                                                                                                               \
        int64_t until_ = clock_now() + PATIENCE;                                                                       \
        while (!(condition)) {                                                                                         \
            if (clock_now() > until_)                                                                                  \
                fail_msg("%s:%d: never came: %s", __FILE__, __LINE__, #condition);                                     \
            nap();                                                                                                     \
        }                                                                                                              \
    } while (0)

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static char folder[] = "/tmp/dora-net-XXXXXX";

/* Endpoints that nobody has yet. */
static char *unix_endpoint(void)
{
    static int number;
    char *endpoint;
    assert_true(asprintf(&endpoint, "unixsock-stream/%s/%d", folder, number++) > 0);
    return endpoint;
}

static char *tcp_endpoint(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    char *endpoint;
    assert_true(asprintf(&endpoint, "tcp/127.0.0.1:%d", ntohs(address.sin_port)) > 0);
    return endpoint;
}

static struct net *session(const char *listen, const char *connect)
{
    struct error error = ERROR_INIT;
    struct net *net;
    const char *listens[] = {listen, NULL}, *connects[] = {connect, NULL};
    if (net_open(&net, &(struct net_options){.listen = listens, .connect = connects}, &error))
        fail_msg("%s", error.message);
    return net;
}

struct pair {
    char *endpoint;
    struct net *a, *b; /* b connects to a */
};

static struct pair pair_at(char *endpoint)
{
    struct net *a = session(endpoint, NULL);
    return (struct pair){endpoint, a, session(NULL, endpoint)};
}

static struct pair pair_open(void)
{
    return pair_at(unix_endpoint());
}

static void pair_close(struct pair *pair)
{
    net_close(pair->b);
    net_close(pair->a);
    free(pair->endpoint);
}

static struct net_publisher *publish(struct net *net, const char *key, struct net_publisher_options options)
{
    struct error error = ERROR_INIT;
    struct net_publisher *publisher;
    if (net_publisher_open(&publisher, net, key, &options, &error))
        fail_msg("%s", error.message);
    return publisher;
}

static struct net_subscriber *subscribe(struct net *net, const char *key,
                                        void (*arrived)(void *, const struct net_sample *), void *context)
{
    struct error error = ERROR_INIT;
    struct net_subscriber *subscriber;
    if (net_subscriber_open(&subscriber, net, key, arrived, context, &error))
        fail_msg("%s", error.message);
    return subscriber;
}

static void on_matching(void *context, bool is_matched)
{
    atomic_store((atomic_int *)context, is_matched);
}

/* A publisher that somebody subscribes to already. */
static struct net_publisher *publish_matched(struct net *net, const char *key, struct net_publisher_options options)
{
    static atomic_int matched;
    atomic_store(&matched, 0);
    options.matching = on_matching;
    options.context = &matched;
    struct net_publisher *publisher = publish(net, key, options);
    await(atomic_load(&matched));
    return publisher;
}

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

/* ---- Publishing ---- */

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
    struct net_publisher *publisher = publish(pair.a, "test/nobody", (struct net_publisher_options){0});
    atomic_int done = 0;
    assert_int_equal(net_put(publisher, "x", 1, NULL, 0, count_done, &done), 0);
    assert_int_equal(net_put(publisher, NULL, 0, "a", 1, count_done, &done), 0);
    await(atomic_load(&done) == 2);
    net_close(pair.a);
    assert_int_equal(net_put(publisher, "x", 1, NULL, 0, count_done, &done), -ESHUTDOWN);
    assert_int_equal(atomic_load(&done), 3);
    net_publisher_close(publisher);
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

static void ignore(void *context, const struct net_sample *sample)
{
    (void)context, (void)sample;
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

/* ---- Queries ---- */

struct answers {
    atomic_int replies, refusals, ends;
    char text[64], refusal[64];
    size_t len;
    struct net *net;
};

static void on_answer(void *context, const struct net_bytes *reply, const char *refusal)
{
    struct answers *answers = context;
    if (reply) {
        answers->len = reply->len;
        memcpy(answers->text, reply->data ? reply->data : "", reply->len < 63 ? reply->len : 63);
        atomic_fetch_add(&answers->replies, 1);
    } else if (refusal) {
        snprintf(answers->refusal, sizeof answers->refusal, "%s", refusal);
        atomic_fetch_add(&answers->refusals, 1);
    } else {
        atomic_fetch_add(&answers->ends, 1);
    }
}

static void ask(struct net *net, const char *key, const char *text, int64_t timeout, struct answers *answers)
{
    memset(answers, 0, sizeof *answers);
    struct error error = ERROR_INIT;
    if (net_ask(net, key, text, strlen(text), timeout, on_answer, answers, &error))
        fail_msg("%s", error.message);
    await(atomic_load(&answers->ends) == 1);
}

/* Asks until somebody is there to answer. */
static void ask_until_answered(struct net *net, const char *key, const char *text, struct answers *answers)
{
    int64_t until = clock_now() + PATIENCE;
    do {
        assert_true(clock_now() < until);
        ask(net, key, text, PATIENCE, answers);
    } while (atomic_load(&answers->replies) + atomic_load(&answers->refusals) == 0);
}

struct desk {
    pthread_t thread;
    atomic_int count;
    _Atomic(struct net_query *) later;
};

static void on_question(void *context, struct net_query *query, struct net_bytes payload)
{
    struct desk *desk = context;
    atomic_fetch_add(&desk->count, 1);
    if (payload.len == 4 && memcmp(payload.data, "echo", 4) == 0) {
        net_reply(query, payload.data, payload.len);
    } else if (payload.len == 5 && memcmp(payload.data, "large", 5) == 0) {
        uint8_t *data = malloc(1 << 20);
        memset(data, 'l', 1 << 20);
        net_reply(query, data, 1 << 20);
        free(data);
    } else if (payload.len == 5 && memcmp(payload.data, "later", 5) == 0) {
        atomic_store(&desk->later, query);
    } else if (payload.len == 0) {
        net_reply(query, NULL, 0);
    } else {
        net_decline(query, "no such thing");
    }
}

static struct net_queryable *answer_to(struct net *net, const char *key, struct desk *desk)
{
    struct error error = ERROR_INIT;
    struct net_queryable *queryable;
    if (net_queryable_open(&queryable, net, key, on_question, desk, &error))
        fail_msg("%s", error.message);
    return queryable;
}

static void *reply_later(void *argument)
{
    struct desk *desk = argument;
    struct net_query *query;
    while (!(query = atomic_load(&desk->later)))
        nap();
    net_reply(query, "at last", 7);
    return NULL;
}

static void asks_and_answers(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct desk desk = {0};
    struct answers answers;
    ask(pair.a, "test/nobody", "echo", PATIENCE, &answers);
    assert_int_equal(atomic_load(&answers.replies) + atomic_load(&answers.refusals), 0);

    struct net_queryable *queryable = answer_to(pair.b, "test/desk", &desk);
    ask_until_answered(pair.a, "test/desk", "echo", &answers);
    assert_int_equal(atomic_load(&answers.replies), 1);
    assert_string_equal(answers.text, "echo");
    ask(pair.a, "test/*", "", PATIENCE, &answers);
    assert_int_equal(atomic_load(&answers.replies), 1);
    assert_int_equal(answers.len, 0);
    ask(pair.a, "test/desk", "large", PATIENCE, &answers);
    assert_int_equal(answers.len, 1 << 20);
    ask(pair.a, "test/desk", "nonsense", PATIENCE, &answers);
    assert_int_equal(atomic_load(&answers.replies), 0);
    assert_string_equal(answers.refusal, "no such thing");

    assert_int_equal(pthread_create(&desk.thread, NULL, reply_later, &desk), 0);
    ask(pair.a, "test/desk", "later", PATIENCE, &answers);
    pthread_join(desk.thread, NULL);
    assert_string_equal(answers.text, "at last");

    atomic_store(&desk.later, NULL);
    ask(pair.a, "test/desk", "later", 50 * CLOCK_MILLI, &answers);
    assert_int_equal(atomic_load(&answers.replies), 0);
    assert_string_equal(answers.refusal, "no answer in time");
    await(atomic_load(&desk.later));
    net_reply(atomic_load(&desk.later), "too late", 8);

    net_queryable_close(queryable);
    pair_close(&pair);
}

static void asks_everybody(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct net *third = session(NULL, pair.endpoint);
    struct desk desks[2] = {0};
    struct answers answers;
    struct net_queryable *one = answer_to(pair.b, "test/all", &desks[0]);
    struct net_queryable *two = answer_to(third, "test/all", &desks[1]);
    int64_t until = clock_now() + PATIENCE;
    do {
        assert_true(clock_now() < until);
        ask(pair.a, "test/all", "echo", PATIENCE, &answers);
    } while (atomic_load(&answers.replies) < 2);
    assert_int_equal(atomic_load(&answers.replies), 2);
    net_queryable_close(two);
    net_queryable_close(one);
    net_close(third);
    pair_close(&pair);
}

/* A question that is open when either side goes ends all the same. */
static void questions_end_with_their_session(void **state)
{
    (void)state;
    for (int is_asker = 0; is_asker < 2; is_asker++) {
        struct pair pair = pair_open();
        struct desk desk = {0};
        struct answers answers;
        struct error error = ERROR_INIT;
        struct net_queryable *queryable = answer_to(pair.b, "test/end", &desk);
        ask_until_answered(pair.a, "test/end", "echo", &answers);
        memset(&answers, 0, sizeof answers);
        assert_int_equal(net_ask(pair.a, "test/end", "later", 5, PATIENCE, on_answer, &answers, &error), 0);
        await(atomic_load(&desk.later));
        net_close(is_asker ? pair.a : pair.b);
        await(atomic_load(&answers.ends) == 1);
        if (is_asker)
            pair.a = NULL;
        else
            pair.b = NULL;
        net_decline(atomic_load(&desk.later), "gone");
        net_queryable_close(queryable);
        pair_close(&pair);
        assert_int_equal(atomic_load(&answers.ends), 1);
    }
}

/* ---- Callbacks that call ---- */

static void forward(void *context, const struct net_sample *sample)
{
    struct answers *answers = context;
    struct net_publisher *publisher = NULL;
    struct net_subscriber *subscriber = NULL;
    struct net_token *token = NULL;
    (void)sample;
    struct net_publisher_options options = {.drop = true};
    if (net_publisher_open(&publisher, answers->net, "test/other", &options, NULL) == 0)
        net_put(publisher, "x", 1, NULL, 0, NULL, NULL);
    net_publisher_close(publisher);
    net_subscriber_open(&subscriber, answers->net, "test/another", ignore, NULL, NULL);
    net_subscriber_close(subscriber);
    net_token_open(&token, answers->net, "test/token", NULL);
    net_token_close(token);
    net_ask(answers->net, "test/question", "echo", 4, PATIENCE, on_answer, answers, NULL);
}

static void callbacks_may_call(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct desk desk = {0};
    struct answers answers;
    struct net_queryable *queryable = answer_to(pair.a, "test/question", &desk);
    ask_until_answered(pair.b, "test/question", "echo", &answers);
    memset(&answers, 0, sizeof answers);
    answers.net = pair.b;
    struct net_subscriber *subscriber = subscribe(pair.b, "test/call", forward, &answers);
    struct net_publisher *publisher = publish_matched(pair.a, "test/call", (struct net_publisher_options){0});
    assert_int_equal(net_put(publisher, "x", 1, NULL, 0, NULL, NULL), 0);
    await(atomic_load(&answers.ends) == 1);
    assert_int_equal(atomic_load(&answers.replies), 1);
    net_publisher_close(publisher);
    net_subscriber_close(subscriber);
    net_queryable_close(queryable);
    pair_close(&pair);
}

/* ---- Liveliness ---- */

struct roll {
    atomic_int alive, changes;
};

static void on_change(void *context, const char *key, bool is_alive)
{
    struct roll *roll = context;
    if (strncmp(key, "test/live/", 10) == 0)
        atomic_fetch_add(&roll->alive, is_alive ? 1 : -1);
    atomic_fetch_add(&roll->changes, 1);
}

static struct net_token *announce(struct net *net, const char *key)
{
    struct error error = ERROR_INIT;
    struct net_token *token;
    if (net_token_open(&token, net, key, &error))
        fail_msg("%s", error.message);
    return token;
}

static struct net_watch *watch_roll(struct net *net, struct roll *roll)
{
    struct error error = ERROR_INIT;
    struct net_watch *watch;
    if (net_watch_open(&watch, net, "test/live/*", on_change, roll, &error))
        fail_msg("%s", error.message);
    return watch;
}

static void sees_who_is_there(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct roll roll = {0}, late = {0};
    struct net_token *own = announce(pair.a, "test/live/a");
    struct net_watch *watch = watch_roll(pair.a, &roll);
    struct net_token *token = announce(pair.b, "test/live/b");
    await(atomic_load(&roll.alive) == 2);
    struct net_watch *second = watch_roll(pair.b, &late);
    await(atomic_load(&late.alive) == 2);
    net_token_close(token);
    await(atomic_load(&roll.alive) == 1);
    await(atomic_load(&late.alive) == 1);
    token = announce(pair.b, "test/live/b");
    await(atomic_load(&roll.alive) == 2);
    net_watch_close(second);
    net_close(pair.b);
    await(atomic_load(&roll.alive) == 1);
    assert_int_equal(atomic_load(&roll.changes), 5);
    net_token_close(token);
    net_watch_close(watch);
    net_token_close(own);
    pair.b = NULL;
    pair_close(&pair);
}

static const char *program;

/* This program again, as a process that holds a token until it is killed. */
static int hold_token(const char *endpoint, const char *key)
{
    alarm(PATIENCE / CLOCK_SECOND);
    announce(session(NULL, endpoint), key);
    pause();
    return 1;
}

static void sees_a_killed_process_go(void **state)
{
    (void)state;
    char *endpoint = tcp_endpoint();
    struct net *net = session(endpoint, NULL);
    struct roll roll = {0};
    struct net_watch *watch = watch_roll(net, &roll);
    pid_t child = fork();
    if (child == 0) {
        execl(program, program, "hold-token", endpoint, "test/live/child", NULL);
        _exit(127);
    }
    await(atomic_load(&roll.alive) == 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    await(atomic_load(&roll.alive) == 0);
    net_watch_close(watch);
    net_close(net);
    free(endpoint);
}

/* ---- Sessions ---- */

static void connects_when_the_other_comes(void **state)
{
    (void)state;
    char *endpoint = tcp_endpoint();
    struct net *early = session(NULL, endpoint);
    struct roll roll = {0};
    struct net_token *token = announce(early, "test/live/early");
    for (int round = 0; round < 2; round++) {
        struct net *late = session(endpoint, NULL);
        struct net_watch *watch = watch_roll(late, &roll);
        await(atomic_load(&roll.alive) == 1);
        net_watch_close(watch);
        net_close(late);
        atomic_store(&roll.alive, 0);
    }
    net_token_close(token);
    net_close(early);
    free(endpoint);
}

/* Both connect to a third, learn of each other and no longer need it. */
static void peers_find_each_other(void **state)
{
    (void)state;
    char *hub = tcp_endpoint(), *one = tcp_endpoint(), *two = tcp_endpoint();
    struct net *middle = session(hub, NULL), *left = session(one, hub), *right = session(two, hub);
    struct sequence sequence = {0};
    struct net_subscriber *subscriber = subscribe(right, "test/gossip", receive_sequence, &sequence);
    struct net_publisher *publisher = publish_matched(left, "test/gossip", (struct net_publisher_options){0});
    net_close(middle);
    for (int i = 0; i < 100; i++)
        assert_int_equal(net_put(publisher, &i, sizeof i, NULL, 0, NULL, NULL), 0);
    await(atomic_load(&sequence.next) == 100);
    assert_int_equal(atomic_load(&sequence.wrong), 0);
    net_publisher_close(publisher);
    net_subscriber_close(subscriber);
    net_close(left);
    net_close(right);
    free(hub);
    free(one);
    free(two);
}

static void refuses_bad_keys(void **state)
{
    (void)state;
    struct net *net = session(NULL, NULL);
    static const char *const BAD[] = {"", "/", "a//b", "/a", "a/", "a/b#c", "a?b", "a/$b", "\xff\xfe"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct error error = ERROR_INIT;
        struct net_publisher *publisher;
        struct net_subscriber *subscriber;
        struct net_queryable *queryable;
        struct net_token *token;
        struct net_watch *watch;
        struct net_publisher_options options = {0};
        assert_int_equal(net_publisher_open(&publisher, net, BAD[i], &options, &error), -EINVAL);
        assert_null(publisher);
        assert_true(error.code == -EINVAL && error.message[0]);
        assert_null(strstr(error.message, ".rs"));
        assert_int_equal(net_subscriber_open(&subscriber, net, BAD[i], ignore, NULL, NULL), -EINVAL);
        assert_int_equal(net_queryable_open(&queryable, net, BAD[i], on_question, NULL, NULL), -EINVAL);
        assert_int_equal(net_token_open(&token, net, BAD[i], NULL), -EINVAL);
        assert_int_equal(net_watch_open(&watch, net, BAD[i], on_change, NULL, NULL), -EINVAL);
        assert_int_equal(net_ask(net, BAD[i], NULL, 0, CLOCK_SECOND, on_answer, NULL, NULL), -EINVAL);
    }
    net_close(net);
}

/* Tries to open, and expects `code` with `part` in its message. */
static void refuse(const struct net_options *options, int code, const char *part)
{
    struct error error = ERROR_INIT;
    struct net *net;
    assert_int_equal(net_open(&net, options, &error), code);
    assert_null(net);
    if (!strstr(error.message, part) || strstr(error.message, ".rs:"))
        fail_msg("'%s' is not in: %s", part, error.message);
}

static char *write_config(const char *name, const char *text)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void refuses_bad_configurations(void **state)
{
    (void)state;
    const char *nonsense[] = {"nonsense", NULL}, *unknown[] = {"smoke/127.0.0.1:1", NULL};
    refuse(&(struct net_options){.listen = nonsense}, -EINVAL, "nonsense");
    refuse(&(struct net_options){.connect = nonsense}, -EINVAL, "nonsense");
    refuse(&(struct net_options){.listen = unknown}, -EADDRNOTAVAIL, "smoke");
    refuse(&(struct net_options){.config = "/nowhere/at-all.json5"}, -EINVAL, "/nowhere/at-all.json5");
    char *broken = write_config("broken.json5", "{mode: "), *wrong = write_config("wrong.json5", "{mode: 'conductor'}");
    refuse(&(struct net_options){.config = broken}, -EINVAL, "broken.json5");
    refuse(&(struct net_options){.config = wrong}, -EINVAL, "wrong.json5");
    free(broken);
    free(wrong);

    char *endpoint = tcp_endpoint();
    const char *taken[] = {endpoint, NULL};
    refuse(&(struct net_options){.client = true, .connect = taken}, -EHOSTUNREACH, endpoint);
    struct net *net = session(endpoint, NULL);
    refuse(&(struct net_options){.listen = taken}, -EADDRNOTAVAIL, endpoint + strlen("tcp/"));
    net_close(net);
    free(endpoint);
}

/* What only the file says counts, and what the options say counts before it. */
static void takes_a_configuration(void **state)
{
    (void)state;
    char *endpoint = tcp_endpoint(), *other = tcp_endpoint(), text[256];
    snprintf(text, sizeof text, "{mode: 'router', listen: {endpoints: ['%s']}}", endpoint);
    char *config = write_config("listen.json5", text);
    struct error error = ERROR_INIT;
    struct net *net;
    const char *listen[] = {other, NULL};
    for (int is_over = 0; is_over < 2; is_over++) {
        struct net_options options = {.config = config, .listen = is_over ? listen : NULL};
        if (net_open(&net, &options, &error))
            fail_msg("%s", error.message);
        struct net *peer = session(NULL, is_over ? other : endpoint);
        struct roll roll = {0};
        struct net_token *token = announce(peer, "test/live/configured");
        struct net_watch *watch = watch_roll(net, &roll);
        await(atomic_load(&roll.alive) == 1);
        net_watch_close(watch);
        net_token_close(token);
        net_close(peer);
        if (is_over) {
            struct net *free_again = session(endpoint, NULL);
            net_close(free_again);
        }
        net_close(net);
    }
    unlink(config);
    free(config);
    free(endpoint);
    free(other);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    net_publisher_close(NULL);
    net_subscriber_close(NULL);
    net_queryable_close(NULL);
    net_token_close(NULL);
    net_watch_close(NULL);
    net_close(NULL);
}

static void names_the_engine(void **state)
{
    (void)state;
    assert_int_equal(strncmp(net_engine(), "zenoh 1.", 8), 0);
}

static void says_what_is_missing(void **state)
{
    (void)state;
    refuse(&(struct net_options){0}, -ENOTSUP, "cargo");
    closing_nothing_is_fine(NULL);
    print_message("SKIPPED: this build has no engine between machines (DORA_NET=none)\n");
    skip();
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 4 && strcmp(argv[1], "hold-token") == 0)
        return hold_token(argv[2], argv[3]);
    if (!net_engine()) {
        const struct CMUnitTest without[] = {cmocka_unit_test(says_what_is_missing)};
        return cmocka_run_group_tests(without, NULL, NULL);
    }
    if (!mkdtemp(folder))
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_the_engine),
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
        cmocka_unit_test(asks_and_answers),
        cmocka_unit_test(asks_everybody),
        cmocka_unit_test(questions_end_with_their_session),
        cmocka_unit_test(callbacks_may_call),
        cmocka_unit_test(sees_who_is_there),
        cmocka_unit_test(sees_a_killed_process_go),
        cmocka_unit_test(connects_when_the_other_comes),
        cmocka_unit_test(peers_find_each_other),
        cmocka_unit_test(refuses_bad_keys),
        cmocka_unit_test(refuses_bad_configurations),
        cmocka_unit_test(takes_a_configuration),
        cmocka_unit_test(closing_nothing_is_fine),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char *command;
    if (asprintf(&command, "rm -rf %s", folder) > 0 && system(command) != 0)
        failed = 1;
    free(command);
    return failed;
}
