#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "graph/tree.h"

static struct tree *read_text(struct graph *graph, const char *text)
{
    struct graph_file *file = graph_file_add(graph, "t.yml", text, strlen(text));
    assert_non_null(file);
    return tree_read(graph, file);
}

static struct tree plain(const char *text)
{
    return (struct tree){.kind = TREE_SCALAR, .plain = true, .text = text};
}

static void plain_scalars_follow_yaml_1_2(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } ints[] = {{"0", 0},
                {"-1", -1},
                {"+7", 7},
                {"0x10", 16},
                {"0o17", 15},
                {"0b101", 5},
                {"-0x8", -8},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const no_ints[] = {
        "", "007", "1.0", "1e3", "0x", "9223372036854775808", "-9223372036854775809", "one", "- 1", "1_0", "+", "--1"};
    static const char *const no_numbers[] = {"",    "007", "-01.5", "1.2.3", ".",  "e5",
                                             "inf", "nan", "1e",    "0x1p3", "1 ", "+.nan"};
    int64_t integer;
    double number;
    bool truth;
    for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
        struct tree tree = plain(ints[i].text);
        assert_true(tree_int(&tree, &integer));
        assert_int_equal(integer, ints[i].value);
    }
    for (size_t i = 0; i < sizeof no_ints / sizeof *no_ints; i++)
        assert_false(tree_int(&(struct tree){.plain = true, .text = no_ints[i]}, &integer));
    for (size_t i = 0; i < sizeof no_numbers / sizeof *no_numbers; i++)
        assert_false(tree_number(&(struct tree){.plain = true, .text = no_numbers[i]}, &number));
    struct tree half = plain("-.5e1"), infinite = plain("-.inf"), yes = plain("yes"), on = plain("True");
    assert_true(tree_number(&half, &number) && number == -5.0);
    assert_true(tree_number(&infinite, &number) && isinf(number) && number < 0);
    assert_false(tree_bool(&yes, &truth));
    assert_true(tree_bool(&on, &truth) && truth);
    assert_true(tree_is_null(&(struct tree){.plain = true, .text = "~"}));
    assert_false(tree_is_null(&(struct tree){.plain = false, .text = ""}));
    assert_false(tree_int(&(struct tree){.plain = false, .text = "1"}, &integer));
}

static void numbers_print_as_rust_prints_them(void **state)
{
    (void)state;
    struct graph *graph = graph_new();
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1, "1"},
                 {1.1, "1.1"},
                 {1e3, "1000"},
                 {0.1, "0.1"},
                 {-2.5, "-2.5"},
                 {1e21, "1000000000000000000000"},
                 {1e-7, "0.0000001"},
                 {123456.789, "123456.789"},
                 {0, "0"},
                 {NAN, "NaN"},
                 {INFINITY, "inf"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(tree_number_text(graph, cases[i].value), cases[i].text);
    graph_free(graph);
}

static void values_know_their_place(void **state)
{
    (void)state;
    struct graph *graph = graph_new();
    const struct tree *tree = read_text(graph, "\xef\xbb\xbf# comment\na:\n  - \"\xc3\xa9\"\n  - {b: c}\n");
    assert_non_null(tree);
    assert_int_equal(tree->kind, TREE_MAP);
    const struct tree *list = tree->pairs[0].value;
    assert_int_equal(list->kind, TREE_LIST);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->items[0]->place.line, 3);
    assert_int_equal(list->items[0]->place.column, 5);
    assert_int_equal(list->items[1]->pairs[0].value->place.column, 9);
    assert_int_equal(graph->error_count, 0);
    graph_free(graph);
}

static void aliases_share_and_tags_of_yaml_count(void **state)
{
    (void)state;
    struct graph *graph = graph_new();
    const struct tree *tree = read_text(graph, "a: &x [1]\nb: *x\nc: !!str 5\nd: !!int \"5\"\ne: &x 2\nf: *x\n");
    int64_t integer;
    assert_non_null(tree);
    assert_ptr_equal(tree->pairs[0].value, tree->pairs[1].value);
    assert_false(tree_int(tree->pairs[2].value, &integer));
    assert_true(tree_int(tree->pairs[3].value, &integer));
    assert_true(tree_int(tree->pairs[5].value, &integer)); /* the anchor given last */
    graph_free(graph);
}

static void faults_have_a_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t line;
    } cases[] = {{"a: 1\na: 2\n", 2}, {"a: [\n", 2},           {"a: 1\n\x01", 2},
                 {"a: \xff\n", 1},    {"a: \"\\uD800\"\n", 1}, {"&a [*a]\n", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct graph *graph = graph_new();
        read_text(graph, cases[i].text);
        assert_int_equal(graph->error_count, 1);
        assert_int_equal(graph->findings[0].place.line, cases[i].line);
        graph_free(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_scalars_follow_yaml_1_2), cmocka_unit_test(numbers_print_as_rust_prints_them),
        cmocka_unit_test(values_know_their_place),       cmocka_unit_test(aliases_share_and_tags_of_yaml_count),
        cmocka_unit_test(faults_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
