/* Who is there, and how sessions find each other; what they refuse. */
#include "link/net_testing.h"

#include <signal.h>
#include <sys/wait.h>

struct roll {
    atomic_int alive, changes;
};

static void on_change(void *context, const char *key, bool is_alive)
{
    struct roll *roll = context;
    if (strncmp(key, "test/live/", 10) == 0)
        atomic_fetch_add(&roll->alive, is_alive ? 1 : -1);
    atomic_fetch_add(&roll->changes, 1);
}

static struct net_token *announce(struct net *net, const char *key)
{
    struct error error = ERROR_INIT;
    struct net_token *token;
    if (net_token_open(&token, net, key, &error))
        fail_msg("%s", error.message);
    return token;
}

static struct net_watch *watch_roll(struct net *net, struct roll *roll)
{
    struct error error = ERROR_INIT;
    struct net_watch *watch;
    if (net_watch_open(&watch, net, "test/live/*", on_change, roll, &error))
        fail_msg("%s", error.message);
    return watch;
}

static void sees_who_is_there(void **state)
{
    (void)state;
    struct pair pair = pair_open();
    struct roll roll = {0}, late = {0};
    struct net_token *own = announce(pair.a, "test/live/a");
    struct net_watch *watch = watch_roll(pair.a, &roll);
    struct net_token *token = announce(pair.b, "test/live/b");
    await(atomic_load(&roll.alive) == 2);
    struct net_watch *second = watch_roll(pair.b, &late);
    await(atomic_load(&late.alive) == 2);
    net_token_close(token);
    await(atomic_load(&roll.alive) == 1);
    await(atomic_load(&late.alive) == 1);
    token = announce(pair.b, "test/live/b");
    await(atomic_load(&roll.alive) == 2);
    net_watch_close(second);
    net_close(pair.b);
    await(atomic_load(&roll.alive) == 1);
    assert_int_equal(atomic_load(&roll.changes), 5);
    net_token_close(token);
    net_watch_close(watch);
    net_token_close(own);
    pair.b = NULL;
    pair_close(&pair);
}

static const char *program;

/* This program again, as a process that holds a token until it is killed. */
static int hold_token(const char *endpoint, const char *key)
{
    alarm(PATIENCE / CLOCK_SECOND);
    announce(session(NULL, endpoint), key);
    pause();
    return 1;
}

static void sees_a_killed_process_go(void **state)
{
    (void)state;
    char *endpoint = tcp_endpoint();
    struct net *net = session(endpoint, NULL);
    struct roll roll = {0};
    struct net_watch *watch = watch_roll(net, &roll);
    pid_t child = fork();
    if (child == 0) {
        execl(program, program, "hold-token", endpoint, "test/live/child", NULL);
        _exit(127);
    }
    await(atomic_load(&roll.alive) == 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    await(atomic_load(&roll.alive) == 0);
    net_watch_close(watch);
    net_close(net);
    free(endpoint);
}

static void connects_when_the_other_comes(void **state)
{
    (void)state;
    char *endpoint = tcp_endpoint();
    struct net *early = session(NULL, endpoint);
    struct roll roll = {0};
    struct net_token *token = announce(early, "test/live/early");
    for (int round = 0; round < 2; round++) {
        struct net *late = session(endpoint, NULL);
        struct net_watch *watch = watch_roll(late, &roll);
        await(atomic_load(&roll.alive) == 1);
        net_watch_close(watch);
        net_close(late);
        atomic_store(&roll.alive, 0);
    }
    net_token_close(token);
    net_close(early);
    free(endpoint);
}

static void count_samples(void *context, const struct net_sample *sample)
{
    (void)sample;
    atomic_fetch_add((atomic_int *)context, 1);
}

/* Both connect to a third, learn of each other and no longer need it. */
static void peers_find_each_other(void **state)
{
    (void)state;
    char *hub = tcp_endpoint(), *one = tcp_endpoint(), *two = tcp_endpoint();
    struct net *middle = session(hub, NULL), *left = session(one, hub), *right = session(two, hub);
    atomic_int count = 0;
    struct net_subscriber *subscriber = subscribe(right, "test/gossip", count_samples, &count);
    struct net_publisher *publisher = publish_matched(left, "test/gossip", (struct net_publisher_options){0});
    net_close(middle);
    for (int i = 0; i < 100; i++)
        assert_int_equal(net_put(publisher, &i, sizeof i, NULL, 0, NULL, NULL), 0);
    await(atomic_load(&count) == 100);
    net_publisher_close(publisher);
    net_subscriber_close(subscriber);
    net_close(left);
    net_close(right);
    free(hub);
    free(one);
    free(two);
}

static void decline(void *context, struct net_query *query, struct net_bytes payload)
{
    (void)context, (void)payload;
    net_decline(query, "no");
}

static void no_answer(void *context, const struct net_bytes *reply, const char *refusal)
{
    (void)context, (void)reply, (void)refusal;
}

/* The port at one end of this process's connection `fd`, the `end` that is asked for. */
static int port(int fd, int (*end)(int, struct sockaddr *, socklen_t *))
{
    struct sockaddr_in address = {0};
    socklen_t len = sizeof address;
    return end(fd, (struct sockaddr *)&address, &len) == 0 && address.sin_family == AF_INET ? ntohs(address.sin_port)
                                                                                            : 0;
}

/* Ends this process's connections to what listens at the endpoint. */
static void break_connections(const char *endpoint)
{
    int at = atoi(strrchr(endpoint, ':') + 1);
    for (int fd = 3; fd < 1024; fd++)
        if (port(fd, getpeername) == at || (port(fd, getpeername) && port(fd, getsockname) == at))
            shutdown(fd, SHUT_RDWR);
}

static void connects_again_to_a_peer_that_was_lost(void **state)
{
    (void)state;
    struct error error = ERROR_INIT;
    char *hub = tcp_endpoint(), *one = tcp_endpoint(), *two = tcp_endpoint(), address[NET_ADDRESS];
    struct net *middle = session(hub, NULL), *left = session(one, hub), *right = session(two, hub);
    atomic_int count = 0, matched = 0;
    struct net_subscriber *subscriber = subscribe(right, "test/again", count_samples, &count);
    struct net_publisher *publisher =
        publish(left, "test/again", (struct net_publisher_options){.matching = on_matching, .context = &matched});
    assert_int_equal(net_address(right, address, sizeof address), 0);
    assert_non_null(strstr(address, two));
    await(atomic_load(&matched));
    for (int round = 1; round <= 3; round++) {
        break_connections(one);
        break_connections(two);
        await(!atomic_load(&matched));
        int64_t until = clock_now() + PATIENCE;
        for (; !atomic_load(&matched) && clock_now() < until; nap())
            assert_int_equal(net_reach(left, address, &error), 0);
        assert_true(atomic_load(&matched));
        assert_int_equal(net_put(publisher, &round, sizeof round, NULL, 0, NULL, NULL), 0);
        await(atomic_load(&count) == round);
    }
    net_publisher_close(publisher);
    net_subscriber_close(subscriber);
    net_close(left);
    net_close(right);
    net_close(middle);
    free(hub);
    free(one);
    free(two);
}

static void reaching_nobody_is_fine(void **state)
{
    (void)state;
    struct error error = ERROR_INIT;
    char *one = tcp_endpoint(), *two = tcp_endpoint(), address[NET_ADDRESS], silent[64];
    struct net *net = session(one, NULL), *gone = session(two, NULL);
    assert_int_equal(net_address(net, address, 1), -ENOSPC);
    for (const char *const *wrong = (const char *[]){"", "x", "12 34", " ", "1234 tcp/", NULL}; *wrong; wrong++)
        assert_int_equal(net_reach(net, *wrong, &error), -EINVAL);
    assert_int_equal(net_address(net, address, sizeof address), 0);
    assert_int_equal(net_reach(net, address, &error), 0);
    assert_int_equal(net_address(gone, address, sizeof address), 0);
    net_close(gone);
    for (int i = 0; i < 100; i++)
        assert_int_equal(net_reach(net, address, &error), 0);
    /* One who listens and says nothing doesn't hold up the end. */
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof own;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&own, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
    snprintf(silent, sizeof silent, "%.*s0 tcp/127.0.0.1:%d", 8, address, ntohs(own.sin_port));
    assert_int_equal(net_reach(net, silent, &error), 0);
    net_close(net);
    close(fd);
    free(one);
    free(two);
}

static void refuses_bad_keys(void **state)
{
    (void)state;
    struct net *net = session(NULL, NULL);
    static const char *const BAD[] = {"", "/", "a//b", "/a", "a/", "a/b#c", "a?b", "a/$b", "\xff\xfe"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        struct error error = ERROR_INIT;
        struct net_publisher *publisher;
        struct net_subscriber *subscriber;
        struct net_queryable *queryable;
        struct net_token *token;
        struct net_watch *watch;
        struct net_publisher_options options = {0};
        assert_int_equal(net_publisher_open(&publisher, net, BAD[i], &options, &error), -EINVAL);
        assert_null(publisher);
        assert_true(error.code == -EINVAL && error.message[0]);
        assert_null(strstr(error.message, ".rs"));
        assert_int_equal(net_subscriber_open(&subscriber, net, BAD[i], ignore, NULL, NULL), -EINVAL);
        assert_int_equal(net_queryable_open(&queryable, net, BAD[i], decline, NULL, NULL), -EINVAL);
        assert_int_equal(net_token_open(&token, net, BAD[i], NULL), -EINVAL);
        assert_int_equal(net_watch_open(&watch, net, BAD[i], on_change, NULL, NULL), -EINVAL);
        assert_int_equal(net_ask(net, BAD[i], NULL, 0, CLOCK_SECOND, no_answer, NULL, NULL), -EINVAL);
    }
    net_close(net);
}

/* Tries to open, and expects `code` with `part` in its message. */
static void refuse(const struct net_options *options, int code, const char *part)
{
    struct error error = ERROR_INIT;
    struct net *net;
    assert_int_equal(net_open(&net, options, &error), code);
    assert_null(net);
    if (!strstr(error.message, part) || strstr(error.message, ".rs:"))
        fail_msg("'%s' is not in: %s", part, error.message);
}

static char *write_config(const char *name, const char *text)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static void refuses_bad_configurations(void **state)
{
    (void)state;
    const char *nonsense[] = {"nonsense", NULL}, *unknown[] = {"smoke/127.0.0.1:1", NULL};
    refuse(&(struct net_options){.listen = nonsense}, -EINVAL, "nonsense");
    refuse(&(struct net_options){.connect = nonsense}, -EINVAL, "nonsense");
    refuse(&(struct net_options){.listen = unknown}, -EADDRNOTAVAIL, "smoke");
    refuse(&(struct net_options){.config = "/nowhere/at-all.json5"}, -EINVAL, "/nowhere/at-all.json5");
    char *broken = write_config("broken.json5", "{mode: "), *wrong = write_config("wrong.json5", "{mode: 'conductor'}");
    refuse(&(struct net_options){.config = broken}, -EINVAL, "broken.json5");
    refuse(&(struct net_options){.config = wrong}, -EINVAL, "wrong.json5");
    free(broken);
    free(wrong);

    char *endpoint = tcp_endpoint();
    const char *taken[] = {endpoint, NULL};
    refuse(&(struct net_options){.client = true, .connect = taken}, -EHOSTUNREACH, endpoint);
    struct net *net = session(endpoint, NULL);
    refuse(&(struct net_options){.listen = taken}, -EADDRNOTAVAIL, endpoint + strlen("tcp/"));
    net_close(net);
    free(endpoint);
}

/* What only the file says counts, and what the options say counts before it. */
static void takes_a_configuration(void **state)
{
    (void)state;
    char *endpoint = tcp_endpoint(), *other = tcp_endpoint(), text[256];
    snprintf(text, sizeof text, "{mode: 'router', listen: {endpoints: ['%s']}}", endpoint);
    char *config = write_config("listen.json5", text);
    struct error error = ERROR_INIT;
    struct net *net;
    const char *listen[] = {other, NULL};
    for (int is_over = 0; is_over < 2; is_over++) {
        struct net_options options = {.config = config, .listen = is_over ? listen : NULL};
        if (net_open(&net, &options, &error))
            fail_msg("%s", error.message);
        struct net *peer = session(NULL, is_over ? other : endpoint);
        struct roll roll = {0};
        struct net_token *token = announce(peer, "test/live/configured");
        struct net_watch *watch = watch_roll(net, &roll);
        await(atomic_load(&roll.alive) == 1);
        net_watch_close(watch);
        net_token_close(token);
        net_close(peer);
        if (is_over) {
            struct net *free_again = session(endpoint, NULL);
            net_close(free_again);
        }
        net_close(net);
    }
    unlink(config);
    free(config);
    free(endpoint);
    free(other);
}

static void closing_nothing_is_fine(void **state)
{
    (void)state;
    net_publisher_close(NULL);
    net_subscriber_close(NULL);
    net_queryable_close(NULL);
    net_token_close(NULL);
    net_watch_close(NULL);
    net_close(NULL);
}

static void names_the_engine(void **state)
{
    (void)state;
    assert_int_equal(strncmp(net_engine(), "zenoh 1.", 8), 0);
}

int main(int argc, char **argv)
{
    program = argv[0];
    if (argc == 4 && strcmp(argv[1], "hold-token") == 0)
        return hold_token(argv[2], argv[3]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sees_who_is_there),
        cmocka_unit_test(sees_a_killed_process_go),
        cmocka_unit_test(connects_when_the_other_comes),
        cmocka_unit_test(peers_find_each_other),
        cmocka_unit_test(connects_again_to_a_peer_that_was_lost),
        cmocka_unit_test(reaching_nobody_is_fine),
        cmocka_unit_test(refuses_bad_keys),
        cmocka_unit_test(refuses_bad_configurations),
        cmocka_unit_test(takes_a_configuration),
        cmocka_unit_test(closing_nothing_is_fine),
        cmocka_unit_test(names_the_engine),
    };
    return run_net_tests(tests);
}
