#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "proto/proto.h"

static _Alignas(8) char buffer[PROTO_PACKET_MOST];

static int count_fds(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

struct pair {
    int ends[2], fds_before;
};

static int setup(void **state)
{
    static struct pair pair;
    pair.fds_before = count_fds();
    *state = &pair;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.ends);
}

/* Every test also checks that no descriptor is left. */
static int teardown(void **state)
{
    struct pair *pair = *state;
    for (int i = 0; i < 2; i++)
        if (pair->ends[i] >= 0)
            close(pair->ends[i]);
    return count_fds() == pair->fds_before ? 0 : -1;
}

static void a_hello_arrives_with_its_descriptor(void **state)
{
    struct pair *pair = *state;
    autoclose int arena = open("/dev/zero", O_RDONLY);
    struct proto_hello hello = {.version = PROTO_VERSION, .token = {1, 2, 3}};
    struct proto_packet packet = {.type = PROTO_HELLO,
                                  .body = &hello,
                                  .body_len = sizeof hello,
                                  .text = {"0.1.0", ""},
                                  .text_count = 2,
                                  .fds = {arena},
                                  .fd_count = 1};
    assert_int_equal(proto_send(pair->ends[0], &packet, 0), 0);
    struct proto_packet got;
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), 1);
    assert_int_equal(got.type, PROTO_HELLO);
    assert_memory_equal(got.body, &hello, sizeof hello);
    assert_string_equal(got.text[0], "0.1.0");
    assert_string_equal(got.text[1], "");
    assert_int_equal(got.fd_count, 1);
    assert_int_equal(fcntl(got.fds[0], F_GETFD), FD_CLOEXEC);
    autoclose int taken = take_fd(&got.fds[0]);
    assert_int_equal(read(taken, &(char){0}, 1), 1);
    proto_close_fds(&got);
}

static void edges_follow_their_link(void **state)
{
    struct pair *pair = *state;
    _Alignas(8) char space[sizeof(struct proto_link) + LINK_EDGES_MOST * sizeof(struct link_edge)];
    struct proto_link *link = (struct proto_link *)space;
    *link = (struct proto_link){.link = 7, .edge_count = LINK_EDGES_MOST};
    for (uint32_t i = 0; i < link->edge_count; i++)
        link->edges[i] = (struct link_edge){i, i + 1, 10, LINK_DROP_OLDEST};
    struct proto_packet packet = {.type = PROTO_LINK_IN,
                                  .body = space,
                                  .body_len = sizeof space,
                                  .text = {"camera"},
                                  .text_count = 1,
                                  .fds = {0, 0},
                                  .fd_count = 2};
    assert_int_equal(proto_send(pair->ends[0], &packet, 0), 0);
    struct proto_packet got;
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), 1);
    assert_int_equal(got.body_len, sizeof space);
    assert_memory_equal(got.body, space, sizeof space);
    proto_close_fds(&got);

    link->edge_count = LINK_EDGES_MOST + 1;
    assert_int_equal(proto_send(pair->ends[0], &packet, 0), -EINVAL);
    link->edge_count = UINT32_MAX;
    assert_int_equal(proto_send(pair->ends[0], &packet, 0), -EINVAL);
}

static void an_empty_or_closed_socket_is_no_packet(void **state)
{
    struct pair *pair = *state;
    struct proto_packet got, stop = {.type = PROTO_STOP};
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), -EAGAIN);
    int rc;
    while ((rc = proto_send(pair->ends[0], &stop, MSG_DONTWAIT)) == 0)
        ;
    assert_int_equal(rc, -EAGAIN);
    while ((rc = proto_recv(pair->ends[1], &got, buffer, 0)) == 1)
        assert_int_equal(got.type, PROTO_STOP);
    assert_int_equal(rc, -EAGAIN);
    close(take_fd(&pair->ends[0]));
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), 0);
    assert_int_equal(proto_send(pair->ends[1], &stop, 0), -EPIPE);
}

static void what_was_said_last_arrives(void **state)
{
    struct pair *pair = *state;
    struct proto_packet got;
    assert_int_equal(proto_send(pair->ends[0], &(struct proto_packet){.type = PROTO_GOODBYE}, 0), 0);
    assert_int_equal(proto_send(pair->ends[1], &(struct proto_packet){.type = PROTO_STOP}, 0), 0);
    close(take_fd(&pair->ends[0])); /* with the Stop unread */
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), 1);
    assert_int_equal(got.type, PROTO_GOODBYE);
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), 0);
}

static void a_text_too_long_is_not_sent(void **state)
{
    struct pair *pair = *state;
    static char text[PROTO_PACKET_MOST + 1];
    memset(text, 'x', sizeof text - 1);
    struct proto_packet packet = {.type = PROTO_RELOAD, .text = {text}, .text_count = 1};
    assert_int_equal(proto_send(pair->ends[0], &packet, 0), -EMSGSIZE);
    text[PROTO_PACKET_MOST - 17] = '\0'; /* with header and NUL just what fits */
    assert_int_equal(proto_send(pair->ends[0], &packet, 0), 0);
    struct proto_packet got;
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), 1);
    assert_string_equal(got.text[0], text);
}

struct raw {
    uint32_t magic;
    uint16_t type, text_count;
    uint32_t body_len, text_len;
    char rest[64];
};

static void garbage_is_refused(void **state)
{
    struct pair *pair = *state;
    const struct raw good = {PROTO_MAGIC, PROTO_NODE_FAILED, 2, 0, 9, "cam\0died"};
    struct raw bad[] = {good, good, good, good, good, good, good, good, good};
    bad[1].magic++;
    bad[2].type = PROTO_NONE;
    bad[3].type = PROTO_TYPE_COUNT;
    bad[4].text_count = 1;
    bad[5].text_count = 200;
    bad[6].body_len = UINT32_MAX - 8; /* the sum of the lengths must not wrap */
    bad[7].text_len = 8;
    bad[8].rest[8] = '!';
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct proto_packet got;
        assert_int_equal(send(pair->ends[0], &bad[i], 16 + 9, 0), 16 + 9);
        assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), i == 0 ? 1 : -EBADMSG);
    }
    for (size_t len = 1; len < 16 + 9; len++) {
        struct proto_packet got;
        assert_int_equal(send(pair->ends[0], &good, len, 0), len);
        assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), -EBADMSG);
    }
}

static void a_packet_too_large_is_refused(void **state)
{
    struct pair *pair = *state;
    static char large[PROTO_PACKET_MOST + 1];
    const struct raw head = {PROTO_MAGIC, PROTO_RELOAD, 1, 0, sizeof large - 16, ""};
    memcpy(large, &head, 16);
    struct proto_packet got;
    assert_int_equal(send(pair->ends[0], large, sizeof large, 0), sizeof large);
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), -EBADMSG);
}

static void send_with_fds(int socket, const void *data, size_t len, int count)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))] = {0};
    struct iovec part = {(void *)data, len};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    *rights = (struct cmsghdr){CMSG_LEN((size_t)count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
    memset(CMSG_DATA(rights), 0, (size_t)count * sizeof(int));
    assert_int_equal(sendmsg(socket, &message, 0), len);
}

static void descriptors_nobody_asked_for_are_closed(void **state)
{
    struct pair *pair = *state;
    const struct raw stop = {PROTO_MAGIC, PROTO_STOP, 0, 0, 0, ""};
    for (int count = 1; count <= 16; count++) {
        struct proto_packet got;
        send_with_fds(pair->ends[0], &stop, 16, count);
        assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), -EBADMSG);
    }
    struct proto_packet got;
    send_with_fds(pair->ends[0], "", 0, 1);
    assert_int_equal(proto_recv(pair->ends[1], &got, buffer, 0), 0);
}

static void an_abstract_name_is_taken_once(void **state)
{
    (void)state;
    char name[PROTO_ADDRESS_MOST];
    proto_slot_name(name, 1000, 3);
    assert_string_equal(name, "@dora-1000-3");
    snprintf(name, sizeof name, "@dora-test-%d", (int)getpid());
    struct error error = ERROR_INIT;
    assert_int_equal(proto_connect(name, &error), -ECONNREFUSED);
    autoclose int listener = proto_listen(name, &error);
    assert_true(listener >= 0);
    assert_int_equal(proto_listen(name, &error), -EADDRINUSE);
    autoclose int client = proto_connect(name, &error);
    assert_true(client >= 0);
    autoclose int peer = accept(listener, NULL, NULL);
    assert_true(peer >= 0);
    assert_int_equal(proto_connect("", &error), -EINVAL);
    char endless[200];
    memset(endless, 'x', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    assert_int_equal(proto_listen(endless, &error), -ENAMETOOLONG);
}

static void a_path_can_be_listened_on(void **state)
{
    (void)state;
    char directory[] = "/tmp/dora-proto-XXXXXX", path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/a token=b", directory);
    autoclose int listener = proto_listen(path, NULL);
    autoclose int client = proto_connect(path, NULL);
    assert_true(listener >= 0 && client >= 0);

    char text[PROTO_CONFIG_TEXT_MOST], name[PROTO_ADDRESS_MOST];
    uint8_t token[PROTO_TOKEN] = {0xde, 0xad, [15] = 0x0f}, back[PROTO_TOKEN];
    proto_config_print(text, path, token);
    assert_int_equal(proto_config_parse(text, name, back), 0);
    assert_string_equal(name, path);
    assert_memory_equal(back, token, sizeof token);
    unlink(path);
    rmdir(directory);
}

static void a_config_text_is_checked(void **state)
{
    (void)state;
    char name[PROTO_ADDRESS_MOST], endless[400];
    uint8_t token[PROTO_TOKEN];
    memset(endless, 'a', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    memcpy(endless, "dora=1 socket=", 14);
    const char *wrong[] = {
        "",
        "dora=1 socket=",
        "dora=2 socket=@a token=00112233445566778899aabbccddeeff",
        "dora=1 socket= token=00112233445566778899aabbccddeeff",
        "dora=1 socket=@a token=00112233445566778899aabbccddee",
        "dora=1 socket=@a token=00112233445566778899aabbccddeefg",
        "dora=1 socket=@a Token=00112233445566778899aabbccddeeff",
        "node_config: {dataflow_id: x}",
        endless,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(proto_config_parse(wrong[i], name, token), -EINVAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hello_arrives_with_its_descriptor),
        TEST(edges_follow_their_link),
        TEST(an_empty_or_closed_socket_is_no_packet),
        TEST(what_was_said_last_arrives),
        TEST(a_text_too_long_is_not_sent),
        TEST(garbage_is_refused),
        TEST(a_packet_too_large_is_refused),
        TEST(descriptors_nobody_asked_for_are_closed),
        TEST(an_abstract_name_is_taken_once),
        TEST(a_path_can_be_listened_on),
        TEST(a_config_text_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
