#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"

static void known_texts(void **state)
{
    static const struct {
        const char *bytes, *text;
    } known[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        autofree char *text = base64_write(known[i].bytes, strlen(known[i].bytes));
        size_t size;
        autofree char *bytes = base64_read(known[i].text, &size);
        assert_string_equal(text, known[i].text);
        assert_int_equal(size, strlen(known[i].bytes));
        assert_memory_equal(bytes, known[i].bytes, size);
    }
}

static void every_byte_there_and_back(void **state)
{
    uint8_t bytes[256];
    size_t size;
    (void)state;
    for (int i = 0; i < 256; i++)
        bytes[i] = (uint8_t)(255 - i);
    autofree char *text = base64_write(bytes, sizeof bytes);
    autofree uint8_t *back = base64_read(text, &size);
    assert_int_equal(size, sizeof bytes);
    assert_memory_equal(back, bytes, size);
}

static void what_is_none(void **state)
{
    static const char *const bad[] = {"Z", "Zg", "Zg=", "Z===", "Zm9v Zm9v===", "Zm9\n", "Z=9v", "\xc3\xa4\xc3\xa4"};
    size_t size;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_null(base64_read(bad[i], &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(every_byte_there_and_back),
        cmocka_unit_test(what_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
