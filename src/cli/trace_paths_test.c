#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "cli/meter.h"
#include "cli/trace_paths.h"

struct note {
    const char *node, *kind, *topic, *port;
    int sequence, time;
    const char *cause;
    int cause_sequence;
};

static void join(struct trace_paths *paths, const struct note *notes, size_t count)
{
    json_t *spans = json_array();
    assert_int_equal(trace_paths_init(paths), 0);
    for (size_t i = 0; i < count; i++) {
        json_t *cause = notes[i].cause
                            ? json_pack("{s:s, s:i}", "topic", notes[i].cause, "sequence", notes[i].cause_sequence)
                            : json_null();
        json_array_append_new(spans, json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:o}", "node", notes[i].node, "kind",
                                               notes[i].kind, "topic", notes[i].topic, "port", notes[i].port,
                                               "sequence", notes[i].sequence, "time", notes[i].time, "cause", cause));
    }
    assert_int_equal(trace_paths_add(paths, spans), 0);
    json_decref(spans);
    assert_int_equal(trace_paths_join(paths), 0);
}

#define JOIN(paths, notes) join(paths, notes, sizeof(notes) / sizeof *(notes))

static void test_a_chain(void **state)
{
    (void)state;
    static const struct note notes[] = {
        {"a", "send", "a/x", "x", 0, 100, NULL, 0},  {"b", "take", "a/x", "in", 0, 110, NULL, 0},
        {"b", "send", "b/y", "y", 7, 150, "a/x", 0}, {"c", "take", "b/y", "in", 7, 155, NULL, 0},
        {"a", "send", "a/x", "x", 1, 200, NULL, 0},  {"b", "take", "a/x", "in", 1, 220, NULL, 0},
        {"b", "send", "b/y", "y", 8, 300, "a/x", 1}, {"c", "take", "b/y", "in", 8, 301, NULL, 0},
        {"b", "take", "a/x", "in", 2, 401, NULL, 0}, /* not handled yet */
    };
    struct trace_paths paths;
    JOIN(&paths, notes);
    assert_int_equal(paths.count, 1);
    const struct trace_path *path = paths.paths[0];
    assert_string_equal(path->first, "a/x");
    assert_int_equal(path->count, 2);
    assert_int_equal(path->step_count, 3);
    assert_int_equal(path->steps[1].kind, TRACE_HANDLING);
    assert_string_equal(path->steps[1].node, "b");
    assert_string_equal(path->steps[2].topic, "b/y");
    assert_int_equal(path->steps[1].durations[0], 40);
    assert_int_equal(path->steps[1].durations[1], 80);
    assert_int_equal(path->totals[1], 101);
    assert_int_equal(path->slowest, 101);
    assert_int_equal(path->slowest_sequence, 1);
    assert_int_equal(path->slowest_durations[0] + path->slowest_durations[1] + path->slowest_durations[2], 101);
    trace_paths_free(&paths);
}

static void test_branches_timers_and_what_is_not_known(void **state)
{
    (void)state;
    static const struct note notes[] = {
        {"a", "take", "dora/timer/secs/1", "t", 3, 50, NULL, 0},
        {"a", "send", "a/x", "x", 0, 60, "dora/timer/secs/1", 3},
        {"b", "take", "a/x", "in", 0, 61, NULL, 0},
        {"c", "take", "a/x", "in", 0, 65, NULL, 0},
        {"d", "take", "gone/x", "in", 0, 70, NULL, 0},            /* its sending was not noted */
        {"a", "send", "a/x", "x", 1, 80, "dora/timer/secs/1", 4}, /* nor when this was taken */
        {"b", "take", "a/x", "in", 1, 81, NULL, 0},
    };
    struct trace_paths paths;
    JOIN(&paths, notes);
    assert_int_equal(paths.count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_string_equal(paths.paths[i]->first, "dora/timer/secs/1");
        assert_int_equal(paths.paths[i]->count, 1);
        assert_int_equal(paths.paths[i]->step_count, 2);
    }
    trace_paths_free(&paths);
}

static void test_a_loop_ends(void **state)
{
    (void)state;
    static const struct note notes[] = {
        {"a", "send", "a/x", "x", 0, 10, NULL, 0},  {"b", "take", "a/x", "in", 0, 11, NULL, 0},
        {"b", "send", "b/y", "y", 0, 12, "a/x", 0}, {"a", "take", "b/y", "in", 0, 13, NULL, 0},
        {"a", "send", "a/x", "x", 1, 14, "b/y", 0}, {"b", "take", "a/x", "in", 1, 15, NULL, 0},
        {"b", "send", "b/y", "y", 1, 16, "a/x", 1}, {"s", "take", "b/y", "in", 1, 17, NULL, 0},
    };
    struct trace_paths paths;
    JOIN(&paths, notes);
    assert_int_equal(paths.count, 1);
    assert_true(paths.paths[0]->step_count < 8);
    trace_paths_free(&paths);
}

static void test_garbage_is_refused(void **state)
{
    (void)state;
    struct trace_paths paths;
    assert_int_equal(trace_paths_init(&paths), 0);
    json_t *spans = json_pack("[{s:s}]", "kind", "other");
    assert_int_equal(trace_paths_add(&paths, spans), -EBADMSG);
    json_decref(spans);
    spans = json_pack("[{s:s}, {s:s, s:i}]", "kind", "send", "kind", "take", "topic", 5);
    assert_int_equal(trace_paths_add(&paths, spans), 0);
    json_decref(spans);
    assert_int_equal(trace_paths_join(&paths), 0);
    trace_paths_free(&paths);
}

static void test_meter(void **state)
{
    (void)state;
    struct meter meter = {.window = 1000};
    for (int i = 0; i <= 100; i++)
        assert_int_equal(meter_add(&meter, (struct meter_sample){i * 100, i}), 0);
    struct meter_summary values = meter_values(&meter), intervals = meter_intervals(&meter);
    assert_int_equal(values.count, 11);
    assert_true(values.least == 90 && values.most == 100 && values.mean == 95);
    assert_int_equal(intervals.count, 10);
    assert_true(intervals.mean == 100 && intervals.deviation == 0);
    meter_forget(&meter, 100000);
    assert_int_equal(meter_intervals(&meter).count, 0);
    assert_true(meter_values(&meter).mean == 0);
    meter_free(&meter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain),     cmocka_unit_test(test_branches_timers_and_what_is_not_known),
        cmocka_unit_test(test_a_loop_ends), cmocka_unit_test(test_garbage_is_refused),
        cmocka_unit_test(test_meter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
