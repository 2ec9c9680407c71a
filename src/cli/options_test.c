#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/values.h"

static const struct option_spec specs[] = {
    {.name = "uv", .help = "A flag"},
    {.name = "strict-types", .help = "Another flag"},
    {.name = "strict-modes", .help = "A third flag"},
    {.name = "format",
     .letter = 'f',
     .value = "FORMAT",
     .choices = "table|json",
     .env = "DORA_TEST_FORMAT",
     .help = "x"},
    {.name = "env", .value = "KEY=VALUE", .repeatable = true, .help = "x"},
    {.name = "finish", .value = "BOOL", .optional = true, .help = "x"},
    {0},
};

static const struct command command = {
    .name = "try", .operands = "PATH", .min_operands = 1, .max_operands = 1, .options = specs};

struct parsed {
    struct options options;
    struct error error, hint;
    int result;
    char *argv[16];
    int argc;
};

static void parse(struct parsed *p, const char *line)
{
    static char copy[256];
    strcpy(copy, line);
    *p = (struct parsed){.argv = {(char[]){"try"}}, .argc = 1};
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        p->argv[p->argc++] = word;
    p->result = options_parse(&p->options, &command, p->argc, p->argv, &p->error, &p->hint);
}

static void finds_options_in_any_order(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "a.yml --uv -f json --env A=1 --env=B=2");
    assert_int_equal(p.result, 0);
    assert_string_equal(p.options.operands[0], "a.yml");
    assert_true(options_has(&p.options, "uv"));
    assert_false(options_has(&p.options, "strict-types"));
    assert_string_equal(options_value(&p.options, "format"), "json");
    assert_string_equal(options_value_at(&p.options, "env", 0), "A=1");
    assert_string_equal(options_value_at(&p.options, "env", 1), "B=2");
    assert_null(options_value_at(&p.options, "env", 2));
    options_free(&p.options);

    parse(&p, "--uv -- --uv");
    assert_int_equal(p.result, 0);
    assert_string_equal(p.options.operands[0], "--uv");
    options_free(&p.options);
}

static void optional_values_need_an_equals_sign(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "--finish a.yml");
    assert_int_equal(p.result, 0);
    assert_string_equal(options_value(&p.options, "finish"), "");
    options_free(&p.options);
    parse(&p, "--finish=false a.yml");
    assert_string_equal(options_value(&p.options, "finish"), "false");
    options_free(&p.options);
}

static void the_environment_stands_in(void **state)
{
    (void)state;
    struct parsed p;
    setenv("DORA_TEST_FORMAT", "json", 1);
    parse(&p, "a.yml");
    assert_string_equal(options_value(&p.options, "format"), "json");
    options_free(&p.options);
    parse(&p, "a.yml --format table");
    assert_string_equal(options_value(&p.options, "format"), "table");
    options_free(&p.options);
    setenv("DORA_TEST_FORMAT", "xml", 1);
    parse(&p, "a.yml");
    assert_int_equal(p.result, -EINVAL);
    assert_non_null(strstr(p.error.message, "DORA_TEST_FORMAT"));
    options_free(&p.options);
    unsetenv("DORA_TEST_FORMAT");
}

static void wrong_usage_is_explained(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message, *hint;
    } cases[] = {
        {"", "`dora try` needs PATH", "--help"},
        {"a b", "no use for `b`", "--help"},
        {"a --strct-types", "no option `--strct-types`", "did you mean `--strict-types`?"},
        {"a --strct-types=1", "no option `--strct-types`", "did you mean `--strict-types`?"},
        {"a --strict", "`--strict` may stand for several options", "--help"},
        {"a --uv=1", "the option `--uv` takes no value", "--help"},
        {"a --uv -xf", "no option `-x`", "--help"},
        {"a --env", "the option `--env` needs a value: KEY=VALUE", "--help"},
        {"a -f", "the option `--format` needs a value: FORMAT", "--help"},
        {"a -f xml", "`--format` can't be `xml`", "table|json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct parsed p;
        parse(&p, cases[i].line);
        assert_int_equal(p.result, -EINVAL);
        assert_non_null(strstr(p.error.message, cases[i].message));
        assert_non_null(strstr(p.hint.message, cases[i].hint));
        options_free(&p.options);
    }
}

static void help_wins_over_errors(void **state)
{
    (void)state;
    struct parsed p;
    parse(&p, "--help");
    assert_int_equal(p.result, 0);
    assert_true(p.options.help);
    options_free(&p.options);
}

static void reads_durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns;
    } good[] = {{"30", 30 * CLOCK_SECOND},
                {"500ms", 500 * CLOCK_MILLI},
                {"30s", 30 * CLOCK_SECOND},
                {"5m", 300 * CLOCK_SECOND},
                {"1h", 3600 * CLOCK_SECOND},
                {"2d", 172800 * CLOCK_SECOND},
                {"1h30m", 5400 * CLOCK_SECOND},
                {"0", 0},
                {"7us", 7000}};
    int64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(value_duration(good[i].text, &ns, NULL), 0);
        assert_int_equal(ns, good[i].ns);
    }
    static const char *const bad[] = {"",   "s", "-1", "1.5s", "5x", "5 s", "9999999999999999999", "999999999999d",
                                      "5m!"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(value_duration(bad[i], &ns, NULL), -EINVAL);
}

static void reads_pairs(void **state)
{
    (void)state;
    struct pairs pairs = {0};
    assert_int_equal(pairs_add(&pairs, "A=1,B=2", 0, NULL), 0);
    assert_int_equal(pairs_add(&pairs, "c=,d=x=y,", ',', NULL), 0);
    assert_int_equal(pairs.count, 3);
    assert_string_equal(pairs.items[0].value, "1,B=2");
    assert_string_equal(pairs.items[1].key, "c");
    assert_string_equal(pairs.items[1].value, "");
    assert_string_equal(pairs.items[2].value, "x=y");
    assert_int_equal(pairs_add(&pairs, "none", 0, NULL), -EINVAL);
    assert_int_equal(pairs_add(&pairs, "=1", 0, NULL), -EINVAL);
    pairs_free(&pairs);
    bool flag = false;
    assert_int_equal(value_bool("", &flag, NULL), 0);
    assert_true(flag);
    assert_int_equal(value_bool("yes", &flag, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_options_in_any_order),
        cmocka_unit_test(optional_values_need_an_equals_sign),
        cmocka_unit_test(the_environment_stands_in),
        cmocka_unit_test(wrong_usage_is_explained),
        cmocka_unit_test(help_wins_over_errors),
        cmocka_unit_test(reads_durations),
        cmocka_unit_test(reads_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
