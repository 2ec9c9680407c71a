#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "cli/arrow_json.h"
#include "cli/arrow_make.h"
#include "cli/arrow_scalar.h"

/* JSON made to an array, and its rows printed again, with the type's name in front. */
static void assert_round(const char *json, const char *expected, size_t most)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    assert_int_equal(arrow_make(value, &array, &schema, NULL), 0);
    struct buf out = {0};
    arrow_json_type(&out, &schema);
    buf_putc(&out, ' ');
    arrow_json(&out, &array, &schema, most);
    assert_string_equal(out.data, expected);
    array.release(&array);
    schema.release(&schema);
    assert_null(array.release);
    assert_null(schema.release);
    buf_free(&out);
    json_decref(value);
}

static void test_values_round(void **state)
{
    (void)state;
    assert_round("[1, -2, 9223372036854775807]", "int64 [1,-2,9223372036854775807]", SIZE_MAX);
    assert_round("[1, 2.5, null]", "float64 [1.0,2.5,null]", SIZE_MAX);
    assert_round("[null, true, false]", "bool [null,true,false]", SIZE_MAX);
    assert_round("[\"a\", null, \"\", \"\\u00e9\"]", "utf8 [\"a\",null,\"\",\"é\"]", SIZE_MAX);
    assert_round("\"one\"", "utf8 [\"one\"]", SIZE_MAX);
    assert_round("[null]", "null [null]", SIZE_MAX);
    assert_round("[]", "null []", SIZE_MAX);
    assert_round("[[1, 2], null, [], [3.5]]", "list<float64> [[1.0,2.0],null,[],[3.5]]", SIZE_MAX);
    assert_round("[[]]", "list<null> [[]]", SIZE_MAX);
    assert_round("[{\"x\": 1, \"p\": [\"a\"]}, null, {\"p\": null, \"ok\": true}]",
                 "struct<x: int64, p: list<utf8>, ok: bool> [{\"x\":1,\"p\":[\"a\"],\"ok\":null},null,"
                 "{\"x\":null,\"p\":null,\"ok\":true}]",
                 SIZE_MAX);
    assert_round("{\"deep\": {\"er\": [{\"x\": 1}]}}",
                 "struct<deep: struct<er: list<struct<x: int64>>>> [{\"deep\":{\"er\":[{\"x\":1}]}}]", SIZE_MAX);
    assert_round("{}", "struct<> [{}]", SIZE_MAX);
}

static void test_what_is_left_out_is_told(void **state)
{
    (void)state;
    assert_round("[1, 2, 3, 4, 5, 6, 7, 8]", "int64 [1,2,3,… 5 more]", 6);
    assert_round("[\"\\u00e9\\u00e9\\u00e9\\u00e9\"]", "utf8 [\"éé…\"]", 6);
}

static void test_what_is_no_array(void **state)
{
    (void)state;
    static const char *const bad[] = {"[1, \"a\"]", "[[1], 2]", "[[1], [\"a\"]]", "[{\"x\": 1}, {\"x\": {}}]",
                                      "[{}, []]",   "[true, 1]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct ArrowArray array;
        struct ArrowSchema schema;
        struct error error = ERROR_INIT;
        json_t *value = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_int_equal(arrow_make(value, &array, &schema, &error), -EINVAL);
        assert_true(*error.message);
        json_decref(value);
    }
}

static void assert_scalar(const char *format, int64_t bits, const void *value, const char *expected)
{
    struct buf out = {0};
    arrow_scalar_put(&out, format, bits, value, 0);
    assert_string_equal(out.data, expected);
    buf_free(&out);
}

static void test_decimals(void **state)
{
    (void)state;
    const uint64_t most[] = {UINT64_MAX, INT64_MAX}, least[] = {0, (uint64_t)1 << 63}, zero[4] = {0};
    const uint64_t wide[] = {(uint64_t)-1, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    const int32_t small = -5;
    assert_scalar("d:38,0", 128, most, "\"170141183460469231731687303715884105727\"");
    assert_scalar("d:38,3", 128, least, "\"-170141183460469231731687303715884105.728\"");
    assert_scalar("d:38,2", 128, zero, "\"0.00\"");
    assert_scalar("d:76,1,256", 256, wide, "\"-0.1\"");
    assert_scalar("d:9,-2,32", 32, &small, "\"-5e2\"");
}

static void test_times_at_the_edges(void **state)
{
    (void)state;
    const int64_t least = INT64_MIN, most = INT64_MAX;
    /* Whatever a publisher sends, it is printed as something. */
    static const char *const formats[] = {"tdm", "ttu", "ttn", "tss:", "tsm:UTC", "tsn:", "tDs", "tDn", "tiD"};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        struct buf out = {0};
        arrow_scalar_put(&out, formats[i], 64, &least, 0);
        arrow_scalar_put(&out, formats[i], 64, &most, 0);
        assert_false(out.failed);
        buf_free(&out);
    }
}

static void test_doubles_read_back_the_same(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"}, {1, "1.0"}, {-0.0, "-0.0"}, {1e300, "1e+300"}, {0.1 + 0.2, "0.30000000000000004"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        arrow_json_double(&out, cases[i].value);
        assert_string_equal(out.data, cases[i].text);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_round),       cmocka_unit_test(test_what_is_left_out_is_told),
        cmocka_unit_test(test_what_is_no_array),   cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_times_at_the_edges), cmocka_unit_test(test_doubles_read_back_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
