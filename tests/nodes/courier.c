/* One end of an edge between two daemons on one machine, for a gateway of a test (tests/fake_gateway.py).
 *
 *     courier send SOCKET      joins as a watcher, and sends what it gets to whoever listens at SOCKET
 *     courier receive SOCKET   joins as a publisher, listens at SOCKET, and publishes what comes
 *
 * Prints "joined", or why not; then, receiving, "failed TEXT" and "restarted" in their turn, after each of which it
 * waits for a line. A frame is `size : 32 | kind : 8`, then so many bytes: kind D is data, F and R of the node, E the
 * end.
 */
#include <dora/dora.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static dora_node *node;

static _Noreturn void fail(const char *what)
{
    printf("%s: %s\n", what, strerror(errno));
    exit(1);
}

static int open_socket(const char *path, bool listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (listens && (unlink(path), bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 1) < 0))
        fail(path);
    while (!listens && connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        usleep(2000); /* the other side is on its way */
    return fd;
}

static void join(void)
{
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0) {
        printf("%s\n", error.message);
        exit(1);
    }
    puts("joined");
}

static void put(int fd, char kind, const void *data, size_t size)
{
    unsigned char head[5];
    uint32_t length = (uint32_t)size;
    memcpy(head, &length, 4);
    head[4] = (unsigned char)kind;
    if (send(fd, head, sizeof head, MSG_NOSIGNAL | MSG_MORE) < 0 || (size && send(fd, data, size, MSG_NOSIGNAL) < 0))
        exit(0); /* nobody listens any more */
}

static void run_send(const char *path)
{
    dora_event *event;
    join();
    int fd = open_socket(path, false);
    bool is_at_end = false;
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        size_t size;
        const void *data = dora_event_data(event, &size);
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            put(fd, 'D', data, size);
        else if (dora_event_type(event) == DORA_EVENT_NODE_FAILED)
            put(fd, 'F', dora_event_text(event), strlen(dora_event_text(event)));
        else if (dora_event_type(event) == DORA_EVENT_NODE_RESTARTED)
            put(fd, 'R', NULL, 0);
        else if (dora_event_type(event) == DORA_EVENT_INPUT_CLOSED)
            is_at_end = true;
        dora_event_free(event);
    }
    if (is_at_end)
        put(fd, 'E', NULL, 0);
    /* The end is acknowledged when the other side hangs up. */
    if (is_at_end)
        (void)!read(fd, &(char){0}, 1);
    close(fd);
}

/* False: the stream has ended. The daemon's hanging up ends the wait. */
static bool get(int fd, void *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        struct pollfd poll_fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = dora_fd(node), .events = POLLIN}};
        dora_event *event;
        int rc;
        while ((rc = dora_next(node, &event, 0)) == 0)
            dora_event_free(event);
        if (rc == -ENODATA)
            exit(0);
        poll(poll_fds, 2, -1);
        ssize_t len = recv(fd, (char *)data + done, size - done, MSG_DONTWAIT);
        if (len == 0 || (len < 0 && errno != EAGAIN))
            return false;
        done += len > 0 ? (size_t)len : 0;
    }
    return true;
}

/* False: it has come to its end. */
static bool pass_on(int fd)
{
    unsigned char head[5];
    uint32_t size;
    while (get(fd, head, sizeof head)) {
        memcpy(&size, head, 4);
        char *data = calloc(1, size + 1);
        if (!data || !get(fd, data, size))
            exit(1);
        if (head[4] == 'D')
            dora_send(node, dora_output_name(node, 0), data, size, NULL);
        else if (head[4] == 'F' || head[4] == 'R') {
            printf(head[4] == 'F' ? "failed %s\n" : "restarted\n", data);
            if (!fgets((char[16]){0}, 16, stdin))
                exit(1);
        }
        free(data);
        if (head[4] == 'E')
            return false;
    }
    return true;
}

static void run_receive(const char *path)
{
    int listener = open_socket(path, true), fd;
    join();
    do {
        struct pollfd poll_fds[2] = {{.fd = listener, .events = POLLIN}, {.fd = dora_fd(node), .events = POLLIN}};
        dora_event *event;
        int rc;
        while ((rc = dora_next(node, &event, 0)) == 0)
            dora_event_free(event);
        if (rc == -ENODATA)
            exit(0);
        poll(poll_fds, 2, -1);
        fd = poll_fds[0].revents ? accept4(listener, NULL, NULL, SOCK_CLOEXEC) : -1;
    } while (fd < 0 || pass_on(fd)); /* a sender that dies is followed by another */
    unlink(path);
    dora_close_output(node, NULL);
    dora_node_close(node);
    close(fd);
    exit(0);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* as the part of the gateway that it plays */
    if (argc != 3)
        return 2;
    if (strcmp(argv[1], "send") == 0)
        run_send(argv[2]);
    else
        run_receive(argv[2]);
    dora_node_close(node);
    return 0;
}
