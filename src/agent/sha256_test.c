/* The examples of FIPS 180-4 and of NIST's, and that it doesn't matter how the bytes are cut. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/sha256.h"

static void examples(void **state)
{
    (void)state;
    static const char *const known[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqr"
         "st"
         "u",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct sha256 sha;
        char text[SHA256_TEXT];
        sha256_begin(&sha);
        sha256_add(&sha, known[i][0], strlen(known[i][0]));
        sha256_end(&sha, text);
        assert_string_equal(text, known[i][1]);
    }
}

static void a_million_letters_in_pieces_of_any_size(void **state)
{
    (void)state;
    char letters[1000], text[SHA256_TEXT];
    memset(letters, 'a', sizeof letters);
    for (size_t size = 1; size <= sizeof letters; size += 37) {
        struct sha256 sha;
        sha256_begin(&sha);
        for (size_t left = 1000000; left > 0;) {
            size_t len = left < size ? left : size;
            sha256_add(&sha, letters, len);
            left -= len;
        }
        sha256_end(&sha, text);
        assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

static void of_a_file(void **state)
{
    (void)state;
    char text[SHA256_TEXT];
    int fd = memfd_create("sha256", MFD_CLOEXEC);
    assert_int_equal(write(fd, "abc", 3), 3);
    assert_int_equal(sha256_file(fd, text), 0);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    close(fd);
    assert_true(sha256_file(fd, text) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
        cmocka_unit_test(a_million_letters_in_pieces_of_any_size),
        cmocka_unit_test(of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
