/* A connection whose other end doesn't read, reads late, hangs up, or talks nonsense. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "daemon/peer.h"

struct fixture {
    uv_loop_t loop;
    struct peer *peer;
    int node; /* the other end */
    int packets, ends;
    char why[128];
    bool close_at_packet;
};

static void on_packet(void *context, struct peer *peer, struct proto_packet *packet)
{
    struct fixture *fixture = context;
    (void)packet;
    fixture->packets++;
    if (fixture->close_at_packet) {
        peer_close(peer);
        fixture->peer = NULL;
    }
}

static void on_gone(void *context, struct peer *peer, const char *why)
{
    struct fixture *fixture = context;
    (void)peer;
    fixture->ends++;
    snprintf(fixture->why, sizeof fixture->why, "%s", why ? why : "");
}

static const struct peer_owner owner = {on_packet, on_gone};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    int pair[2];
    if (!fixture || uv_loop_init(&fixture->loop) < 0 ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return -1;
    fixture->node = pair[1];
    *state = fixture;
    return peer_open(&fixture->peer, &fixture->loop, pair[0], &owner, fixture, NULL);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    peer_close(fixture->peer);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&fixture->loop);
    cleanup_close(&fixture->node);
    free(fixture);
    return rc;
}

static int send_index(struct fixture *fixture, uint32_t index)
{
    struct proto_index body = {index};
    return peer_send(fixture->peer,
                     &(struct proto_packet){.type = PROTO_LINK_DOWN, .body = &body, .body_len = sizeof body});
}

static void share(struct fixture *fixture)
{
    int arena = memfd_create("arena", MFD_CLOEXEC);
    assert_true(arena >= 0);
    assert_int_equal(peer_share(fixture->peer, arena, NULL), 0);
}

static uint32_t knocks(const struct fixture *fixture)
{
    return atomic_load(&fixture->peer->page->control);
}

static void test_late_reader_gets_all_in_order(void **state)
{
    struct fixture *fixture = *state;
    share(fixture);
    fixture->peer->waiting_most = 5000;
    const uint32_t count = 4000;
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(send_index(fixture, i), 0);
    assert_true(fixture->peer->waiting_count > 0);
    assert_int_equal(knocks(fixture) + fixture->peer->waiting_count, count);
    _Alignas(8) static char buffer[PROTO_PACKET_MOST];
    for (uint32_t i = 0; i < count;) {
        struct proto_packet packet;
        int rc = proto_recv(fixture->node, &packet, buffer, MSG_DONTWAIT);
        if (rc == -EAGAIN) {
            uv_run(&fixture->loop, UV_RUN_ONCE);
            continue;
        }
        assert_int_equal(rc, 1);
        assert_int_equal(((const struct proto_index *)packet.body)->index, i++);
    }
    assert_int_equal(fixture->peer->waiting_count, 0);
    assert_int_equal(knocks(fixture), count);
}

static void test_descriptors_wait_too(void **state)
{
    struct fixture *fixture = *state;
    fixture->peer->waiting_most = 5000;
    struct proto_config body = {0};
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    while (!fixture->peer->waiting)
        assert_int_equal(send_index(fixture, 0), 0);
    assert_int_equal(peer_send(fixture->peer, &(struct proto_packet){.type = PROTO_CONFIG,
                                                                     .body = &body,
                                                                     .body_len = sizeof body,
                                                                     .text = {"a", "b"},
                                                                     .text_count = 2,
                                                                     .fds = {fds[0], fds[0], fds[0], fds[1]},
                                                                     .fd_count = 4}),
                     0);
    close(fds[0]);
    close(fds[1]);
    _Alignas(8) static char buffer[PROTO_PACKET_MOST];
    struct proto_packet packet = {0};
    do {
        int rc = proto_recv(fixture->node, &packet, buffer, MSG_DONTWAIT);
        if (rc == -EAGAIN)
            uv_run(&fixture->loop, UV_RUN_ONCE);
        else
            assert_int_equal(rc, 1);
    } while (packet.type != PROTO_CONFIG);
    assert_string_equal(packet.text[1], "b");
    assert_int_equal(write(packet.fds[3], "x", 1), 1);
    char byte;
    assert_int_equal(read(packet.fds[0], &byte, 1), 1);
    proto_close_fds(&packet);
}

static void test_who_never_reads_is_given_up(void **state)
{
    struct fixture *fixture = *state;
    int rc = 0;
    for (int i = 0; rc == 0 && i < 100000; i++)
        rc = send_index(fixture, 0);
    assert_int_equal(rc, -ENOBUFS);
}

static void test_hang_up_is_noticed_once(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(proto_send(fixture->node, &(struct proto_packet){.type = PROTO_GOODBYE}, 0), 0);
    close(take_fd(&fixture->node));
    while (!fixture->ends)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_int_equal(fixture->packets, 1);
    assert_string_equal(fixture->why, "");
    assert_int_equal(send_index(fixture, 0), 0);
    assert_int_equal(uv_run(&fixture->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(fixture->ends, 1);
}

static void test_nonsense_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(send(fixture->node, "nonsense", 8, 0), 8);
    while (!fixture->ends)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_string_not_equal(fixture->why, "");
}

static void test_close_from_within(void **state)
{
    struct fixture *fixture = *state;
    fixture->close_at_packet = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(proto_send(fixture->node, &(struct proto_packet){.type = PROTO_GOODBYE}, 0), 0);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(fixture->packets, 1);
    assert_int_equal(fixture->ends, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_late_reader_gets_all_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_descriptors_wait_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_never_reads_is_given_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hang_up_is_noticed_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nonsense_is_noticed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_from_within, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
