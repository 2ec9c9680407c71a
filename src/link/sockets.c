#include "link/sockets.h"

#include <dirent.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

enum {
    BACKLOG_LEAST = 16 << 10, /* bytes; one batch of zenoh's may be on top of it */
    BACKLOG_FIRST = 256 << 10,
    BACKLOG_MOST = 4 << 20,
    PER_SECOND = 20, /* 50 ms */
};

int sockets_backlog(uint64_t rate, bool is_idle, int was)
{
    uint64_t backlog = rate / PER_SECOND;
    if (backlog < BACKLOG_LEAST)
        backlog = BACKLOG_LEAST;
    if (backlog > BACKLOG_MOST)
        backlog = BACKLOG_MOST;
    if (rate == 0 || is_idle) {
        uint64_t least = was > 0 ? (uint64_t)was : BACKLOG_FIRST;
        return (int)(backlog > least ? backlog : least);
    }
    return (int)backlog;
}

static void tune(int fd, unsigned silence_ms)
{
    struct tcp_info info = {0};
    int backlog = 0;
    /* Where one fails, the connection has ended, and this was another thread's to close. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence_ms, sizeof silence_ms);
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &(socklen_t){sizeof info}) < 0 ||
        getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &backlog, &(socklen_t){sizeof backlog}) < 0)
        return;
    backlog = sockets_backlog(info.tcpi_delivery_rate, info.tcpi_delivery_rate_app_limited, backlog);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &backlog, sizeof backlog);
}

void sockets_tune(unsigned silence_ms)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return;
    for (const struct dirent *entry; (entry = readdir(folder));) {
        int fd = atoi(entry->d_name), protocol = 0;
        if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &(socklen_t){sizeof protocol}) == 0 &&
            protocol == IPPROTO_TCP)
            tune(fd, silence_ms);
    }
    closedir(folder);
}
