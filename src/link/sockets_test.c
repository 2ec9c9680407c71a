/* What is set on the TCP sockets of a process. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/sockets.h"

static void test_backlog(void **state)
{
    (void)state;
    /* 50 ms of it, within bounds. */
    assert_int_equal(sockets_backlog(10000000, false, 0), 500000);
    assert_int_equal(sockets_backlog(1250000, false, 500000), 62500);
    assert_int_equal(sockets_backlog(1000, false, 500000), 16 << 10);
    assert_int_equal(sockets_backlog(UINT64_MAX, false, 0), 4 << 20);
    /* Who had little to send says nothing of how slow the network is. */
    assert_int_equal(sockets_backlog(1000, true, 500000), 500000);
    assert_int_equal(sockets_backlog(20000000, true, 500000), 1000000);
    assert_int_equal(sockets_backlog(0, false, 0), 256 << 10);
}

static int option(int fd, int name)
{
    int value = -1;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, name, &value, &(socklen_t){sizeof value}), 0);
    return value;
}

static void test_all_tcp_sockets_are_tuned(void **state)
{
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0), pair[2];
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
    int server = accept(listener, NULL, NULL);
    assert_true(server >= 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    sockets_tune(4321);
    for (int i = 0; i < 2; i++) {
        int fd = i ? server : client;
        assert_int_equal(option(fd, TCP_USER_TIMEOUT), 4321);
        assert_in_range(option(fd, TCP_NOTSENT_LOWAT), 16 << 10, 4 << 20);
    }
    int all[] = {listener, client, server, pair[0], pair[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        close(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backlog),
        cmocka_unit_test(test_all_tcp_sockets_are_tuned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
