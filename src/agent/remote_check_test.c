/* What another machine may have run here, and what not. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/remote_check.h"
#include "base/cleanup.h"

/* Of a JSON array. */
static int check(const char *text)
{
    json_t *args = json_loads(text, 0, NULL);
    struct error error = ERROR_INIT;
    autofree char **words = NULL;
    int rc = remote_check_args(args, &words, &error);
    assert_int_equal(words != NULL, rc == 0);
    assert_int_equal(*error.message != '\0', rc < 0);
    json_decref(args);
    return rc;
}

static void commands_that_look(void **state)
{
    static const char *const right[] = {
        "[\"topic\", \"echo\"]",
        "[\"topic\", \"echo\", \"--count=1\", \"--dataflow=one\", \"--\", \"a/b\", \"--file\"]",
        "[\"topic\", \"hz\", \"--window=2\", \"--duration=5\", \"--format=json\"]",
        "[\"topic\", \"bw\"]",
        "[\"topic\", \"delay\", \"--\"]",
        "[\"topic\", \"info\", \"--duration=1\", \"--\", \"a/b\"]",
        "[\"topic\", \"pub\", \"--rate=5\", \"--metadata={}\", \"--\", \"a/b\", \"-1\"]",
        "[\"trace\", \"--\", \"list\"]",
        "[\"logs\", \"--follow\", \"--beside=\", \"--grep=--local\", \"--\", \"0-0-0\"]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        if (check(right[i]) != 0)
            fail_msg("%s", right[i]);
}

static void all_others(void **state)
{
    static const char *const wrong[] = {
        "null",
        "{}",
        "[]",
        "[\"\"]",
        "[\"topic\"]",
        "[\"topic\", \"list\"]",
        "[\"topic\", \"--count=1\", \"echo\"]",
        "[\"run\", \"--\", \"x.yml\"]",
        "[\"start\", \"--\", \"x.yml\"]",
        "[\"down\"]",
        "[\"daemon\"]",
        "[\"--help\"]",
        "[\"logs\", \"--local\"]",
        "[\"logs\", \"--loc\"]",
        "[\"logs\", \"--foll\"]",
        "[\"logs\", \"-f\"]",
        "[\"logs\", \"0-0-0\"]",
        "[\"logs\", \"--grep\", \"text\"]",
        "[\"topic\", \"pub\", \"--file=/etc/passwd\", \"--\", \"a/b\"]",
        "[\"topic\", \"pub\", \"--fil=/etc/passwd\", \"--\", \"a/b\"]",
        "[\"topic\", \"pub\", \"a/b\"]",
        "[\"topic\", \"echo\", \"--rate=1\"]",
        "[\"topic\", \"echo\", \"--=1\"]",
        "[\"topic\", \"echo\", 1]",
        "[\"topic\", \"echo\", null]",
        "[\"topic\", [\"echo\"]]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (check(wrong[i]) != -EINVAL)
            fail_msg("%s", wrong[i]);
}

static json_t *with(size_t count, size_t size)
{
    json_t *args = json_pack("[s, s, s]", "topic", "echo", "--");
    autofree char *word = malloc(size + 1);
    memset(word, 'a', size);
    word[size] = '\0';
    for (size_t i = 0; i < count; i++)
        json_array_append_new(args, json_string(word));
    return args;
}

static void no_more_than_so_much(void **state)
{
    static const struct {
        size_t count, size;
        int rc;
    } amounts[] = {
        {REMOTE_WORDS_MOST - 3, 1, 0},      {REMOTE_WORDS_MOST - 2, 1, -EINVAL}, {1, REMOTE_WORD_MOST, 0},
        {1, REMOTE_WORD_MOST + 1, -EINVAL}, {4, REMOTE_WORD_MOST, -EINVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof amounts / sizeof *amounts; i++) {
        json_t *args = with(amounts[i].count, amounts[i].size);
        struct error error = ERROR_INIT;
        char **words = NULL;
        assert_int_equal(remote_check_args(args, &words, &error), amounts[i].rc);
        if (words) {
            assert_string_equal(words[0], "dora");
            assert_string_equal(words[1], "topic");
            assert_null(words[amounts[i].count + 4]);
        }
        free(words);
        json_decref(args);
    }
}

static void terminals(void **state)
{
    static const struct {
        const char *json, *text;
    } known[] = {
        {"{\"columns\": 120, \"colors\": \"12\"}", "120:12"},
        {"{}", "0:"},
        {"{\"colors\": \"2\"}", "0:2"},
        {"{\"columns\": -1}", NULL},
        {"{\"columns\": 1000000}", NULL},
        {"{\"colors\": \"122\"}", NULL},
        {"{\"colors\": \"a\"}", NULL},
    };
    (void)state;
    char text[REMOTE_TERMINAL_MOST];
    struct error error = ERROR_INIT;
    assert_int_equal(remote_check_terminal(NULL, text, &error), 0);
    assert_string_equal(text, "0:");
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        json_t *terminal = json_loads(known[i].json, 0, NULL);
        assert_int_equal(remote_check_terminal(terminal, text, &error), known[i].text ? 0 : -EINVAL);
        if (known[i].text)
            assert_string_equal(text, known[i].text);
        json_decref(terminal);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_that_look),
        cmocka_unit_test(all_others),
        cmocka_unit_test(no_more_than_so_much),
        cmocka_unit_test(terminals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
