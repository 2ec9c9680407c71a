#include "control/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const encrypted[] = {"tls", "quic", "wss", NULL};
static const char *const in_files[] = {"unixsock-stream", "unixpipe", NULL};
static const char *const with_port[] = {"tcp", "udp", "tls", "quic", "ws", "wss", NULL};

static bool is_of(const char *endpoint, const char *const *protocols)
{
    size_t len = strcspn(endpoint, "/");
    for (; *protocols; protocols++)
        if (strlen(*protocols) == len && strncmp(endpoint, *protocols, len) == 0)
            return endpoint[len] == '/';
    return false;
}

/* The host of `HOST:PORT`, without the brackets of an IPv6 address, and the port; false: it is none. */
static bool split(const char *endpoint, char host[256], const char **port)
{
    const char *address = strchr(endpoint, '/');
    if (!address++)
        return false;
    size_t len = strcspn(address, "?#");
    const char *colon = memrchr(address, ':', len), *end = address + len;
    bool is_bracketed = *address == '[';
    const char *host_end = is_bracketed ? memchr(address, ']', len) : colon;
    if (!host_end || (is_bracketed && host_end + 1 != colon) || host_end - address > 255)
        return false;
    address += is_bracketed;
    snprintf(host, 256, "%.*s", (int)(host_end - address), address);
    *port = colon + 1;
    char *port_end;
    unsigned long number = strtoul(*port, &port_end, 10);
    return host[0] && (is_bracketed || !strchr(host, ':')) && **port >= '0' && **port <= '9' && port_end == end &&
           number <= 65535;
}

bool endpoint_is_local_host(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (strcasecmp(host, "localhost") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127);
}

bool endpoint_is_encrypted(const char *endpoint)
{
    return is_of(endpoint, encrypted);
}

bool endpoint_is_local(const char *endpoint)
{
    char host[256];
    const char *port;
    /* What is said of an interface behind `#` is not relied upon: the address alone counts. */
    return is_of(endpoint, in_files) ||
           (is_of(endpoint, with_port) && split(endpoint, host, &port) && endpoint_is_local_host(host));
}

int endpoint_check(const char *endpoint, bool is_insecure, struct error *error)
{
    char host[256];
    const char *port, *slash = strchr(endpoint, '/');
    if (!slash || slash == endpoint || !slash[1] || strlen(endpoint) >= ENDPOINT_MOST)
        return error_set(error, -EINVAL, "`%.200s` is no endpoint: write PROTOCOL/HOST:PORT, as tls/192.168.1.2:%d",
                         endpoint, ENDPOINT_PORT);
    if (is_of(endpoint, with_port) && !split(endpoint, host, &port))
        return error_set(error, -EINVAL, "`%s` has no host and port: write %.*s/HOST:PORT, as %.*s/192.168.1.2:%d",
                         endpoint, (int)(slash - endpoint), endpoint, (int)(slash - endpoint), endpoint, ENDPOINT_PORT);
    if (is_insecure || endpoint_is_encrypted(endpoint) || endpoint_is_local(endpoint))
        return 0;
    return error_set(error, -EPERM,
                     "`%s` is clear text beyond this machine: whoever is on the network could read it, change it and "
                     "run programs here",
                     endpoint);
}

int endpoint_complete(const char *text, char endpoint[ENDPOINT_MOST], struct error *error)
{
    struct in6_addr v6;
    const char *colon = strrchr(text, ':');
    bool is_v6 = inet_pton(AF_INET6, text, &v6) == 1, has_port = colon && !is_v6 && colon[1] && !strchr(colon, ']');
    if (strlen(text) >= ENDPOINT_MOST - 16)
        return error_set(error, -EINVAL, "`%.100s…` is no address", text);
    if (strchr(text, '/'))
        snprintf(endpoint, ENDPOINT_MOST, "%s", text);
    else if (has_port)
        snprintf(endpoint, ENDPOINT_MOST, "tcp/%s", text);
    else
        snprintf(endpoint, ENDPOINT_MOST, is_v6 ? "tcp/[%s]:%d" : "tcp/%s:%d", text, ENDPOINT_PORT);
    return endpoint_check(endpoint, true, error);
}
