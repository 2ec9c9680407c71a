#include "node/params.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"

static const int64_t integers[] = {0, -1, INT64_MIN, INT64_MAX};
static const double reals[] = {0.5, -INFINITY};
static const char *const strings[] = {"", "zwölf", "z"};

/* One of each kind, set in no order. */
static dora_params *one_of_each(void)
{
    dora_params *params = dora_params_new();
    assert_non_null(params);
    const dora_param lists[] = {
        {.key = "strings", .kind = DORA_PARAM_STRINGS, .len = 3, .value.strings = strings},
        {.key = "ints", .kind = DORA_PARAM_INTS, .len = 4, .value.integers = integers},
        {.key = "floats", .kind = DORA_PARAM_FLOATS, .len = 2, .value.reals = reals},
        {.key = "none", .kind = DORA_PARAM_INTS},
        {.key = "time", .kind = DORA_PARAM_TIMESTAMP, .value.integer = 1700000000000000000},
    };
    assert_int_equal(dora_params_set_string(params, "string", "text"), 0);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        assert_int_equal(dora_params_set(params, &lists[i]), 0);
    assert_int_equal(dora_params_set_bool(params, "bool", true), 0);
    assert_int_equal(dora_params_set_int(params, "", -7), 0);
    assert_int_equal(dora_params_set_float(params, "float", 1e300), 0);
    return params;
}

static void check_one_of_each(const dora_params *params)
{
    assert_int_equal(dora_params_count(params), 9);
    for (size_t i = 1; i < 9; i++)
        assert_true(strcmp(dora_params_at(params, i - 1)->key, dora_params_at(params, i)->key) < 0);
    assert_null(dora_params_at(params, 9));
    assert_int_equal(dora_params_get(params, "")->value.integer, -7);
    assert_true(dora_params_get(params, "bool")->value.boolean);
    assert_true(dora_params_get(params, "float")->value.real == 1e300);
    assert_string_equal(dora_params_get(params, "string")->value.string, "text");
    assert_int_equal(dora_params_get(params, "string")->len, 4);
    assert_int_equal(dora_params_get(params, "time")->kind, DORA_PARAM_TIMESTAMP);
    assert_int_equal(dora_params_get(params, "none")->len, 0);
    const dora_param *list = dora_params_get(params, "ints");
    assert_int_equal(list->len, 4);
    assert_memory_equal(list->value.integers, integers, sizeof integers);
    list = dora_params_get(params, "floats");
    assert_int_equal(list->len, 2);
    assert_memory_equal(list->value.reals, reals, sizeof reals);
    list = dora_params_get(params, "strings");
    assert_int_equal(list->len, 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(list->value.strings[i], strings[i]);
    assert_null(dora_params_get(params, "missing"));
}

static void test_set_and_get(void **state)
{
    (void)state;
    dora_params *params = one_of_each();
    check_one_of_each(params);
    assert_int_equal(dora_params_set_string(params, "ints", "no list any more"), 0);
    assert_int_equal(dora_params_count(params), 9);
    assert_string_equal(dora_params_get(params, "ints")->value.string, "no list any more");
    dora_params_free(params);
    dora_params_free(NULL);
}

static void test_set_rejects(void **state)
{
    (void)state;
    dora_params *params = dora_params_new();
    assert_int_equal(dora_params_set_bool(params, NULL, true), -EINVAL);
    assert_int_equal(dora_params_set_string(params, "key", NULL), -EINVAL);
    dora_param param = {.key = "key", .kind = DORA_PARAM_STRING, .len = 3, .value.string = "a\0b"};
    assert_int_equal(dora_params_set(params, &param), -EINVAL);
    param = (dora_param){.key = "key", .kind = DORA_PARAM_STRINGS, .len = 1};
    assert_int_equal(dora_params_set(params, &param), -EINVAL);
    param = (dora_param){.key = "key", .kind = (dora_param_kind)99};
    assert_int_equal(dora_params_set(params, &param), -EINVAL);
    assert_int_equal(dora_params_set_bool(NULL, "key", true), -EINVAL);
    assert_int_equal(dora_params_count(params), 0);
    dora_params_free(params);
}

static void *encode(const dora_params *params, size_t *len)
{
    *len = params_encoded_size(params);
    void *bytes = malloc(*len + 1);
    assert_non_null(bytes);
    params_encode(params, bytes);
    return bytes;
}

static void test_round_trip(void **state)
{
    (void)state;
    dora_params *params = one_of_each(), *decoded;
    size_t len;
    autofree void *bytes = encode(params, &len);
    dora_params_free(params);
    assert_int_equal(params_decode(bytes, len, &decoded), 0);
    memset(bytes, 0xff, len);
    check_one_of_each(decoded);
    /* What was decoded can be changed like any other. */
    assert_int_equal(dora_params_set_int(decoded, "another", 1), 0);
    assert_int_equal(dora_params_set_int(decoded, "strings", 1), 0);
    assert_int_equal(dora_params_count(decoded), 10);
    assert_string_equal(dora_params_at(decoded, 1)->key, "another");
    dora_params_free(decoded);
}

static void test_empty(void **state)
{
    (void)state;
    dora_params *params = dora_params_new(), *decoded;
    assert_int_equal(params_encoded_size(NULL), 0);
    assert_int_equal(params_encoded_size(params), 0);
    assert_int_equal(params_encoded_size(params_empty()), 0);
    assert_int_equal(params_decode(NULL, 0, &decoded), 0);
    assert_int_equal(dora_params_count(decoded), 0);
    assert_int_equal(dora_params_set_int(decoded, "key", 1), 0);
    assert_int_equal(dora_params_get(decoded, "key")->value.integer, 1);
    assert_int_equal(dora_params_count(params_empty()), 0);
    assert_null(dora_params_at(params_empty(), 0));
    assert_null(dora_params_get(params_empty(), "key"));
    dora_params_free(decoded);
    dora_params_free(params);
}

static void test_protection(void **state)
{
    (void)state;
    dora_params *params = dora_params_new();
    assert_false(params_protects(params) || params_protects(NULL) || params_protects(params_empty()));
    dora_params_set_string(params, "goal_status", "succeeded");
    assert_true(params_protects(params));
    assert_false(params_flushes(params) || params_flushes(NULL));
    dora_params_set_bool(params, "flush", false);
    assert_false(params_flushes(params));
    dora_params_set_bool(params, "flush", true);
    assert_true(params_flushes(params));
    dora_params_free(params);
}

#define DECODE(bytes) params_decode(bytes, sizeof(bytes) - 1, &decoded)

static void test_bad_bytes(void **state)
{
    (void)state;
    dora_params *decoded;
    assert_int_equal(DECODE("\1\0\0k\0\1"), 0); /* k: true */
    dora_params_free(decoded);
    assert_int_equal(DECODE("\0\0"), -EBADMSG);               /* empty, but not 0 bytes */
    assert_int_equal(DECODE("\1\0\0k\0\2"), -EBADMSG);        /* no bool */
    assert_int_equal(DECODE("\1\0\0k\0\1!"), -EBADMSG);       /* something behind */
    assert_int_equal(DECODE("\2\0\0b\0\1\0a\0\1"), -EBADMSG); /* order */
    assert_int_equal(DECODE("\2\0\0a\0\1\0a\0\1"), -EBADMSG); /* twice */
    assert_int_equal(DECODE("\1\0\x8k\0\1"), -EBADMSG);       /* no kind */
    assert_int_equal(DECODE("\1\0\3k\0text"), -EBADMSG);      /* no NUL */
    assert_int_equal(DECODE("\1\1\4k\0\2\0\0"), -EBADMSG);    /* more elements than announced */
    assert_int_equal(DECODE("\1\3\4k\0\2\0\0"), -EBADMSG);    /* fewer */
    assert_int_equal(DECODE("\1\0\1k\0\x80\0"), -EBADMSG);    /* a longer number than needed */
    assert_int_equal(DECODE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0"), -EBADMSG);
    assert_int_equal(DECODE("\1\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\6k\0\1"), -EBADMSG);
}

/* What is cut or changed either decodes to something that encodes to the same bytes, or is refused. */
static void test_mutations(void **state)
{
    (void)state;
    dora_params *params = one_of_each(), *decoded;
    size_t len;
    autofree uint8_t *good = encode(params, &len);
    dora_params_free(params);
    for (size_t cut = 1; cut < len; cut++) {
        autofree void *exact = malloc(cut); /* so that the sanitizer sees its end */
        assert_int_equal(params_decode(memcpy(exact, good, cut), cut, &decoded), -EBADMSG);
    }
    for (size_t at = 0; at < len; at++) {
        for (unsigned value = 0; value < 256; value++) {
            autofree uint8_t *bad = malloc(len);
            memcpy(bad, good, len);
            bad[at] = (uint8_t)value;
            int rc = params_decode(bad, len, &decoded);
            if (rc == 0) {
                size_t again_len;
                autofree void *again = encode(decoded, &again_len);
                assert_int_equal(again_len, len);
                assert_memory_equal(again, bad, len);
                dora_params_free(decoded);
            } else {
                assert_int_equal(rc, -EBADMSG);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_and_get), cmocka_unit_test(test_set_rejects), cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_empty),       cmocka_unit_test(test_protection),  cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
