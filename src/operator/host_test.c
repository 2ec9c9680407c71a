/* Hosts with operators in real libraries, at a test stand: what it sends to them, and what they send. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "node/stand.h"
#include "operator/host.h"

static const int64_t PATIENCE = 5 * CLOCK_SECOND;

enum { DRIVER, SINK, FIRST };

/* Operators `a`, `b`, … each with the driver's output of its name as its input `in`, and with its output `out` as the
 * sink's input of its name. */
struct rig {
    struct stand stand;
    const char *const *threads, *file;
    size_t opened, count;
    struct buf config;
    pthread_t host;
    int status;
};

static const char *const NAMES[] = {"a", "b", "c"};

static void *run_host(void *argument)
{
    struct rig *rig = argument;
    rig->status = operator_host_run(rig->config.data, &(struct operator_host_options){0});
    return NULL;
}

static void add_operator(void *context, const char *config)
{
    struct rig *rig = context;
    if (rig->opened == 0)
        buf_puts(&rig->config, "node host\n");
    buf_printf(&rig->config, "operator %s\nthread %s\nlibrary %s\nconnect %s\n", NAMES[rig->opened],
               rig->threads[rig->opened], rig->file, config);
    if (++rig->opened == rig->count)
        assert_int_equal(pthread_create(&rig->host, NULL, run_host, rig), 0);
}

/* As many operators as there are threads, all of one library. */
static void open_rig_of(struct rig *rig, const char *file, const char *const *threads, size_t count)
{
    *rig = (struct rig){.threads = threads, .file = file, .count = count};
    struct stand *stand = &rig->stand;
    stand->count = FIRST + count;
    stand->nodes[DRIVER] = (struct stand_node){.id = "driver"};
    stand->nodes[SINK] = (struct stand_node){.id = "sink"};
    for (size_t i = 0; i < count; i++) {
        stand->nodes[DRIVER].outputs[i].id = stand->nodes[SINK].inputs[i].id = NAMES[i];
        stand->nodes[FIRST + i] = (struct stand_node){
            .id = NAMES[i], .inputs = {{"in"}}, .outputs = {{"out"}}, .opens = add_operator, .context = rig};
    }
    stand_open(stand);
    for (size_t i = 0; i < count; i++) {
        stand_link(stand, DRIVER, FIRST + i, &(struct link_edge){.output = (uint32_t)i, .limit = 16}, 1);
        stand_link(stand, FIRST + i, SINK, &(struct link_edge){.input = (uint32_t)i, .limit = 16}, 1);
    }
    stand_start(stand);
}

static void open_rig(struct rig *rig, const char *const *threads, size_t count)
{
    open_rig_of(rig, OPERATOR_PROBE, threads, count);
}

static void say(struct rig *rig, const char *name, const char *text)
{
    assert_int_equal(dora_send(rig->stand.nodes[DRIVER].node, name, text, strlen(text), NULL), 0);
}

static void expect(struct rig *rig, const char *name, const char *text)
{
    dora_event *event;
    size_t size;
    assert_int_equal(dora_next(rig->stand.nodes[SINK].node, &event, PATIENCE), 0);
    assert_int_equal(dora_event_type(event), DORA_EVENT_INPUT);
    assert_string_equal(dora_event_id(event), name);
    const char *data = dora_event_data(event, &size);
    if (size != strlen(text) || memcmp(data, text, size) != 0)
        fail_msg("`%.*s` instead of `%s`", (int)size, data, text);
    dora_event_free(event);
}

static void expect_goodbye(struct rig *rig, size_t index)
{
    enum proto_type type;
    do
        type = stand_hear(&rig->stand, FIRST + index, NULL);
    while (type != PROTO_GOODBYE && type != PROTO_NONE);
    assert_int_equal(type, PROTO_GOODBYE);
}

static void close_rig(struct rig *rig, int status)
{
    pthread_join(rig->host, NULL);
    assert_int_equal(rig->status, status);
    buf_free(&rig->config);
    stand_close(&rig->stand);
}

static int probe_count(const char *name)
{
    void *handle = dlopen(OPERATOR_PROBE, RTLD_NOW);
    assert_non_null(handle);
    _Atomic int *count = dlsym(handle, name);
    assert_non_null(count);
    return *count;
}

/* ---- One ---- */

static void one_gets_inputs_and_sends(void **state)
{
    (void)state;
    struct rig rig;
    int inits = probe_count("probe_inits"), drops = probe_count("probe_drops");
    open_rig(&rig, (const char *[]){"a"}, 1);
    say(&rig, "a", "hello");
    expect(&rig, "a", "in hello");
    say(&rig, "a", "");
    expect(&rig, "a", "in ");
    say(&rig, "a", "twice");
    expect(&rig, "a", "in twice");
    say(&rig, "a", "elsewhere");
    say(&rig, "a", "still there");
    expect(&rig, "a", "in still there");
    say(&rig, "a", "stop");
    expect_goodbye(&rig, 0);
    close_rig(&rig, 0);
    assert_int_equal(probe_count("probe_inits"), inits + 1);
    assert_int_equal(probe_count("probe_drops"), drops + 1);
}

static void what_is_not_bytes_is_nothing(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, (const char *[]){"a"}, 1);
    dora_sample *loan;
    assert_int_equal(dora_loan(rig.stand.nodes[DRIVER].node, 8, &loan), 0);
    assert_int_equal(dora_send_sample(rig.stand.nodes[DRIVER].node, "a", loan, "l", NULL), 0);
    expect(&rig, "a", "in nothing");
    say(&rig, "a", "stop");
    close_rig(&rig, 0);
}

static void an_inputs_end_and_a_stop_arrive(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, (const char *[]){"a"}, 1);
    stand_tell_index(&rig.stand, FIRST, PROTO_INPUT_CLOSED, 0);
    expect(&rig, "a", "closed in");
    stand_tell(&rig.stand, FIRST, (struct proto_packet){.type = PROTO_ALL_INPUTS_CLOSED});
    expect(&rig, "a", "stop ");
    expect_goodbye(&rig, 0);
    close_rig(&rig, 0);
}

static void a_failure_ends_it_and_the_host_says_so(void **state)
{
    (void)state;
    static const char *const ways[] = {"fail", "no status", "without"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct rig rig;
        int drops = probe_count("probe_drops");
        open_rig(&rig, (const char *[]){"a"}, 1);
        say(&rig, "a", ways[i]);
        expect_goodbye(&rig, 0);
        close_rig(&rig, 1);
        assert_int_equal(probe_count("probe_drops"), drops + 1);
    }
}

static void a_failure_of_drop_counts(void **state)
{
    (void)state;
    struct rig rig;
    setenv("PROBE_DROP", "it can't let go", 1);
    open_rig(&rig, (const char *[]){"a"}, 1);
    say(&rig, "a", "stop");
    close_rig(&rig, 1);
    unsetenv("PROBE_DROP");
}

/* ---- Several ---- */

static void check_several(const char *const *threads)
{
    struct rig rig;
    open_rig(&rig, threads, 3);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < 3; i++) {
            say(&rig, NAMES[i], "x");
            expect(&rig, NAMES[i], "in x");
        }
    say(&rig, "b", "fail");
    expect_goodbye(&rig, 1);
    say(&rig, "a", "on");
    expect(&rig, "a", "in on");
    say(&rig, "a", "stop");
    expect_goodbye(&rig, 0);
    say(&rig, "c", "alone");
    expect(&rig, "c", "in alone");
    say(&rig, "c", "stop");
    expect_goodbye(&rig, 2);
    close_rig(&rig, 1);
}

static void several_go_on_without_one_another(void **state)
{
    (void)state;
    check_several((const char *[]){"a", "b", "c"});
    check_several((const char *[]){"one", "one", "one"});
    check_several((const char *[]){"one", "other", "one"});
}

static void check_stop_all(const char *const *threads)
{
    struct rig rig;
    open_rig(&rig, threads, 3);
    say(&rig, "b", "stop all");
    assert_int_equal(stand_hear(&rig.stand, FIRST + 1, NULL), PROTO_STOP_ALL);
    stand_tell(&rig.stand, FIRST, (struct proto_packet){.type = PROTO_STOP});
    stand_tell(&rig.stand, FIRST + 2, (struct proto_packet){.type = PROTO_STOP});
    bool heard[2] = {false};
    for (int i = 0; i < 2; i++) {
        dora_event *event;
        assert_int_equal(dora_next(rig.stand.nodes[SINK].node, &event, PATIENCE), 0);
        assert_string_not_equal(dora_event_id(event), "b");
        assert_memory_equal(dora_event_data(event, NULL), "stop ", 5);
        heard[dora_event_id(event)[0] == 'c'] = true;
        dora_event_free(event);
    }
    assert_true(heard[0] && heard[1]);
    for (size_t i = 0; i < 3; i++)
        expect_goodbye(&rig, i);
    close_rig(&rig, 0);
}

static void stop_all_is_asked_for(void **state)
{
    (void)state;
    check_stop_all((const char *[]){"a", "b", "c"});
    check_stop_all((const char *[]){"one", "one", "one"});
    check_stop_all((const char *[]){"one", "one", "other"});
}

static void operators_of_a_thread_wake_up_from_sleep(void **state)
{
    (void)state;
    struct rig rig;
    open_rig(&rig, (const char *[]){"one", "one"}, 2);
    for (int i = 0; i < 100; i++) {
        usleep(i % 10 * 100); /* so that some come while it polls, and some while it sleeps */
        say(&rig, NAMES[i % 2], "x");
        expect(&rig, NAMES[i % 2], "in x");
    }
    say(&rig, "a", "stop");
    say(&rig, "b", "stop");
    close_rig(&rig, 0);
}

/* ---- What an event costs ---- */

static _Atomic long allocations;

/* glibc's own, counted. */
#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#define COUNTS_ALLOCATIONS true
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);

void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}
#else
#define COUNTS_ALLOCATIONS false
#endif

static void check_allocations(const char *const *threads)
{
    struct rig rig;
    open_rig_of(&rig, OPERATOR_MIRROR, threads, 2);
    long before = 0;
    for (int i = 0; i < 1000; i++) {
        if (i == 100)
            before = allocations;
        const char *name = NAMES[i % 2];
        say(&rig, name, "there and back");
        expect(&rig, name, "there and back");
    }
    assert_true(before > 0);
    assert_int_equal(allocations, before);
    for (size_t i = 0; i < 2; i++)
        stand_tell(&rig.stand, FIRST + i, (struct proto_packet){.type = PROTO_STOP});
    close_rig(&rig, 0);
}

static void an_event_allocates_nothing(void **state)
{
    (void)state;
    if (!COUNTS_ALLOCATIONS)
        skip();
    check_allocations((const char *[]){"a", "b"});
    check_allocations((const char *[]){"one", "one"});
}

/* ---- What can't start ---- */

static void nobody_joins_where_one_can_not_start(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "node n\noperator a\nthread a\nlibrary " OPERATOR_PROBE "\nconnect nowhere\n"
        "operator b\nthread b\nlibrary /nonexistent.so\nconnect nowhere\n",
        "node n\noperator a\nthread a\nlibrary " OPERATOR_PROBE "\nconnect nowhere\n"
        "operator b\nthread a\nlibrary " OPERATOR_INCOMPLETE "\nconnect nowhere\n",
        "node n\noperator a\nthread a\nlibrary " OPERATOR_PROBE "\nconnect nowhere\n"
        "operator b\nthread b\npython /b.py\nconnect nowhere\n",
        "nonsense",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(operator_host_run(texts[i], &(struct operator_host_options){0}), 1);
        assert_int_equal(probe_count("probe_inits"), probe_count("probe_drops"));
    }
    setenv("PROBE_INIT", "it isn't in the mood", 1);
    int drops = probe_count("probe_drops");
    assert_int_equal(operator_host_run("node n\noperator a\nthread a\nlibrary " OPERATOR_PROBE "\nconnect nowhere\n",
                                       &(struct operator_host_options){0}),
                     1);
    assert_int_equal(probe_count("probe_drops"), drops);
    unsetenv("PROBE_INIT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_joins_where_one_can_not_start),
        cmocka_unit_test(one_gets_inputs_and_sends),
        cmocka_unit_test(what_is_not_bytes_is_nothing),
        cmocka_unit_test(an_inputs_end_and_a_stop_arrive),
        cmocka_unit_test(a_failure_ends_it_and_the_host_says_so),
        cmocka_unit_test(a_failure_of_drop_counts),
        cmocka_unit_test(several_go_on_without_one_another),
        cmocka_unit_test(stop_all_is_asked_for),
        cmocka_unit_test(an_event_allocates_nothing),
        cmocka_unit_test(operators_of_a_thread_wake_up_from_sleep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
