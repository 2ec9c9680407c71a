/* dora-gateway: what joins a machine's daemon to others (docs/machines.md). Started by the daemon, never by people. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "gateway/gateway.h"

static const char FD[] = "DORA_GATEWAY_FD";

static int daemon_socket(void)
{
    const char *text = getenv(FD);
    char *end;
    long fd = text ? strtol(text, &end, 10) : -1;
    int type;
    if (!text || *end || fd < 0 || getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type}) < 0)
        return -1;
    unsetenv(FD);
    return (int)fd;
}

/* The engine allocates a buffer for each 64 KiB that come, and another thread frees it; malloc would give the memory
 * back to the kernel again and again, up to 80 page faults for a message of 1 MiB. This much it keeps for the next
 * ones. */
static void keep_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        printf("dora-gateway %s, %s\n", DORA_VERSION, net_engine() ? net_engine() : "without an engine");
        return net_engine() ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    int fd = daemon_socket();
    if (fd < 0) {
        fprintf(stderr, "dora-gateway is started by the daemon: `dora up --machine-id NAME` (%s names no socket)\n",
                FD);
        return EXIT_FAILURE;
    }
    signal(SIGPIPE, SIG_IGN);
    keep_memory();
    return gateway_run(fd);
}
