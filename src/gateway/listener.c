/* On machines without the coordinator: stands at its socket's place, and asks for a tunnel for each connection. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "control/message.h"
#include "control/paths.h"
#include "control/socket.h"
#include "gateway/tunnel.h"

static const int64_t OPEN_PATIENCE = 5 * CLOCK_SECOND;

struct listener {
    struct tunnels tunnels;
    char path[PATH_MAX];
    int lock_fd, fd;
    uv_poll_t *poll;
    size_t asking; /* connections whose tunnel has been asked for */
    bool has_ended;
};

/* A connection that waits for its tunnel. */
struct caller {
    struct mail mail;
    struct listener *listener;
    int fd;
    char id[UUID_TEXT], coordinator[UUID_TEXT];
    bool is_open;
    char refusal[ERROR_MESSAGE_MAX];
};

/* Says why there is no connection, as the coordinator would, and closes it. */
static void turn_away(int fd, const char *message, const char *hint)
{
    autobuf struct buf line = {0};
    struct control_fault fault = {.code = "no-daemon", .message = message, .hint = hint};
    char hello[4096];
    if (control_write_error(&line, 0, &fault) == 0 && !line.failed)
        (void)!send(fd, line.data, line.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    /* What isn't read would make the other end lose what is written. */
    shutdown(fd, SHUT_WR);
    while (recv(fd, hello, sizeof hello, MSG_DONTWAIT) > 0)
        ;
    close(fd);
}

static void turn_away_alone(struct listener *listener, int fd)
{
    const struct gateway *gateway = listener->tunnels.gateway;
    char hint[ERROR_MESSAGE_MAX];
    snprintf(hint, sizeof hint, "its gateway tries %s; is the coordinator's machine up there?",
             *gateway->endpoints ? gateway->endpoints : "what its zenoh configuration says");
    turn_away(fd, "no coordinator is in sight of this machine", hint);
}

/* ---- Asking for a tunnel ---- */

static void has_answer(struct mail *mail)
{
    struct caller *caller = (struct caller *)mail;
    struct listener *listener = caller->listener;
    struct error error = ERROR_INIT;
    listener->asking--;
    if (listener->has_ended)
        close(caller->fd);
    else if (!caller->is_open)
        turn_away(caller->fd, *caller->refusal ? caller->refusal : "the coordinator's machine doesn't answer", NULL);
    else if (tunnels_add(&listener->tunnels, caller->fd, caller->id, caller->coordinator, NULL, &error) < 0)
        fprintf(stderr, "dora-gateway: %s\n", error.message);
    free(caller);
}

/* On the engine's thread. */
static void on_answer(void *context, const struct net_bytes *reply, const char *refusal)
{
    struct caller *caller = context;
    if (reply)
        caller->is_open = true;
    else if (refusal)
        snprintf(caller->refusal, sizeof caller->refusal, "the coordinator's machine says: %s", refusal);
    else
        mailbox_post(&caller->listener->tunnels.gateway->mailbox, &caller->mail);
}

static void ask(struct listener *listener, int fd, const char *coordinator)
{
    const struct gateway *gateway = listener->tunnels.gateway;
    struct error error = ERROR_INIT;
    struct caller *caller = calloc(1, sizeof *caller);
    autofree char *request = NULL;
    if (caller) {
        *caller = (struct caller){.mail.open = has_answer, .listener = listener, .fd = fd};
        uuid_make(caller->id);
        snprintf(caller->coordinator, sizeof caller->coordinator, "%s", coordinator);
        json_t *json =
            json_pack("{s:s, s:s, s:s}", "id", caller->id, "machine", gateway->machine, "instance", gateway->instance);
        request = json ? json_dumps(json, JSON_COMPACT) : NULL;
        json_decref(json);
    }
    int rc = request ? net_ask(gateway->net, "dora/@1/open", request, strlen(request), OPEN_PATIENCE, on_answer, caller,
                               &error)
                     : -ENOMEM;
    if (rc < 0) {
        free(caller);
        turn_away(fd, *error.message ? error.message : "no memory for a tunnel", NULL);
        return;
    }
    listener->asking++;
}

/* ---- The socket ---- */

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    struct error error = ERROR_INIT;
    struct ucred peer;
    (void)status, (void)events;
    int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    const char *coordinator = machines_coordinator(listener->tunnels.gateway->machines);
    if (control_check_peer(fd, &peer, &error) < 0)
        close(fd);
    else if (!coordinator)
        turn_away_alone(listener, fd);
    else if (listener->asking + listener->tunnels.count >= TUNNELS_MOST)
        turn_away(fd, "there are too many connections to the coordinator from this machine", NULL);
    else
        ask(listener, fd, coordinator);
}

static int listen_at(struct listener *listener, struct error *error)
{
    struct sockaddr_un address;
    int rc = control_runtime_file(listener->path, CONTROL_SOCKET, error);
    if (rc == 0)
        rc = control_socket_address(&address, listener->path, error);
    if (rc < 0)
        return rc;
    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd < 0)
        return error_sys(error, -errno, "make a socket");
    /* The lock says that nobody else is there. */
    unlink(listener->path);
    if (bind(listener->fd, (struct sockaddr *)&address, sizeof address) < 0 || chmod(listener->path, 0600) < 0 ||
        listen(listener->fd, 64) < 0)
        return error_sys(error, -errno, "listen at %s", listener->path);
    return 0;
}

int listener_open(struct listener **out, struct gateway *gateway, struct error *error)
{
    struct listener *listener = calloc(1, sizeof *listener);
    if (!listener)
        return error_set(error, -ENOMEM, "no memory for a gateway");
    listener->tunnels.gateway = gateway;
    listener->lock_fd = listener->fd = -1;
    *out = listener;
    int rc = control_lock(CONTROL_COORDINATOR_LOCK, &listener->lock_fd, error);
    if (rc == -EBUSY)
        return error_add(error, "a coordinator, or another gateway, runs on this machine"), rc;
    if (rc == 0)
        rc = listen_at(listener, error);
    if (rc < 0)
        return rc;
    listener->poll = malloc(sizeof *listener->poll);
    if (!listener->poll)
        return error_set(error, -ENOMEM, "no memory for a gateway");
    uv_poll_init(gateway->loop, listener->poll, listener->fd);
    listener->poll->data = listener;
    uv_poll_start(listener->poll, UV_READABLE, on_connection);
    return 0;
}

void listener_lost(struct listener *listener, const char *instance)
{
    tunnels_lost(&listener->tunnels, instance);
}

void listener_unlink(const struct listener *listener)
{
    if (listener->fd >= 0)
        unlink(listener->path);
}

void listener_end(struct listener *listener)
{
    listener->has_ended = true;
    if (listener->poll)
        uv_poll_stop(listener->poll);
    listener_unlink(listener);
    tunnels_lost(&listener->tunnels, NULL);
}

bool listener_idle(const struct listener *listener)
{
    return !listener->tunnels.first;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void listener_free(struct listener *listener)
{
    if (!listener)
        return;
    tunnels_free(&listener->tunnels);
    if (listener->poll)
        uv_close((uv_handle_t *)listener->poll, on_closed);
    cleanup_close(&listener->fd);
    cleanup_close(&listener->lock_fd);
    free(listener);
}
