/* Questions and answers, and callbacks that ask. */
#include "link/net_testing.h"

#include <pthread.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_and_answers),
        cmocka_unit_test(asks_everybody),
        cmocka_unit_test(questions_end_with_their_session),
        cmocka_unit_test(callbacks_may_call),
    };
    return run_net_tests(tests);
}
