/* Messages that are passed on as they are: from a publisher, by a process in between, to a subscriber. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "node/node_raw.h"
#include "node/stand.h"

static const int64_t PATIENCE = 5 * CLOCK_SECOND;

enum { SOURCE, BETWEEN, SINK, NODES };

/* Source → between over one link, between → sink over another with this queue. */
static struct stand *open_stand(uint32_t limit, uint32_t policy)
{
    static struct stand stand;
    stand = (struct stand){.count = NODES,
                           .nodes = {{.id = "source", .outputs = {{"out"}}},
                                     {.id = "between", .inputs = {{"in"}}, .outputs = {{"out"}}},
                                     {.id = "sink", .inputs = {{"in"}}}}};
    stand_open(&stand);
    stand_link(&stand, SOURCE, BETWEEN, &(struct link_edge){.limit = 64}, 1);
    stand_link(&stand, BETWEEN, SINK, &(struct link_edge){.limit = limit, .policy = policy}, 1);
    stand_start(&stand);
    return &stand;
}

static dora_event *next(struct stand *stand, size_t node)
{
    dora_event *event;
    assert_int_equal(dora_next(stand->nodes[node].node, &event, PATIENCE), 0);
    assert_int_equal(dora_event_type(event), DORA_EVENT_INPUT);
    return event;
}

static void fill(const void *context, void *to)
{
    const struct node_raw *raw = context;
    memcpy(to, raw->data, raw->size);
}

/* Passes on what the source sent, and checks that the sink gets the same. */
static void check_passed(struct stand *stand, bool in_pieces)
{
    dora_event *taken = next(stand, BETWEEN);
    struct node_raw raw;
    node_raw_read(taken, &raw);
    struct node_raw pieces = raw;
    pieces.data = NULL;
    pieces.fill = fill;
    pieces.context = &raw;
    assert_int_equal(node_raw_send(stand->nodes[BETWEEN].node, "out", in_pieces ? &pieces : &raw, true), 0);
    dora_event *got = next(stand, SINK);
    assert_int_equal(dora_event_sequence(got), dora_event_sequence(taken));
    assert_int_equal(dora_event_timestamp(got), dora_event_timestamp(taken));
    assert_int_equal(dora_event_size(got), dora_event_size(taken));
    assert_memory_equal(dora_event_data(got, NULL) ?: "", dora_event_data(taken, NULL) ?: "", dora_event_size(got));
    assert_string_equal(dora_event_format(got), dora_event_format(taken));
    const dora_params *a = dora_event_params(taken), *b = dora_event_params(got);
    assert_int_equal(dora_params_count(a), dora_params_count(b));
    for (size_t i = 0; i < dora_params_count(a); i++)
        assert_string_equal(dora_params_at(a, i)->key, dora_params_at(b, i)->key);
    dora_event_free(got);
    node_raw_release(taken);
}

static void test_sizes_and_params(void **state)
{
    (void)state;
    struct stand *stand = open_stand(4, LINK_DROP_OLDEST);
    dora_params *params = dora_params_new();
    static const size_t sizes[] = {0, 8, 72, 80, 96, 97, 4096, 1 << 20};
    for (size_t round = 0; round < 6; round++) {
        size_t many = round / 2;
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            char *data = malloc(sizes[i] + 1);
            memset(data, (int)i + 1, sizes[i]);
            assert_int_equal(dora_send(stand->nodes[SOURCE].node, "out", data, sizes[i], many ? params : NULL), 0);
            free(data);
            check_passed(stand, round % 2);
        }
        static char text[3000];
        memset(text, 'x', sizeof text - 1);
        assert_int_equal(dora_params_set_string(params, many ? "long" : "short", many ? text : "1"), 0);
    }
    dora_params_free(params);
    stand_close(stand);
}

static void test_a_loan(void **state)
{
    (void)state;
    struct stand *stand = open_stand(4, LINK_DROP_OLDEST);
    dora_node *between = stand->nodes[BETWEEN].node;
    for (size_t size = 1; size < 100000; size *= 50) {
        struct node_raw raw = {.size = size, .format = 'C', .sequence = size};
        assert_int_equal(dora_loan(between, size, &raw.loan), 0);
        memset(dora_sample_data(raw.loan), 'l', size);
        assert_int_equal(node_raw_send(between, "out", &raw, true), 0);
        dora_sample_release(raw.loan);
        dora_event *got = next(stand, SINK);
        assert_int_equal(dora_event_size(got), size);
        assert_int_equal(((const char *)dora_event_data(got, NULL))[size - 1], 'l');
        dora_event_free(got);
    }
    stand_close(stand);
}

static void test_nested_type(void **state)
{
    (void)state;
    struct stand *stand = open_stand(4, LINK_DROP_OLDEST);
    static const int32_t offsets[] = {0, 3, 5};
    static const char text[] = "abcde";
    const void *buffers[] = {NULL, offsets, text};
    struct ArrowArray array = {.length = 2, .n_buffers = 3, .buffers = buffers, .release = (void *)free};
    struct ArrowSchema schema = {.format = "u", .release = (void *)free};
    struct ArrowArray *a = malloc(sizeof *a);
    struct ArrowSchema *s = malloc(sizeof *s);
    *a = array;
    *s = schema;
    assert_int_equal(dora_send_arrow(stand->nodes[SOURCE].node, "out", a, s, NULL), 0);
    dora_event *taken = next(stand, BETWEEN);
    struct node_raw raw;
    node_raw_read(taken, &raw);
    assert_int_equal(node_raw_send(stand->nodes[BETWEEN].node, "out", &raw, true), 0);
    dora_event *got = next(stand, SINK);
    assert_int_equal(dora_event_arrow(got, &array, &schema), 0);
    assert_int_equal(array.length, 2);
    assert_memory_equal(array.buffers[2], text, 5);
    array.release(&array);
    schema.release(&schema);
    dora_event_free(got);
    node_raw_release(taken);
    stand_close(stand);
}

static void test_malformed_meta_is_refused(void **state)
{
    (void)state;
    struct stand *stand = open_stand(4, LINK_DROP_OLDEST);
    dora_node *between = stand->nodes[BETWEEN].node;
    static const struct {
        const char *bytes;
        size_t len;
        char format;
    } bad[] = {{"ab", 2, 'C'},         {"\5\0\0\0ab", 6, 'C'}, {"\2\0\0\0ab", 6, 'C'},
               {"\0\0\0\0ab", 6, 'C'}, {"\0\0\0\0ab", 6, '+'}, {NULL, 0, '+'}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct node_raw raw = {
            .data = "x", .size = 1, .meta = bad[i].bytes, .meta_len = bad[i].len, .format = bad[i].format};
        assert_int_equal(node_raw_send(between, "out", &raw, true), -EBADMSG);
    }
    struct node_raw raw = {.data = "x", .size = 1, .format = 'C', .sequence = 7};
    assert_int_equal(node_raw_send(between, "out", &raw, true), 0);
    dora_event *got = next(stand, SINK);
    assert_int_equal(dora_event_sequence(got), 7);
    dora_event_free(got);
    assert_int_equal(node_raw_send(between, "none", &raw, true), -ENOENT);
    stand_close(stand);
}

static void test_full_queue_without_waiting(void **state)
{
    (void)state;
    struct stand *stand = open_stand(1, LINK_BACKPRESSURE);
    dora_node *between = stand->nodes[BETWEEN].node;
    struct node_raw raw = {.data = "x", .size = 1, .format = 'C'};
    assert_int_equal(node_raw_send(between, "out", &raw, false), 0);
    raw.sequence = 1;
    assert_int_equal(node_raw_send(between, "out", &raw, false), -EAGAIN);
    dora_event_free(next(stand, SINK));
    assert_int_equal(node_raw_send(between, "out", &raw, false), 0);
    node_raw_cancel(between);
    assert_int_equal(node_raw_send(between, "out", &raw, true), -ECANCELED);
    dora_event *got = next(stand, SINK);
    assert_int_equal(dora_event_sequence(got), 1);
    dora_event_free(got);
    stand_close(stand);
}

static void test_what_was_dropped_on_the_way_counts(void **state)
{
    (void)state;
    struct stand *stand = open_stand(1, LINK_BACKPRESSURE);
    dora_node *between = stand->nodes[BETWEEN].node;
    dora_input_stats stats;
    struct node_raw raw = {.data = "x", .size = 1, .format = 'C', .sequence = 3, .missed = 3};
    assert_int_equal(node_raw_send(between, "out", &raw, false), 0);
    raw.sequence = 5;
    raw.missed = 1;
    /* Counted with the message, and so once. */
    assert_int_equal(node_raw_send(between, "out", &raw, false), -EAGAIN);
    dora_event_free(next(stand, SINK));
    assert_int_equal(node_raw_send(between, "out", &raw, true), 0);
    dora_event_free(next(stand, SINK));
    assert_int_equal(dora_get_input_stats(stand->nodes[SINK].node, "in", &stats), 0);
    assert_int_equal(stats.received, 2);
    assert_int_equal(stats.dropped, 4);
    stand_close(stand);
}

/* Queues three messages, the second of a request, and then one with this parameter. */
static void check_queue(const char *key, const char *expected)
{
    struct stand *stand = open_stand(3, LINK_DROP_OLDEST);
    dora_node *source = stand->nodes[SOURCE].node;
    dora_params *request = dora_params_new(), *last = dora_params_new();
    dora_params_set_string(request, "request_id", "0190c5d0-0000-7000-8000-000000000000");
    if (key)
        dora_params_set_bool(last, key, true);
    for (int i = 0; i < 4; i++) {
        dora_send(source, "out", &(char){(char)('a' + i)}, 1, i == 1 ? request : i == 3 ? last : NULL);
        dora_event *taken = next(stand, BETWEEN);
        struct node_raw raw;
        node_raw_read(taken, &raw);
        assert_int_equal(node_raw_send(stand->nodes[BETWEEN].node, "out", &raw, true), 0);
        dora_event_free(taken);
    }
    for (; *expected; expected++) {
        dora_event *got = next(stand, SINK);
        assert_int_equal(*(const char *)dora_event_data(got, NULL), *expected);
        dora_event_free(got);
    }
    dora_event *none;
    assert_int_equal(dora_next(stand->nodes[SINK].node, &none, 0), -ETIMEDOUT);
    dora_params_free(request);
    dora_params_free(last);
    stand_close(stand);
}

static void test_requests_and_flush_mean_the_same(void **state)
{
    (void)state;
    check_queue(NULL, "bcd");
    check_queue("flush", "bd");
}

static void *interrupt(void *node)
{
    node_raw_interrupt(node);
    return NULL;
}

static void test_interrupt(void **state)
{
    (void)state;
    struct stand *stand = open_stand(1, LINK_DROP_OLDEST);
    dora_node *between = stand->nodes[BETWEEN].node;
    dora_event *event;
    node_raw_interrupt(between);
    assert_int_equal(dora_next(between, &event, DORA_FOREVER), -EINTR);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, interrupt, between), 0);
    assert_int_equal(dora_next(between, &event, DORA_FOREVER), -EINTR);
    pthread_join(thread, NULL);
    assert_int_equal(dora_next(between, &event, 0), -ETIMEDOUT);
    assert_false(node_raw_cut_off(between));
    stand_close(stand);
}

static bool is_readable(int fd)
{
    return poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) == 1;
}

static void test_a_look_leaves_the_descriptor(void **state)
{
    (void)state;
    struct stand *stand = open_stand(1, LINK_DROP_OLDEST);
    dora_node *source = stand->nodes[SOURCE].node, *between = stand->nodes[BETWEEN].node;
    dora_event *event;
    int fd = dora_fd(between);
    assert_int_equal(dora_next(between, &event, 0), -ETIMEDOUT);
    dora_send(source, "out", "x", 1, NULL);
    assert_true(is_readable(fd));
    assert_int_equal(node_raw_look(between, &event), 0);
    dora_event_free(event);
    assert_int_equal(node_raw_look(between, &event), -ETIMEDOUT);
    dora_send(source, "out", "x", 1, NULL);
    assert_false(is_readable(fd));
    assert_int_equal(node_raw_look(between, &event), 0);
    dora_event_free(event);
    stand_close(stand);
}

static void test_held_beyond_the_node(void **state)
{
    (void)state;
    struct stand *stand = open_stand(1, LINK_DROP_OLDEST);
    static char data[5000];
    memset(data, 'y', sizeof data);
    dora_send(stand->nodes[SOURCE].node, "out", data, sizeof data, NULL);
    dora_event *taken = next(stand, BETWEEN);
    struct node_raw raw;
    node_raw_read(taken, &raw);
    dora_node_close(stand->nodes[BETWEEN].node);
    stand->nodes[BETWEEN].node = NULL;
    assert_memory_equal(raw.data, data, sizeof data);
    node_raw_release(taken);
    stand_close(stand);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_and_params),
        cmocka_unit_test(test_a_loan),
        cmocka_unit_test(test_nested_type),
        cmocka_unit_test(test_malformed_meta_is_refused),
        cmocka_unit_test(test_full_queue_without_waiting),
        cmocka_unit_test(test_what_was_dropped_on_the_way_counts),
        cmocka_unit_test(test_requests_and_flush_mean_the_same),
        cmocka_unit_test(test_interrupt),
        cmocka_unit_test(test_a_look_leaves_the_descriptor),
        cmocka_unit_test(test_held_beyond_the_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
