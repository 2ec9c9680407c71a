#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/stamp.h"
#include "base/suggest.h"

static void errors_gather_context(void **state)
{
    (void)state;
    struct error error = ERROR_INIT;
    assert_int_equal(error_sys(&error, -ENOENT, "open %s", "a.yml"), -ENOENT);
    assert_int_equal(error_add(&error, "node %s", "camera"), -ENOENT);
    assert_string_equal(error.message, "node camera: open a.yml: No such file or directory");
    assert_int_equal(error_set(NULL, -EINVAL, "nobody listens"), -EINVAL);
}

static void a_buffer_grows_and_is_text(void **state)
{
    (void)state;
    autobuf struct buf buf = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&buf, "%d,", i);
    assert_false(buf.failed);
    assert_int_equal(strlen(buf.data), buf.len);
    assert_null(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    buf_clear(&buf);
    buf_puts(&buf, "again");
    autofree char *text = buf_take(&buf);
    assert_string_equal(text, "again");
    assert_null(buf.data);
}

static void an_empty_buffer_gives_empty_text(void **state)
{
    (void)state;
    struct buf buf = {0};
    autofree char *text = buf_take(&buf);
    assert_string_equal(text, "");
}

static void ntp64_keeps_nanoseconds(void **state)
{
    (void)state;
    int64_t times[] = {0, 1, 999999999, 1700000000123456789, 4102444800000000001};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        int64_t back = clock_ntp64_to_ns(clock_ntp64_from_ns(times[i]));
        assert_true(back == times[i] || back == times[i] - 1);
    }
    assert_int_equal(clock_after(5, CLOCK_NEVER), CLOCK_NEVER);
    assert_int_equal(clock_after(5, 6), 11);
}

static void stamps_follow_the_clock(void **state)
{
    (void)state;
    struct stamp stamp;
    stamp_init(&stamp);
    int64_t worst = 0, end = clock_now() + 20 * CLOCK_MILLI;
    do {
        int64_t before = clock_ntp64_to_ns(clock_ntp64());
        int64_t at = clock_ntp64_to_ns(stamp_now(&stamp));
        int64_t after = clock_ntp64_to_ns(clock_ntp64());
        /* Only what lies outside the two looks at the clock is an error for sure. */
        int64_t off = at < before ? before - at : at > after ? at - after : 0;
        worst = off > worst ? off : worst;
    } while (clock_now() < end);
    assert_true(worst < 100000);
}

static const char *name_at(const void *context, size_t index)
{
    return ((const char *const *)context)[index];
}

static void assert_rest(const char *name, const char *const *names, const char *expected)
{
    char text[128];
    suggest_rest(text, sizeof text, name, name_at, names);
    assert_string_equal(text, expected);
}

static void what_there_is_is_told(void **state)
{
    (void)state;
    const char *const many[] = {"a1", "b1", "", "c1", "d1", "e1", "f1", "g1", "h1", "i1", "j1", NULL};
    assert_rest("camrea", (const char *const[]){"lidar", "camera", NULL}, "; did you mean `camera`?");
    assert_rest("wheel", (const char *const[]){"lidar", "", "camera", NULL}, "; there are `lidar` and `camera`");
    assert_rest("wheel", (const char *const[]){"lidar", NULL}, "; there is only `lidar`");
    assert_rest("wheel", (const char *const[]){"", NULL}, "; there are none");
    assert_rest("wheel", many, "; there are `a1`, `b1`, `c1`, `d1`, `e1`, `f1`, `g1`, `h1` and 2 more");
    char small[12];
    suggest_rest(small, sizeof small, "wheel", name_at, many);
    assert_string_equal(small, "; there are");
}

static void suggestions_are_near(void **state)
{
    (void)state;
    const char *names[] = {"camera", "lidar", "planner"};
    assert_string_equal(suggest("camrea", names, 3), "camera");
    assert_string_equal(suggest("lidr", names, 3), "lidar");
    assert_null(suggest("wheel", names, 3));
    assert_int_equal(suggest_distance("ab", "ba"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_gather_context),
        cmocka_unit_test(a_buffer_grows_and_is_text),
        cmocka_unit_test(an_empty_buffer_gives_empty_text),
        cmocka_unit_test(ntp64_keeps_nanoseconds),
        cmocka_unit_test(stamps_follow_the_clock),
        cmocka_unit_test(suggestions_are_near),
        cmocka_unit_test(what_there_is_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
