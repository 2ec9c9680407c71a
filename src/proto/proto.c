#include "proto/proto.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* In front of every packet; this layout stays, whatever the version. The body behind it is 8-byte aligned. */
struct header {
    uint32_t magic;
    uint16_t type, text_count;
    uint32_t body_len, text_len; /* with the strings' NULs; together they are the rest of the packet */
};

_Static_assert(sizeof(struct header) == 16, "the header is part of the protocol");
_Static_assert(sizeof(struct proto_hello) == 20, "so is HELLO");
_Static_assert(sizeof(struct proto_link) == 16, "edges follow without a gap");

static const struct shape {
    uint32_t body_len;
    uint8_t text_count, fd_count;
    bool has_edges;
} shapes[PROTO_TYPE_COUNT] = {
    [PROTO_HELLO] = {sizeof(struct proto_hello), 2, 1, false},
    [PROTO_CLOSE_OUTPUT] = {sizeof(struct proto_index), 0, 0, false},
    [PROTO_GOODBYE] = {0, 0, 0, false},
    [PROTO_REFUSED] = {sizeof(struct proto_refused), 1, 0, false},
    [PROTO_CONFIG] = {sizeof(struct proto_config), 2, 4, false},
    [PROTO_OUTPUT] = {sizeof(struct proto_port), 2, 0, false},
    [PROTO_INPUT] = {sizeof(struct proto_port), 2, 0, false},
    [PROTO_START] = {sizeof(struct proto_start), 0, 0, false},
    [PROTO_LINK_OUT] = {sizeof(struct proto_link), 1, 3, true},
    [PROTO_LINK_IN] = {sizeof(struct proto_link), 1, 2, true},
    [PROTO_LINK_DOWN] = {sizeof(struct proto_index), 0, 0, false},
    [PROTO_STOP] = {0, 0, 0, false},
    [PROTO_INPUT_CLOSED] = {sizeof(struct proto_index), 0, 0, false},
    [PROTO_ALL_INPUTS_CLOSED] = {0, 0, 0, false},
    [PROTO_NODE_FAILED] = {0, 2, 0, false},
    [PROTO_NODE_RESTARTED] = {0, 1, 0, false},
    [PROTO_PARAM_UPDATE] = {0, 2, 0, false},
    [PROTO_PARAM_DELETED] = {0, 1, 0, false},
    [PROTO_RELOAD] = {0, 1, 0, false},
    [PROTO_EDGE_DOWN] = {sizeof(struct proto_edge), 0, 0, false},
    [PROTO_INPUT_OPENED] = {sizeof(struct proto_index), 0, 0, false},
    [PROTO_LINK_CLOSED] = {sizeof(struct proto_index), 0, 0, false},
    [PROTO_WHERE] = {sizeof(struct proto_index), 0, 0, false},
    [PROTO_OUTPUT_AT] = {sizeof(struct proto_at), 0, 0, false},
    [PROTO_INPUT_AT] = {sizeof(struct proto_at), 0, 0, false},
    [PROTO_INPUT_FROM] = {sizeof(struct proto_at), 0, 0, false},
    [PROTO_MOVE] = {0, 0, 0, false},
    [PROTO_STATE] = {0, 0, 1, false},
    [PROTO_MOVED] = {0, 0, 0, false},
    [PROTO_NO_MOVE] = {0, 1, 0, false},
    [PROTO_FAILED] = {0, 1, 0, false},
    [PROTO_STOP_ALL] = {0, 0, 0, false},
};

static bool has_its_shape(const struct proto_packet *packet)
{
    if (packet->type <= PROTO_NONE || packet->type >= PROTO_TYPE_COUNT)
        return false;
    const struct shape *shape = &shapes[packet->type];
    if (packet->text_count != shape->text_count || packet->fd_count != shape->fd_count)
        return false;
    if (!shape->has_edges)
        return packet->body_len == shape->body_len;
    if (packet->body_len < sizeof(struct proto_link))
        return false;
    const struct proto_link *link = packet->body;
    return link->edge_count > 0 && link->edge_count <= LINK_EDGES_MOST &&
           packet->body_len == sizeof *link + link->edge_count * sizeof *link->edges;
}

int proto_send(int socket, const struct proto_packet *packet, int flags)
{
    if (!has_its_shape(packet))
        return -EINVAL;
    struct header header = {PROTO_MAGIC, (uint16_t)packet->type, (uint16_t)packet->text_count,
                            (uint32_t)packet->body_len, 0};
    struct iovec parts[2 + PROTO_TEXT_MOST] = {{&header, sizeof header}, {(void *)packet->body, packet->body_len}};
    size_t text_len = 0;
    for (size_t i = 0; i < packet->text_count; i++) {
        size_t len = strlen(packet->text[i]) + 1;
        parts[2 + i] = (struct iovec){(void *)packet->text[i], len};
        text_len += len;
    }
    if (text_len > PROTO_PACKET_MOST - sizeof header - packet->body_len)
        return -EMSGSIZE;
    header.text_len = (uint32_t)text_len;

    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2 + packet->text_count};
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof packet->fds)];
    } control = {0};
    if (packet->fd_count) {
        size_t size = packet->fd_count * sizeof(int);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(size);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(rights), packet->fds, size);
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0 ? 0 : errno == ECONNRESET ? -EPIPE : -errno;
}

int proto_parse(const void *buffer, size_t len, struct proto_packet *packet)
{
    const struct header *header = buffer;
    if (len < sizeof *header || len > PROTO_PACKET_MOST || header->magic != PROTO_MAGIC)
        return -EBADMSG;
    size_t rest = len - sizeof *header;
    if (header->body_len > rest || header->text_len != rest - header->body_len || header->text_count > PROTO_TEXT_MOST)
        return -EBADMSG;
    packet->type = header->type;
    packet->body = header + 1;
    packet->body_len = header->body_len;
    packet->text_count = header->text_count;
    if (!has_its_shape(packet))
        return -EBADMSG;
    const char *text = (const char *)packet->body + packet->body_len, *end = text + header->text_len;
    for (size_t i = 0; i < packet->text_count; i++) {
        const char *nul = memchr(text, '\0', (size_t)(end - text));
        if (!nul)
            return -EBADMSG;
        packet->text[i] = text;
        text = nul + 1;
    }
    return text == end ? 0 : -EBADMSG;
}

/* Takes over every descriptor that came, and closes those that have no room. */
static bool take_fds(struct msghdr *message, struct proto_packet *packet)
{
    bool fits = true;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(item) + i * sizeof fd, sizeof fd);
            if (packet->fd_count < PROTO_FDS_MOST) {
                packet->fds[packet->fd_count++] = fd;
            } else {
                close(fd);
                fits = false;
            }
        }
    }
    return fits;
}

int proto_recv(int socket, struct proto_packet *packet, void *buffer, int flags)
{
    *packet = (struct proto_packet){0};
    struct iovec part = {buffer, PROTO_PACKET_MOST};
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof packet->fds)];
    } control;
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t len;
    /* A peer that closes with packets of ours unread resets the connection, and what it said before is there all the
     * same; the kernel reports that once. */
    bool was_reset = false;
    do
        len = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    while (len < 0 && (errno == EINTR || (errno == ECONNRESET && !was_reset && (was_reset = true))));
    if (len < 0)
        return errno == ECONNRESET ? 0 : -errno;
    bool fits = take_fds(&message, packet);
    /* The kernel cuts off what there is no room for, and what this process can't have. */
    bool lacks = (message.msg_flags & MSG_CTRUNC) && fits && packet->fd_count < PROTO_FDS_MOST;
    int rc = len == 0                                                       ? 0
             : lacks                                                        ? -EMFILE
             : !fits || (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0 ? -EBADMSG
             : proto_parse(buffer, (size_t)len, packet) < 0                 ? -EBADMSG
                                                                            : 1;
    if (rc <= 0)
        proto_close_fds(packet);
    return rc;
}

void proto_close_fds(struct proto_packet *packet)
{
    for (size_t i = 0; i < packet->fd_count; i++)
        if (packet->fds[i] >= 0)
            close(packet->fds[i]);
    packet->fd_count = 0;
}
