#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "control/socket.h"

#define HELLO_WAIT (5 * CLOCK_SECOND)

struct control_client {
    int fd, wake; /* wake: -1 for none */
    struct ucred peer;
    struct control_lines in;
    uint64_t last_id;
    char *version, *hint, *machine;
};

/* Waits until the socket is ready for one of `events`. */
static int wait_for(struct control_client *client, short events, int64_t deadline, struct error *error)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = client->fd, .events = events}, {.fd = client->wake, .events = POLLIN}};
        int64_t left = deadline == CLOCK_NEVER ? 0 : deadline - clock_now();
        if (left < 0)
            left = 0;
        struct timespec time = {left / CLOCK_SECOND, left % CLOCK_SECOND};
        int count = ppoll(fds, 2, deadline == CLOCK_NEVER ? NULL : &time, NULL);
        if (count < 0 && errno != EINTR)
            return error_sys(error, -errno, "can't wait for the coordinator");
        if (count < 0)
            continue;
        if (fds[1].revents)
            return error_set(error, -EINTR, "interrupted");
        if (fds[0].revents)
            return 0;
        if (count == 0)
            return error_set(error, -ETIMEDOUT, "the coordinator (process %d) doesn't answer in time",
                             (int)client->peer.pid);
    }
}

static int gone(struct error *error)
{
    return error_set(error, -ECONNRESET, "the coordinator has ended, or was restarted, before it answered");
}

static int send_all(struct control_client *client, const char *data, size_t len, struct error *error)
{
    while (len > 0) {
        ssize_t sent = send(client->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            data += sent;
            len -= (size_t)sent;
        } else if (errno == EAGAIN) {
            /* A message that left half would be the end of the connection: an interruption waits until it is whole. */
            int wake = client->wake;
            client->wake = -1;
            int rc = wait_for(client, POLLOUT, CLOCK_NEVER, error);
            client->wake = wake;
            if (rc < 0)
                return rc;
        } else if (errno != EINTR) {
            return gone(error);
        }
    }
    return 0;
}

/* Parses the next line that is already here: 1, or 0 when there is none. */
static int parse_next(struct control_client *client, struct control_message *message, struct error *error)
{
    char *line;
    size_t len;
    int rc = control_lines_next(&client->in, &line, &len);
    if (rc == 1) {
        rc = control_parse(message, line, len);
        if (rc < 0)
            control_message_free(message);
        else
            return 1;
    }
    if (rc == -ENOMEM)
        return error_set(error, rc, "no memory for the coordinator's answer");
    return rc == 0 ? 0
                   : error_set(error, -EBADMSG, "the coordinator says what is no message of dora's control protocol");
}

static int read_more(struct control_client *client, struct error *error)
{
    size_t room;
    char *at = control_lines_room(&client->in, &room);
    if (!at)
        return error_set(error, -ENOMEM, "no memory for the coordinator's answer");
    ssize_t len = recv(client->fd, at, room, MSG_DONTWAIT);
    if (len > 0)
        control_lines_arrived(&client->in, (size_t)len);
    else if (len == 0 || (errno != EAGAIN && errno != EINTR))
        return gone(error);
    return 0;
}

int control_client_next(struct control_client *client, int64_t timeout_ns, struct control_message *message,
                        struct error *error)
{
    int64_t deadline = clock_after(clock_now(), timeout_ns);
    for (;;) {
        int rc = parse_next(client, message, error);
        if (rc == 1)
            return 0;
        if (rc == 0)
            rc = wait_for(client, POLLIN, deadline, error);
        if (rc == 0)
            rc = read_more(client, error);
        if (rc < 0)
            return rc;
    }
}

static int exchange_hellos(struct control_client *client, const char *version, struct error *error)
{
    autobuf struct buf out = {0};
    control_write_hello(&out, "cli", version);
    int rc = out.failed ? error_set(error, -ENOMEM, "no memory for a connection")
                        : send_all(client, out.data, out.len, error);
    struct control_message message = {0};
    if (rc == 0 || rc == -ECONNRESET) /* whoever hung up at once may have said why */
        rc = control_client_next(client, HELLO_WAIT, &message, error);
    if (rc < 0)
        return rc;
    if (message.kind == CONTROL_ERROR) /* the gateway's, which stands in for a coordinator elsewhere */
        rc = error_set(error, control_code_errno(message.fault.code), "%s%s%s", message.fault.message,
                       message.fault.hint ? ": " : "", message.fault.hint ? message.fault.hint : "");
    else if (message.kind != CONTROL_HELLO)
        rc = error_set(error, -EBADMSG, "what listens at the coordinator's socket is no coordinator");
    else if (message.protocol != CONTROL_PROTOCOL)
        rc = error_set(
            error, -EPROTONOSUPPORT,
            "this is dora %s, with control protocol %d; the coordinator (process %d) is dora %s, with protocol "
            "%lld: stop it with its own `dora down` and start it again with `dora up`",
            version, CONTROL_PROTOCOL, (int)client->peer.pid, message.version, (long long)message.protocol);
    else if (!(client->version = strdup(message.version)))
        rc = error_set(error, -ENOMEM, "no memory for a connection");
    control_message_free(&message);
    return rc;
}

int control_connect(struct control_client **out, const char *version, struct error *error)
{
    struct error why = ERROR_INIT;
    autoclose int fd = control_socket_connect(NULL, &why);
    if (fd == -ENOENT || fd == -ECONNREFUSED)
        return error_set(error, -ENOTCONN, "no coordinator is running; start it with `dora up`");
    if (fd < 0)
        return error_set(error, fd, "%s", why.message);
    struct ucred peer;
    int rc = control_check_peer(fd, &peer, error);
    if (rc < 0)
        return rc;
    struct control_client *client = calloc(1, sizeof *client);
    if (!client)
        return error_set(error, -ENOMEM, "no memory for a connection");
    *client = (struct control_client){.fd = take_fd(&fd), .wake = -1, .peer = peer};
    rc = exchange_hellos(client, version, error);
    if (rc < 0) {
        control_client_close(client);
        return rc;
    }
    *out = client;
    return 0;
}

void control_client_close(struct control_client *client)
{
    if (!client)
        return;
    close(client->fd);
    control_lines_free(&client->in);
    free(client->version);
    free(client->hint);
    free(client->machine);
    free(client);
}

int control_client_send(struct control_client *client, const char *method, json_t *params, uint64_t *id,
                        struct error *error)
{
    autobuf struct buf out = {0};
    int rc = control_write_request(&out, client->last_id + 1, method, params);
    json_decref(params);
    if (rc < 0 || out.failed)
        return error_set(error, rc < 0 ? rc : -ENOMEM, rc < 0 ? "a request is over 16 MiB" : "no memory for a request");
    *id = ++client->last_id;
    return send_all(client, out.data, out.len, error);
}

static int take_fault(struct control_client *client, const struct control_fault *fault, struct error *error)
{
    client->hint = fault->hint ? strdup(fault->hint) : NULL;
    client->machine = fault->machine ? strdup(fault->machine) : NULL;
    return error_set(error, control_code_errno(fault->code), "%s", fault->message);
}

int control_call(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns,
                 void (*event)(void *context, json_t *event), void *context, json_t **result, struct error *error)
{
    int64_t deadline = clock_after(clock_now(), timeout_ns);
    free(take_ptr(client->hint));
    free(take_ptr(client->machine));
    uint64_t id;
    int rc = control_client_send(client, method, params, &id, error);
    for (bool answered = false; rc == 0 && !answered;) {
        struct control_message message = {0};
        int64_t left = deadline == CLOCK_NEVER ? CLOCK_NEVER : deadline - clock_now();
        rc = control_client_next(client, left > 0 ? left : 0, &message, error);
        if (rc < 0)
            break;
        bool is_ours = message.id == id;
        answered = (is_ours && message.kind != CONTROL_EVENT) || (message.kind == CONTROL_ERROR && message.id == 0);
        if (answered && message.kind == CONTROL_ERROR)
            rc = take_fault(client, &message.fault, error);
        else if (answered && result)
            *result = json_incref(message.body);
        else if (is_ours && !answered && event)
            event(context, message.body);
        control_message_free(&message); /* the answer to a request that timed out earlier is left unread */
    }
    return rc;
}

void control_client_wake(struct control_client *client, int fd)
{
    client->wake = fd;
}

const char *control_client_hint(const struct control_client *client)
{
    return client->hint;
}

const char *control_client_machine(const struct control_client *client)
{
    return client->machine;
}

const char *control_client_version(const struct control_client *client)
{
    return client->version;
}

pid_t control_client_pid(const struct control_client *client)
{
    return client->peer.pid;
}
