/* Lines of log files, read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "cli/log_record.h"

static const int64_t noon = 1769860800 * CLOCK_SECOND; /* 2026-01-31T12:00:00Z */

static struct log_record read_text(const char *text)
{
    struct log_record record;
    assert_int_equal(log_record_read(&record, text, strlen(text), "n", 7), 0);
    return record;
}

static void test_times_with_fractions_and_zones(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t after_noon;
    } times[] = {
        {"2026-01-31T12:00:00Z", 0},
        {"2026-01-31 12:00:00", 0},
        {"2026-01-31T12:00:00.007Z", 7 * CLOCK_MILLI},
        {"2026-01-31T12:00:00.123456789z", 123456789},
        {"2026-01-31T12:00:00.12345678999Z", 123456789},
        {"2026-01-31T13:30:00+01:30", 0},
        {"2026-01-31T11:00:00-01:00", 0},
        {"2026-02-01T12:00:00Z", 24 * 3600 * CLOCK_SECOND},
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t ns = -1;
        assert_int_equal(log_record_time(times[i].text, &ns), 0);
        assert_int_equal(ns - noon, times[i].after_noon);
    }
    static const char *const wrong[] = {"",           "5m", "2026-01-31",           "2026-01-31T12:00",
                                        "2026-1-31T", "12", "2026-01-31T12:00:00X", "2026-01-31T12:00:00+1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(log_record_time(wrong[i], &(int64_t){0}), -EINVAL);
}

static void test_what_the_daemon_writes(void **state)
{
    (void)state;
    struct log_record record =
        read_text("{\"ts\":\"2026-01-31T12:00:00.001Z\",\"level\":\"warn\",\"node\":\"camera\",\"stream\":\"stderr\","
                  "\"msg\":\"a\\u0000b\",\"target\":\"lens\",\"fields\":{\"x\":1}}");
    assert_string_equal(record.line.node, "camera");
    assert_int_equal(record.line.level, GRAPH_LOG_WARN);
    assert_true(record.line.is_stderr);
    assert_int_equal(record.line.unix_ns, noon + CLOCK_MILLI);
    assert_int_equal(record.line.len, 3);
    assert_string_equal(record.line.target, "lens");
    assert_string_equal(record.line.fields, "{\"x\":1}");
    log_record_free(&record);
}

static void test_anything_else_is_a_plain_line(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "text",
        "{",
        "{}",
        "[]",
        "{\"ts\":1,\"level\":2,\"msg\":3}",
        "{\"ts\":\"2026-01-31T12:00:00Z\",\"level\":\"loud\",\"msg\":\"\"}",
        "{\"ts\":\"yesterday\",\"level\":\"info\",\"msg\":\"\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct log_record record = read_text(lines[i]);
        assert_string_equal(record.line.message, lines[i]);
        assert_string_equal(record.line.node, "n");
        assert_int_equal(record.line.level, GRAPH_LOG_STDOUT);
        assert_int_equal(record.line.unix_ns, 7);
        log_record_free(&record);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_with_fractions_and_zones),
        cmocka_unit_test(test_what_the_daemon_writes),
        cmocka_unit_test(test_anything_else_is_a_plain_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
