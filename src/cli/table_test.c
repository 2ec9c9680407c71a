/* Tables that fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "cli/table.h"

static const struct table_column columns[] = {
    {.title = "UUID", .least = 6},
    {.title = "Name", .least = 5},
    {.title = "Nodes", .is_right = true},
    {.title = "CPU", .is_right = true, .is_dispensable = true},
};

static void check(size_t width, const char *expected)
{
    struct table table;
    table_init(&table, columns, 4);
    const char *names[] = {"vision", "größe", "日本語の名前"};
    for (int i = 0; i < 3; i++) {
        table_add(&table, "0123456789");
        table_add(&table, "%s", names[i]);
        table_add(&table, "%d", 1 << 3 * i);
        table_add(&table, "%s", i == 1 ? "" : "1 %");
    }
    autobuf struct buf text = {0};
    table_format(&table, width, &text);
    table_free(&table);
    assert_string_equal(text.data, expected);
}

static void test_columns_are_as_wide_as_their_cells(void **state)
{
    (void)state;
    check(0, "UUID        Name          Nodes  CPU\n"
             "0123456789  vision            1  1 %\n"
             "0123456789  größe             8\n"
             "0123456789  日本語の名前     64  1 %\n");
}

static void test_the_widest_is_cut_first(void **state)
{
    (void)state;
    check(34, "UUID        Name        Nodes  CPU\n"
              "0123456789  vision          1  1 %\n"
              "0123456789  größe           8\n"
              "0123456789  日本語の…      64  1 %\n");
}

static void test_a_column_is_left_out_when_nothing_can_be_cut(void **state)
{
    (void)state;
    check(20, "UUID    Name   Nodes\n"
              "01234…  visi…      1\n"
              "01234…  größe      8\n"
              "01234…  日本…     64\n");
}

static void test_no_line_is_ever_wider(void **state)
{
    (void)state;
    for (size_t width = 1; width < 60; width++) {
        struct table table;
        table_init(&table, columns, 4);
        for (int i = 0; i < 8; i++)
            table_add(&table, "größe 日本語");
        autobuf struct buf text = {0};
        table_format(&table, width, &text);
        table_free(&table);
        char *rest = text.data;
        for (char *line; (line = strsep(&rest, "\n"));)
            assert_true(table_text_width(line) <= width);
    }
}

static void test_cells_can_not_steer_the_terminal(void **state)
{
    (void)state;
    struct table table;
    table_init(&table, columns, 1);
    table_add(&table, "a\033[2J\nb\377");
    autobuf struct buf text = {0};
    table_format(&table, 0, &text);
    table_free(&table);
    assert_string_equal(text.data, "UUID\na [2J b\377\n");
}

static void test_an_optional_column_shows_only_with_something_in_it(void **state)
{
    static const struct table_column two[] = {{.title = "A"}, {.title = "B", .is_optional = true}};
    (void)state;
    for (int has_b = 0; has_b < 2; has_b++) {
        struct table table;
        autobuf struct buf text = {0};
        table_init(&table, two, 2);
        table_add(&table, "1");
        table_add(&table, "%s", "");
        table_add(&table, "2");
        table_add(&table, "%s", has_b ? "b" : "");
        table_format(&table, 0, &text);
        table_free(&table);
        assert_string_equal(text.data, has_b ? "A  B\n1\n2  b\n" : "A\n1\n2\n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_are_as_wide_as_their_cells),
        cmocka_unit_test(test_the_widest_is_cut_first),
        cmocka_unit_test(test_a_column_is_left_out_when_nothing_can_be_cut),
        cmocka_unit_test(test_no_line_is_ever_wider),
        cmocka_unit_test(test_cells_can_not_steer_the_terminal),
        cmocka_unit_test(test_an_optional_column_shows_only_with_something_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
