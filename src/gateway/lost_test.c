/* Who is tried, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/lost.h"

static char tried[4096];   /* the addresses, a space behind each */
static const char *joined; /* the machine that there is an edge with */

int net_reach(struct net *net, const char *address, struct error *error)
{
    (void)net;
    if (strcmp(address, "nonsense") == 0)
        return error_set(error, -EINVAL, "this is no address");
    strcat(strcat(tried, address), " ");
    return 0;
}

bool flows_has(const struct flows *flows, const char *machine)
{
    (void)flows;
    return joined && strcmp(joined, machine) == 0;
}

static const char *reach(struct lost **list, int64_t now)
{
    struct gateway gateway = {0};
    *tried = '\0';
    lost_reach(list, &gateway, now);
    return tried;
}

static void tries_each_until_it_is_found(void **state)
{
    (void)state;
    struct lost *list = NULL;
    assert_string_equal(reach(&list, 0), "");
    lost_add(&list, "a", "there", 0);
    lost_add(&list, "b", "here", 0);
    assert_string_equal(reach(&list, 0), "here there ");
    assert_string_equal(reach(&list, 1), "here there ");
    lost_add(&list, "a", "elsewhere", 2);
    assert_string_equal(reach(&list, 2), "elsewhere here ");
    lost_found(&list, "c");
    lost_found(&list, "b");
    assert_string_equal(reach(&list, 3), "elsewhere ");
    lost_found(&list, "a");
    assert_string_equal(reach(&list, 4), "");
    lost_add(&list, "a", "there", 5);
    lost_free(&list);
    assert_null(list);
}

static void gives_up_who_has_gone_for_good(void **state)
{
    (void)state;
    struct lost *list = NULL;
    int64_t minute = 60 * CLOCK_SECOND;
    lost_add(&list, "a", "there", 0);
    lost_add(&list, "b", "here", 0);
    lost_add(&list, "c", "nonsense", 0);
    assert_string_equal(reach(&list, 9 * minute), "here there ");
    joined = "a";
    assert_string_equal(reach(&list, 11 * minute), "there ");
    assert_string_equal(reach(&list, 100 * minute), "there ");
    joined = NULL;
    assert_string_equal(reach(&list, 100 * minute), "");
    assert_null(list);
}

static void many_names_take_no_more_than_so_much(void **state)
{
    (void)state;
    struct lost *list = NULL;
    char name[16];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "%d", i);
        lost_add(&list, name, "", 0);
    }
    assert_int_equal(strlen(reach(&list, 0)), 1000);
    lost_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tries_each_until_it_is_found),
        cmocka_unit_test(gives_up_who_has_gone_for_good),
        cmocka_unit_test(many_names_take_no_more_than_so_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
