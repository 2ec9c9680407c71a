/* Packets of the control protocol: parsed, sent on as they were understood, and received again as the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct proto_packet *a, const struct proto_packet *b)
{
    if (a->type != b->type || a->body_len != b->body_len || a->text_count != b->text_count ||
        a->fd_count != b->fd_count || memcmp(a->body, b->body, a->body_len) != 0)
        abort();
    for (size_t i = 0; i < a->text_count; i++)
        if (strcmp(a->text[i], b->text[i]) != 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int sockets[2] = {-1, -1};
    static _Alignas(8) char buffer[PROTO_PACKET_MOST], again[PROTO_PACKET_MOST];
    if (sockets[0] < 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) < 0)
        abort();
    if (size < 1 || size - 1 >= sizeof buffer)
        return 0;
    /* The first byte says how many descriptors came with the packet; copied to the exact size, so that reading beyond
     * it is seen. */
    struct proto_packet packet = {.fd_count = data[0] % (PROTO_FDS_MOST + 1)}, copy;
    void *exact = malloc(size - 1 + (size == 1));
    memcpy(exact, data + 1, size - 1);
    if (proto_parse(exact, size - 1, &packet) == 0) {
        if (proto_send(sockets[0], &packet, 0) < 0 || proto_recv(sockets[1], &copy, again, 0) != 1)
            abort();
        compare(&packet, &copy);
        proto_close_fds(&copy);
    }
    free(exact);

    /* The same text as DORA_NODE_CONFIG. */
    memcpy(buffer, data, size - 1);
    buffer[size - 1] = '\0';
    char name[PROTO_ADDRESS_MOST], text[PROTO_CONFIG_TEXT_MOST];
    uint8_t token[PROTO_TOKEN];
    if (proto_config_parse(buffer, name, token) == 0) {
        proto_config_print(text, name, token);
        if (strcmp(text, buffer) != 0)
            abort();
    }
    return 0;
}
