/* Which endpoints may be used without a word. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "control/endpoint.h"

static void assert_check(const char *endpoint, int expected)
{
    struct error error = ERROR_INIT;
    int rc = endpoint_check(endpoint, false, &error);
    if (rc != expected)
        fail_msg("%s: %d instead of %d: %s", endpoint, rc, expected, error.message);
    assert_true(rc == 0 || strstr(error.message, endpoint));
}

static void test_the_loopback_interface_is_local(void **state)
{
    static const char *const local[] = {"tcp/127.0.0.1:7447",
                                        "tcp/127.255.0.9:0",
                                        "udp/localhost:7447",
                                        "tcp/LOCALHOST:7447",
                                        "tcp/[::1]:7447",
                                        "tcp/[::ffff:127.0.0.1]:7447",
                                        "tcp/127.0.0.1:7447?prio=1#iface=lo",
                                        "ws/127.0.0.1:80",
                                        "unixsock-stream//run/user/1/z.sock",
                                        "unixpipe//run/z.pipe"};
    (void)state;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        assert_check(local[i], 0);
}

static void test_clear_text_beyond_it_is_refused(void **state)
{
    static const char *const open[] = {"tcp/0.0.0.0:7447",
                                       "tcp/[::]:7447",
                                       "tcp/192.168.1.2:7447",
                                       "udp/224.0.0.224:7446",
                                       "tcp/host.example:7447",
                                       "tcp/localhost.example:7447",
                                       "tcp/127.0.0.1.example:7447",
                                       "tcp/128.0.0.1:7447",
                                       "tcp/[::ffff:10.0.0.1]:7447",
                                       "tcp/[fe80::1]:7447",
                                       "tcp/0.0.0.0:7447#iface=lo",
                                       "tcp/0.0.0.0:7447?127.0.0.1:1",
                                       "tcp/*:7447",
                                       "ws/10.0.0.1:80",
                                       "TLS/10.0.0.1:80",
                                       "tlsx/10.0.0.1:80",
                                       "vsock/2:1",
                                       "serial//dev/ttyUSB0#baudrate=115200",
                                       "new/10.0.0.1:80"};
    struct error error = ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof open / sizeof *open; i++) {
        assert_check(open[i], -EPERM);
        assert_int_equal(endpoint_check(open[i], true, &error), 0);
    }
}

static void test_what_is_encrypted_may_go_anywhere(void **state)
{
    (void)state;
    assert_check("tls/0.0.0.0:7447", 0);
    assert_check("quic/host.example:7447", 0);
    assert_check("wss/[::]:7447", 0);
}

static void test_what_is_no_endpoint(void **state)
{
    static const char *const wrong[] = {"",
                                        "tcp",
                                        "/",
                                        "tcp/",
                                        "tcp/host",
                                        "tcp/:7447",
                                        "tcp/host:",
                                        "tcp/host:port",
                                        "tls/[::1]",
                                        "tls/[::1:1",
                                        "tls/::1:7447",
                                        "/host:1",
                                        "tcp/host:70000",
                                        "tcp/host:1x",
                                        "tls/[::1]x:1",
                                        "tls/host:-1"};
    struct error error = ERROR_INIT;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_check(wrong[i], -EINVAL);
        assert_int_equal(endpoint_check(wrong[i], true, &error), -EINVAL);
    }
}

static void assert_complete(const char *text, const char *expected)
{
    struct error error = ERROR_INIT;
    char endpoint[ENDPOINT_MOST];
    assert_int_equal(endpoint_complete(text, endpoint, &error), expected ? 0 : -EINVAL);
    if (expected)
        assert_string_equal(endpoint, expected);
}

static void test_an_address_alone_is_completed(void **state)
{
    (void)state;
    assert_complete("10.0.0.1", "tcp/10.0.0.1:7447");
    assert_complete("10.0.0.1:99", "tcp/10.0.0.1:99");
    assert_complete("::1", "tcp/[::1]:7447");
    assert_complete("[::1]", "tcp/[::1]:7447");
    assert_complete("[::1]:99", "tcp/[::1]:99");
    assert_complete("tls/host:1", "tls/host:1");
    assert_complete("tls/host", NULL);
    assert_complete("", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_loopback_interface_is_local),
        cmocka_unit_test(test_clear_text_beyond_it_is_refused),
        cmocka_unit_test(test_what_is_encrypted_may_go_anywhere),
        cmocka_unit_test(test_what_is_no_endpoint),
        cmocka_unit_test(test_an_address_alone_is_completed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
