#include "link/net_testing.h"

char folder[] = "/tmp/dora-net-XXXXXX";

/* The engine leaves some sessions behind as cycles that nobody can reach, where a message was under way when they were
 * closed. Frames of Rust are only found with the slow unwinder. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0:malloc_context_size=40";
}

__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:net_open\nleak:net_publisher_open\n";
}

static void says_what_is_missing(void **state)
{
    (void)state;
    struct error error = ERROR_INIT;
    struct net *net;
    assert_int_equal(net_open(&net, &(struct net_options){0}, &error), -ENOTSUP);
    assert_null(net);
    assert_non_null(strstr(error.message, "cargo"));
    print_message("SKIPPED: this build has no engine between machines (DORA_NET=none)\n");
    skip();
}

int net_tests_run(const struct CMUnitTest *tests, size_t count)
{
    if (!net_engine()) {
        const struct CMUnitTest without[] = {cmocka_unit_test(says_what_is_missing)};
        return cmocka_run_group_tests(without, NULL, NULL);
    }
    if (!mkdtemp(folder))
        return 1;
    int failed = _cmocka_run_group_tests("tests", tests, count, NULL, NULL);
    char *command;
    if (asprintf(&command, "rm -rf %s", folder) < 0 || system(command) != 0)
        failed++;
    free(command);
    return failed;
}
