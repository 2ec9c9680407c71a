#include "proto/proto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"

_Static_assert(sizeof((struct sockaddr_un *)0)->sun_path == PROTO_ADDRESS_MOST, "a name fits a socket address");

void proto_slot_name(char name[PROTO_ADDRESS_MOST], unsigned uid, unsigned slot)
{
    snprintf(name, PROTO_ADDRESS_MOST, "@dora-%u-%u", uid, slot);
}

/* Returns a new socket with `address` filled in. */
static int make(const char *name, int flags, struct sockaddr_un *address, socklen_t *size, struct error *error)
{
    size_t len = strlen(name);
    if (len == 0 || len >= PROTO_ADDRESS_MOST)
        return error_set(error, len ? -ENAMETOOLONG : -EINVAL, "`%s` can't be a socket's name: 1 to %d bytes fit", name,
                         PROTO_ADDRESS_MOST - 1);
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, len);
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    else
        ++*size;
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
    return fd >= 0 ? fd : error_sys(error, -errno, "make a socket");
}

int proto_listen(const char *name, struct error *error)
{
    struct sockaddr_un address;
    socklen_t size = 0;
    autoclose int fd = make(name, SOCK_NONBLOCK, &address, &size, error);
    if (fd < 0)
        return fd;
    if (bind(fd, (struct sockaddr *)&address, size) < 0 || listen(fd, SOMAXCONN) < 0)
        return error_sys(error, -errno, "listen on `%s`", name);
    return take_fd(&fd);
}

int proto_connect(const char *name, struct error *error)
{
    struct sockaddr_un address;
    socklen_t size = 0;
    autoclose int fd = make(name, 0, &address, &size, error);
    if (fd < 0)
        return fd;
    int rc;
    do
        rc = connect(fd, (struct sockaddr *)&address, size);
    while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return error_sys(error, -errno, "connect to `%s`", name);
    return take_fd(&fd);
}

#define START "dora=1 socket="
#define TOKEN " token="

void proto_config_print(char text[PROTO_CONFIG_TEXT_MOST], const char *socket, const uint8_t token[PROTO_TOKEN])
{
    int len = snprintf(text, PROTO_CONFIG_TEXT_MOST, START "%.*s" TOKEN, PROTO_ADDRESS_MOST - 1, socket);
    for (int i = 0; i < PROTO_TOKEN; i++)
        len += snprintf(text + len, (size_t)(PROTO_CONFIG_TEXT_MOST - len), "%02x", token[i]);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int proto_config_parse(const char *text, char socket[PROTO_ADDRESS_MOST], uint8_t token[PROTO_TOKEN])
{
    /* The token is found from the end, since a path may hold anything. */
    const size_t start = sizeof START - 1, middle = sizeof TOKEN - 1, tail = 2 * PROTO_TOKEN;
    size_t len = strnlen(text, PROTO_CONFIG_TEXT_MOST);
    if (len <= start + middle + tail || len >= PROTO_CONFIG_TEXT_MOST || memcmp(text, START, start) != 0)
        return -EINVAL;
    size_t name_len = len - start - middle - tail;
    if (name_len >= PROTO_ADDRESS_MOST || memcmp(text + start + name_len, TOKEN, middle) != 0)
        return -EINVAL;
    const char *hex = text + len - tail;
    for (int i = 0; i < PROTO_TOKEN; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EINVAL;
        token[i] = (uint8_t)(high << 4 | low);
    }
    memcpy(socket, text + start, name_len);
    socket[name_len] = '\0';
    return 0;
}
