/* The daemon's pure decisions, as tables: restart or not, and what an exit means. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>

#include "daemon/outcome.h"
#include "daemon/restart.h"

#define S CLOCK_SECOND

static void test_restart_table(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct graph_node node;
        struct restart_history before;
        bool failed;
        int64_t now;
        enum restart_verdict verdict;
        int64_t delay;
        uint32_t in_window; /* afterwards */
    } rows[] = {
        {"never", {.restart = GRAPH_RESTART_NEVER}, {0}, true, S, RESTART_NEVER, 0, 0},
        {"on-failure, well", {.restart = GRAPH_RESTART_ON_FAILURE}, {0}, false, S, RESTART_NEVER, 0, 0},
        {"on-failure, failed", {.restart = GRAPH_RESTART_ON_FAILURE}, {0}, true, S, RESTART_AFTER, 0, 1},
        {"always, well", {.restart = GRAPH_RESTART_ALWAYS}, {0}, false, S, RESTART_AFTER, 0, 1},
        {"disabled", {.restart = GRAPH_RESTART_ALWAYS}, {.is_disabled = true}, true, S, RESTART_DISABLED, 0, 0},
        {"disabled, but never wanted",
         {.restart = GRAPH_RESTART_NEVER},
         {.is_disabled = true},
         true,
         S,
         RESTART_NEVER,
         0,
         0},
        {"last of two",
         {.restart = GRAPH_RESTART_ALWAYS, .max_restarts = 2},
         {.in_window = 1},
         true,
         S,
         RESTART_AFTER,
         0,
         2},
        {"beyond two",
         {.restart = GRAPH_RESTART_ALWAYS, .max_restarts = 2},
         {.in_window = 2},
         true,
         S,
         RESTART_EXHAUSTED,
         0,
         2},
        {"the window is over",
         {.restart = GRAPH_RESTART_ALWAYS, .max_restarts = 2, .restart_window_ns = S},
         {.in_window = 2, .window_start = S},
         true,
         3 * S,
         RESTART_AFTER,
         0,
         1},
        {"the window is not over",
         {.restart = GRAPH_RESTART_ALWAYS, .max_restarts = 2, .restart_window_ns = 2 * S},
         {.in_window = 2, .window_start = S},
         true,
         3 * S,
         RESTART_EXHAUSTED,
         0,
         2},
        {"first delay", {.restart = GRAPH_RESTART_ALWAYS, .restart_delay_ns = S}, {0}, true, S, RESTART_AFTER, S, 1},
        {"third delay",
         {.restart = GRAPH_RESTART_ALWAYS, .restart_delay_ns = S},
         {.in_window = 2},
         true,
         S,
         RESTART_AFTER,
         4 * S,
         3},
        {"capped",
         {.restart = GRAPH_RESTART_ALWAYS, .restart_delay_ns = S, .max_restart_delay_ns = 3 * S},
         {.in_window = 2},
         true,
         S,
         RESTART_AFTER,
         3 * S,
         3},
        {"sixteen doublings at most",
         {.restart = GRAPH_RESTART_ALWAYS, .restart_delay_ns = S},
         {.in_window = 40},
         true,
         S,
         RESTART_AFTER,
         65536 * S,
         41},
        {"no overflow",
         {.restart = GRAPH_RESTART_ALWAYS, .restart_delay_ns = INT64_MAX / 2},
         {.in_window = 40},
         true,
         S,
         RESTART_AFTER,
         CLOCK_NEVER,
         41},
        {"no overflow, capped",
         {.restart = GRAPH_RESTART_ALWAYS, .restart_delay_ns = INT64_MAX / 2, .max_restart_delay_ns = 5 * S},
         {.in_window = 40},
         true,
         S,
         RESTART_AFTER,
         5 * S,
         41},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct restart_history history = rows[i].before;
        struct restart_decision decision = restart_decide(&rows[i].node, &history, rows[i].failed, rows[i].now);
        if (decision.verdict != rows[i].verdict || decision.delay_ns != rows[i].delay ||
            history.in_window != rows[i].in_window)
            fail_msg("%s: verdict %d, delay %lld, %u in the window", rows[i].name, (int)decision.verdict,
                     (long long)decision.delay_ns, history.in_window);
        assert_int_equal(history.total, decision.verdict == RESTART_AFTER);
    }
}

static void test_restart_possible(void **state)
{
    (void)state;
    struct graph_node node = {.restart = GRAPH_RESTART_ON_FAILURE, .max_restarts = 1};
    struct restart_history history = {0};
    assert_true(restart_possible(&node, &history));
    assert_int_equal(history.total, 0);
    history.in_window = 1;
    assert_false(restart_possible(&node, &history));
    node.restart_window_ns = S;
    assert_true(restart_possible(&node, &history));
    history.is_disabled = true;
    assert_false(restart_possible(&node, &history));
}

static void test_outcome_table(void **state)
{
    (void)state;
    static const struct {
        struct process_end end;
        enum node_cause cause;
        const char *message;
    } rows[] = {
        {{.code = 0}, NODE_FINISHED, "finished"},
        {{.code = 3}, NODE_EXITED, "exited with code 3"},
        {{.by_signal = true, .code = SIGSEGV}, NODE_SIGNALED, "exited because of signal SIGSEGV"},
        {{.by_signal = true, .code = SIGTERM}, NODE_SIGNALED, "exited because of signal SIGTERM"},
        {{.by_signal = true, .code = SIGTERM, .is_terminated = true}, NODE_FINISHED, "finished"},
        {{.by_signal = true, .code = SIGINT, .is_terminated = true}, NODE_FINISHED, "finished"},
        {{.code = 143, .is_terminated = true}, NODE_FINISHED, "finished"},
        {{.code = 130, .is_terminated = true}, NODE_FINISHED, "finished"},
        {{.code = 143}, NODE_EXITED, "exited with code 143"},
        {{.code = 1, .is_terminated = true}, NODE_EXITED, "exited with code 1"},
        {{.code = 1, .is_excused = true}, NODE_FINISHED, "finished"},
        {{.by_signal = true, .code = SIGKILL}, NODE_SIGNALED, "exited because of signal SIGKILL"},
        {{.by_signal = true, .code = SIGKILL, .killed = KILL_GRACE},
         NODE_GRACE_KILLED,
         "was killed by dora because it didn't react to a stop message in time (SIGKILL)"},
        {{.code = 0, .killed = KILL_GRACE}, NODE_FINISHED, "finished"},
        {{.by_signal = true, .code = SIGKILL, .killed = KILL_USER},
         NODE_KILLED,
         "was killed by dora because the dataflow was to end at once (SIGKILL)"},
        {{.by_signal = true, .code = SIGKILL, .killed = KILL_HEALTH, .silent_ns = S / 2},
         NODE_UNHEALTHY,
         "was killed by dora because it was silent for longer than its health_check_timeout (0.5 s)"},
        {{.by_signal = true, .code = SIGKILL, .killed = KILL_PROTOCOL, .wrongdoing = "it lied"},
         NODE_BROKE_PROTOCOL,
         "was killed by dora because it lied"},
        {{.code = 0, .killed = KILL_PROTOCOL, .wrongdoing = "it lied"},
         NODE_BROKE_PROTOCOL,
         "was killed by dora because it lied"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct node_result result = {0};
        char message[OUTCOME_MESSAGE_MOST];
        outcome_of(&rows[i].end, &result, message);
        assert_int_equal(result.cause, rows[i].cause);
        assert_int_equal(result.ok, rows[i].cause == NODE_FINISHED);
        assert_string_equal(message, rows[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restart_table),
        cmocka_unit_test(test_restart_possible),
        cmocka_unit_test(test_outcome_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
