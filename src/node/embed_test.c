/* What an interpreter needs of libdora: callbacks around waits, loans it can keep, and forked children that harm
 * nothing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "node/stand.h"

static const int64_t SOON = 5 * CLOCK_SECOND; /* a deadline that only a failure reaches */

/* Counts waits, and ends the `last`th. */
struct waits {
    _Atomic int begun, ended;
    int last;
};

static void begin(void *context)
{
    struct waits *waits = context;
    waits->begun++;
}

static int end(void *context)
{
    struct waits *waits = context;
    return ++waits->ended == waits->last ? -EINTR : 1;
}

static struct stand two_nodes(struct waits *waits, uint32_t policy)
{
    struct stand stand = {
        .count = 2,
        .nodes = {{.id = "source", .outputs = {{"out"}, {"other"}}}, {.id = "sink", .inputs = {{"in"}, {"second"}}}}};
    for (int i = 0; i < 2; i++)
        stand.nodes[i].options = (dora_node_options){.wait_begin = begin, .wait_end = end, .wait_context = &waits[i]};
    stand_open(&stand);
    stand_link(&stand, 0, 1, (struct link_edge[]){{0, 0, 4, policy}, {1, 1, 4, policy}}, 2);
    stand_start(&stand);
    for (int i = 0; i < 2; i++)
        waits[i].begun = waits[i].ended = 0;
    return stand;
}

static void a_wait_is_framed_and_can_be_ended(void **state)
{
    (void)state;
    struct waits waits[2] = {0};
    struct stand stand = two_nodes(waits, LINK_BACKPRESSURE);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    dora_event *event;
    assert_int_equal(dora_next(sink, &event, 0), -ETIMEDOUT);
    assert_int_equal(waits[1].begun, 0);
    assert_int_equal(dora_next(sink, &event, CLOCK_MILLI), -ETIMEDOUT);
    assert_true(waits[1].begun > 0);
    assert_int_equal(waits[1].begun, waits[1].ended);
    waits[1].last = waits[1].ended + 1;
    assert_int_equal(dora_next(sink, &event, DORA_FOREVER), -EINTR);

    for (int i = 0; i < 4; i++)
        assert_int_equal(dora_send(source, "out", "x", 1, NULL), 0);
    assert_int_equal(waits[0].begun, 0);
    waits[0].last = 2;
    assert_int_equal(dora_send(source, "out", "x", 1, NULL), -EINTR);
    assert_int_equal(waits[0].begun, 2);
    assert_int_equal(waits[0].ended, 2);
    /* All is as before. */
    for (int i = 0; i < 4; i++) {
        assert_int_equal(dora_next(sink, &event, SOON), 0);
        dora_event_free(event);
    }
    assert_int_equal(dora_send(source, "out", "y", 1, NULL), 0);
    stand_close(&stand);
}

static dora_node *sending;
static int sent[2];

static int send_too(void *context)
{
    (void)context;
    sent[0] = dora_send(sending, "out", "z", 1, NULL);
    sent[1] = dora_send(sending, "other", "z", 1, NULL);
    return -EINTR;
}

static void a_wait_may_send_elsewhere(void **state)
{
    (void)state;
    struct waits waits[2] = {0};
    struct stand stand = two_nodes(waits, LINK_BACKPRESSURE);
    sending = stand.nodes[0].node;
    for (int i = 0; i < 4; i++)
        assert_int_equal(dora_send(sending, "out", "x", 1, NULL), 0);
    sending->wait_end = send_too;
    assert_int_equal(dora_send(sending, "out", "x", 1, NULL), -EINTR);
    assert_int_equal(sent[0], -EDEADLK);
    assert_int_equal(sent[1], 0);
    stand_close(&stand);
}

static void *send_one(void *node)
{
    return (void *)(intptr_t)dora_send(node, "out", "x", 1, NULL);
}

static void who_waits_for_another_threads_send_can_give_up(void **state)
{
    (void)state;
    struct waits waits[2] = {0};
    struct stand stand = two_nodes(waits, LINK_BACKPRESSURE);
    dora_node *source = stand.nodes[0].node;
    for (int i = 0; i < 4; i++)
        assert_int_equal(dora_send(source, "out", "x", 1, NULL), 0);
    pthread_t threads[2];
    waits[0].last = 20;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, send_one, source), 0);
    /* One of the two is interrupted, be it the first in turn or the second; the other goes on until there is room. */
    int64_t deadline = clock_now() + SOON;
    while (waits[0].ended < 20 && clock_now() < deadline)
        usleep(1000);
    dora_event *event;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(dora_next(stand.nodes[1].node, &event, SOON), 0);
        dora_event_free(event);
    }
    intptr_t sum = 0;
    for (int i = 0; i < 2; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (intptr_t)result;
    }
    assert_int_equal(sum, -EINTR);
    stand_close(&stand);
}

static dora_event *expect_filled(dora_node *node, char with, size_t size)
{
    dora_event *event;
    assert_int_equal(dora_next(node, &event, SOON), 0);
    assert_int_equal(dora_event_size(event), size);
    const char *data = dora_event_data(event, NULL);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(data[i], with);
    return event;
}

static void a_shared_loan_stays_with_its_owner(void **state)
{
    (void)state;
    struct waits waits[2] = {0};
    struct stand stand = two_nodes(waits, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    const size_t sizes[] = {16, 100000};
    for (int i = 0; i < 2; i++) {
        dora_sample *sample, *next;
        assert_int_equal(dora_loan(source, sizes[i], &sample), 0);
        memset(dora_sample_data(sample), 'a', sizes[i]);
        assert_int_equal(dora_share_sample(source, "out", sample, "C", NULL), 0);
        assert_int_equal(dora_share_sample(source, "other", sample, NULL, NULL), 0);
        assert_int_equal(dora_share_sample(source, "nowhere", sample, NULL, NULL), -ENOENT);
        assert_int_equal(dora_share_sample(source, "out", sample, "u", NULL), -EINVAL);
        dora_event_free(expect_filled(sink, 'a', sizes[i]));
        dora_event_free(expect_filled(sink, 'a', sizes[i]));
        /* Both receivers are done with it, and still it isn't used for the next one. */
        assert_int_equal(dora_loan(source, sizes[i], &next), 0);
        memset(dora_sample_data(next), 'b', sizes[i]);
        assert_int_equal(((char *)dora_sample_data(sample))[sizes[i] - 1], 'a');
        assert_int_equal(dora_send_sample(source, "out", next, NULL, NULL), 0);
        dora_event_free(expect_filled(sink, 'b', sizes[i]));
        dora_sample_release(sample);
    }
    dora_sample *late;
    assert_int_equal(dora_loan(source, 5000, &late), 0);
    assert_int_equal(dora_share_sample(source, "out", late, NULL, NULL), 0);
    stand_close(&stand);
    memset(dora_sample_data(late), 'c', 5000);
    dora_sample_release(late);
}

static void what_cant_be_sent_gives_its_memory_back(void **state)
{
    (void)state;
    struct waits waits[2] = {0};
    struct stand stand = two_nodes(waits, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node;
    void *first = NULL;
    for (int i = 0; i < 3; i++) {
        dora_sample *sample;
        assert_int_equal(dora_loan(source, 1 << 20, &sample), 0);
        first = first ? first : dora_sample_data(sample);
        assert_ptr_equal(dora_sample_data(sample), first);
        assert_int_equal(dora_send_sample(source, "nowhere", sample, NULL, NULL), -ENOENT);
    }
    stand_close(&stand);
}

static void a_forked_child_releases_nothing_of_its_parents(void **state)
{
    (void)state;
    struct waits waits[2] = {0};
    struct stand stand = two_nodes(waits, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    char text[4096];
    memset(text, 'p', sizeof text);
    assert_int_equal(dora_send(source, "out", text, sizeof text, NULL), 0);
    dora_event *event = expect_filled(sink, 'p', sizeof text);
    dora_sample *sample = dora_event_keep(event), *loan;
    assert_non_null(sample);
    assert_int_equal(dora_loan(source, 4096, &loan), 0);
    struct ArrowArray array;
    struct ArrowSchema schema;
    assert_int_equal(dora_event_arrow(event, &array, &schema), 0);
    pid_t child = fork();
    if (child == 0) {
        array.release(&array);
        schema.release(&schema);
        dora_event_free(event);
        dora_sample_release(sample);
        dora_sample_release(loan);
        dora_node_close(sink);
        dora_node_close(source);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    /* The block the parent reads has not been given back, and those that follow are. */
    for (int i = 0; i < 100; i++) {
        char other[sizeof text];
        memset(other, 'q', sizeof other);
        assert_int_equal(dora_send(source, "out", other, sizeof other, NULL), 0);
        dora_event_free(expect_filled(sink, 'q', sizeof other));
        assert_memory_equal(dora_sample_data(sample), text, sizeof text);
    }
    array.release(&array);
    schema.release(&schema);
    dora_event_free(event);
    dora_sample_release(sample);
    dora_sample_release(loan);
    stand_close(&stand);
}

static void the_clock_is_later_than_what_was_sent(void **state)
{
    (void)state;
    struct waits waits[2] = {0};
    struct stand stand = two_nodes(waits, LINK_DROP_OLDEST);
    dora_node *source = stand.nodes[0].node, *sink = stand.nodes[1].node;
    uint64_t before = dora_timestamp(source);
    assert_int_equal(dora_send(source, "out", "x", 1, NULL), 0);
    uint64_t after = dora_timestamp(source);
    dora_event *event = expect_filled(sink, 'x', 1);
    assert_true(before < dora_event_timestamp(event) && dora_event_timestamp(event) < after);
    assert_true(dora_timestamp(sink) > dora_event_timestamp(event));
    dora_event_free(event);
    stand_close(&stand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wait_is_framed_and_can_be_ended),
        cmocka_unit_test(a_wait_may_send_elsewhere),
        cmocka_unit_test(who_waits_for_another_threads_send_can_give_up),
        cmocka_unit_test(a_shared_loan_stays_with_its_owner),
        cmocka_unit_test(what_cant_be_sent_gives_its_memory_back),
        cmocka_unit_test(a_forked_child_releases_nothing_of_its_parents),
        cmocka_unit_test(the_clock_is_later_than_what_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
