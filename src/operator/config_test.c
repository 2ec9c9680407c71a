#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "operator/config.h"

static void operators_are_read_in_order(void **state)
{
    (void)state;
    struct host_config config;
    const char *text = "node vision\n"
                       "operator detect\nthread one\nlibrary /a b/libdetect.so\nconnect x y\n"
                       "operator show\nthread post\npython /show.py\nconnect z\n";
    assert_int_equal(host_config_read(&config, text, NULL), 0);
    assert_string_equal(config.node, "vision");
    assert_int_equal(config.count, 2);
    assert_string_equal(config.operators[0].id, "detect");
    assert_string_equal(config.operators[0].thread, "one");
    assert_string_equal(config.operators[0].file, "/a b/libdetect.so");
    assert_string_equal(config.operators[0].connect, "x y");
    assert_false(config.operators[0].is_python);
    assert_string_equal(config.operators[1].file, "/show.py");
    assert_true(config.operators[1].is_python);
    host_config_free(&config);
}

static void a_lone_one_is_named_as_its_node(void **state)
{
    (void)state;
    struct host_config config;
    assert_int_equal(host_config_read(&config, "node camera\noperator op\nthread op\nlibrary /a.so\nconnect x\n", NULL),
                     0);
    assert_string_equal(config.operators[0].id, "camera");
    assert_string_equal(config.operators[0].thread, "camera");
    host_config_free(&config);
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "node vision\n",
        "node \noperator a\nthread a\nlibrary /a\nconnect x\n",
        "operator a\nthread a\nlibrary /a\nconnect x\n",
        "node n\noperator a\nthread a\nlibrary /a\nconnect x",
        "node n\noperator a\nthread a\nlibrary /a\n",
        "node n\noperator a\nthread a\nruby /a\nconnect x\n",
        "node n\noperator \nthread a\nlibrary /a\nconnect x\n",
        "node n\nthread a\noperator a\nlibrary /a\nconnect x\n",
        "node n\noperator a\nthread a\nlibrary /a\nconnect x\nmore\n",
        "node n\noperator a\nthread a\nlibrary /a\nconnect x\noperator b\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct host_config config;
        struct error error = ERROR_INIT;
        assert_int_equal(host_config_read(&config, texts[i], &error), -EINVAL);
        assert_null(config.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_are_read_in_order),
        cmocka_unit_test(a_lone_one_is_named_as_its_node),
        cmocka_unit_test(anything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
