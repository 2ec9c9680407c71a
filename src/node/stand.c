#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/atomic.h"
#include "base/cleanup.h"
#include "node/node_raw.h"
#include "node/stand.h"
#include "shm/segment.h"

static void send_packet(struct stand_node *n, struct proto_packet packet)
{
    assert_int_equal(proto_send(n->socket, &packet, 0), 0);
}

static size_t count_ports(const struct stand_port *ports)
{
    size_t count = 0;
    while (count < STAND_PORTS && ports[count].id)
        count++;
    return count;
}

static void configure(struct stand_node *n)
{
    static const char descriptor[] = "{\"nodes\":[]}";
    struct error error = ERROR_INIT;
    assert_int_equal(doorbell_create(&n->bell_memory, &n->bell_event, &error), 0);
    n->page_fd = segment_create("page", sizeof *n->page, &error);
    void *map;
    assert_int_equal(segment_map(n->page_fd, sizeof *n->page, PROT_READ | PROT_WRITE, &map, &error), 0);
    n->page = map;
    n->bell = (struct doorbell)DOORBELL_INIT;
    assert_int_equal(doorbell_open(&n->bell, n->bell_memory, dup(n->bell_event), &error), 0);
    autoclose int text = segment_create("descriptor", sizeof descriptor, &error);
    assert_int_equal(pwrite(text, descriptor, sizeof descriptor, 0), sizeof descriptor);
    size_t inputs = count_ports(n->inputs), outputs = count_ports(n->outputs);
    struct proto_config config = {
        .restart_count = n->restart_count, .input_count = (uint32_t)inputs, .output_count = (uint32_t)outputs};
    send_packet(n, (struct proto_packet){.type = PROTO_CONFIG,
                                         .body = &config,
                                         .body_len = sizeof config,
                                         .text = {n->id, "0190c5d0-0000-7000-8000-000000000000"},
                                         .text_count = 2,
                                         .fds = {n->page_fd, n->bell_memory, n->bell_event, text},
                                         .fd_count = 4});
    for (size_t i = 0; i < inputs + outputs; i++) {
        const struct stand_port *p = i < inputs ? &n->inputs[i] : &n->outputs[i - inputs];
        struct proto_port port = {.index = (uint32_t)(i < inputs ? i : i - inputs),
                                  .kind = p->interval_ns ? PROTO_PORT_TIMER : PROTO_PORT_LINK,
                                  .interval_ns = p->interval_ns,
                                  .timeout_ns = p->timeout_ns};
        send_packet(n, (struct proto_packet){.type = i < inputs ? PROTO_INPUT : PROTO_OUTPUT,
                                             .body = &port,
                                             .body_len = sizeof port,
                                             .text = {p->id, ""},
                                             .text_count = 2});
    }
}

static void *open_node(void *argument)
{
    struct stand_node *n = argument;
    n->open_result = node_raw_open(&n->node, n->config, &n->options, &n->error);
    return NULL;
}

static void begin_to_open(struct stand *stand, size_t index)
{
    struct stand_node *n = &stand->nodes[index];
    proto_config_print(n->config, stand->name, (uint8_t[PROTO_TOKEN]){(uint8_t)(index + 1)});
    if (n->opens)
        n->opens(n->context, n->config);
    else
        assert_int_equal(pthread_create(&n->thread, NULL, open_node, n), 0);
}

/* The next node that says HELLO, whichever it is. */
static void greet(struct stand *stand)
{
    struct pollfd poll_fd = {.fd = stand->listener, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 5000), 1);
    int socket = accept4(stand->listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(socket >= 0);
    _Alignas(8) char buffer[PROTO_PACKET_MOST];
    struct proto_packet packet;
    assert_int_equal(proto_recv(socket, &packet, buffer, 0), 1);
    assert_int_equal(packet.type, PROTO_HELLO);
    size_t index = (size_t)((const struct proto_hello *)packet.body)->token[0] - 1;
    assert_true(index < stand->count);
    struct stand_node *n = &stand->nodes[index];
    n->socket = socket;
    n->arena = packet.fds[0];
    configure(n);
}

void stand_open(struct stand *stand)
{
    struct error error = ERROR_INIT;
    static int number;
    snprintf(stand->name, sizeof stand->name, "@dora-stand-%d-%d", (int)getpid(), number++);
    stand->listener = proto_listen(stand->name, &error);
    assert_true(stand->listener >= 0);
    for (size_t i = 0; i < stand->count; i++)
        begin_to_open(stand, i);
    for (size_t i = 0; i < stand->count; i++)
        greet(stand);
}

uint32_t stand_link(struct stand *stand, size_t from, size_t to, const struct link_edge *edges, size_t count)
{
    struct error error = ERROR_INIT;
    struct stand_node *p = &stand->nodes[from], *s = &stand->nodes[to];
    autoclose int segment = link_create(edges, count, &error);
    assert_true(segment >= 0);
    size_t size = sizeof(struct proto_link) + count * sizeof *edges;
    autofree struct proto_link *link = malloc(size);
    *link = (struct proto_link){.link = ++stand->last_link, .edge_count = (uint32_t)count, .self = from == to};
    memcpy(link->edges, edges, count * sizeof *edges);
    struct proto_packet packet = {.type = PROTO_LINK_OUT,
                                  .body = link,
                                  .body_len = size,
                                  .text = {s->id},
                                  .text_count = 1,
                                  .fds = {segment, s->bell_memory, s->bell_event},
                                  .fd_count = 3};
    stand_tell(stand, from, packet);
    packet.type = PROTO_LINK_IN;
    packet.text[0] = p->id;
    packet.fds[1] = p->arena;
    packet.fd_count = 2;
    stand_tell(stand, to, packet);
    return link->link;
}

void stand_start(struct stand *stand)
{
    struct proto_start start = {.epoch_ns = clock_now(), .epoch_ntp64 = clock_ntp64()};
    for (size_t i = 0; i < stand->count; i++)
        send_packet(&stand->nodes[i],
                    (struct proto_packet){.type = PROTO_START, .body = &start, .body_len = sizeof start});
    for (size_t i = 0; i < stand->count; i++) {
        if (stand->nodes[i].opens)
            continue;
        pthread_join(stand->nodes[i].thread, NULL);
        if (stand->nodes[i].open_result < 0)
            fail_msg("%s: %s", stand->nodes[i].id, stand->nodes[i].error.message);
    }
}

void stand_tell(struct stand *stand, size_t node, struct proto_packet packet)
{
    struct stand_node *n = &stand->nodes[node];
    send_packet(n, packet);
    /* release: the packet is in the socket. */
    atomic_fetch_add_explicit(&n->page->control, 1, memory_order_release);
    fence_full();
    doorbell_ring(&n->bell);
}

void stand_tell_index(struct stand *stand, size_t node, enum proto_type type, uint32_t index)
{
    stand_tell(stand, node,
               (struct proto_packet){
                   .type = type, .body = &(struct proto_index){index}, .body_len = sizeof(struct proto_index)});
}

enum proto_type stand_hear(struct stand *stand, size_t node, uint32_t *index)
{
    struct pollfd poll_fd = {.fd = stand->nodes[node].socket, .events = POLLIN};
    assert_int_equal(poll(&poll_fd, 1, 5000), 1);
    _Alignas(8) char buffer[PROTO_PACKET_MOST];
    struct proto_packet packet;
    if (proto_recv(poll_fd.fd, &packet, buffer, 0) != 1)
        return PROTO_NONE;
    if (index && packet.body_len >= sizeof(struct proto_index))
        *index = ((const struct proto_index *)packet.body)->index;
    proto_close_fds(&packet);
    return packet.type;
}

void stand_close(struct stand *stand)
{
    for (size_t i = 0; i < stand->count; i++) {
        struct stand_node *n = &stand->nodes[i];
        dora_node_close(n->node);
        close(n->socket);
        close(n->arena);
        close(n->page_fd);
        close(n->bell_memory);
        close(n->bell_event);
        doorbell_close(&n->bell);
        munmap(n->page, sizeof *n->page);
    }
    close(stand->listener);
}
