/* What the tests of this layer share: sessions at endpoints that nobody else has, and waiting with a deadline. */
#ifndef LINK_NET_TESTING_H
#define LINK_NET_TESTING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "link/net.h"

#define PATIENCE (60 * CLOCK_SECOND) /* what takes longer will never happen */
#define BIG      ((size_t)40 << 20)

/* Waits until `condition` holds; fails when it doesn't. */
#define await(condition)                                                                                               \
    do {                                                                                                               \
        int64_t until_ = clock_now() + PATIENCE;                                                                       \
        while (!(condition)) {                                                                                         \
            if (clock_now() > until_)                                                                                  \
                fail_msg("%s:%d: never came: %s", __FILE__, __LINE__, #condition);                                     \
            nap();                                                                                                     \
        }                                                                                                              \
    } while (0)

static inline void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

extern char folder[]; /* of the test, gone when it ends */

/* Endpoints that nobody has yet. */
static inline char *unix_endpoint(void)
{
    static int number;
    char *endpoint;
    assert_true(asprintf(&endpoint, "unixsock-stream/%s/%d", folder, number++) > 0);
    return endpoint;
}

static inline char *tcp_endpoint(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    char *endpoint;
    assert_true(asprintf(&endpoint, "tcp/127.0.0.1:%d", ntohs(address.sin_port)) > 0);
    return endpoint;
}

static inline struct net *session(const char *listen, const char *connect)
{
    struct error error = ERROR_INIT;
    struct net *net;
    const char *listens[] = {listen, NULL}, *connects[] = {connect, NULL};
    if (net_open(&net, &(struct net_options){.listen = listens, .connect = connects}, &error))
        fail_msg("%s", error.message);
    return net;
}

struct pair {
    char *endpoint;
    struct net *a, *b; /* b connects to a */
};

static inline struct pair pair_at(char *endpoint)
{
    struct net *a = session(endpoint, NULL);
    return (struct pair){endpoint, a, session(NULL, endpoint)};
}

static inline struct pair pair_open(void)
{
    return pair_at(unix_endpoint());
}

static inline void pair_close(struct pair *pair)
{
    net_close(pair->b);
    net_close(pair->a);
    free(pair->endpoint);
}

static inline struct net_publisher *publish(struct net *net, const char *key, struct net_publisher_options options)
{
    struct error error = ERROR_INIT;
    struct net_publisher *publisher;
    if (net_publisher_open(&publisher, net, key, &options, &error))
        fail_msg("%s", error.message);
    return publisher;
}

static inline struct net_subscriber *subscribe(struct net *net, const char *key,
                                               void (*arrived)(void *, const struct net_sample *), void *context)
{
    struct error error = ERROR_INIT;
    struct net_subscriber *subscriber;
    if (net_subscriber_open(&subscriber, net, key, arrived, context, &error))
        fail_msg("%s", error.message);
    return subscriber;
}

static inline void on_matching(void *context, bool is_matched)
{
    atomic_store((atomic_int *)context, is_matched);
}

/* A publisher that somebody subscribes to already. */
static inline struct net_publisher *publish_matched(struct net *net, const char *key,
                                                    struct net_publisher_options options)
{
    static atomic_int matched;
    atomic_store(&matched, 0);
    options.matching = on_matching;
    options.context = &matched;
    struct net_publisher *publisher = publish(net, key, options);
    await(atomic_load(&matched));
    return publisher;
}

static inline void ignore(void *context, const struct net_sample *sample)
{
    (void)context, (void)sample;
}

/* Runs the tests; without an engine one that says so in place of them. */
#define run_net_tests(tests) net_tests_run(tests, sizeof(tests) / sizeof *(tests))
int net_tests_run(const struct CMUnitTest *tests, size_t count);

#endif
