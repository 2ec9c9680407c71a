#include "control/connection.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "control/paths.h"
#include "control/socket.h"

enum {
    READS_AT_ONCE = 16, /* before others get their turn */
    UNSENT_PAUSE = 1 << 20,
    UNSENT_MOST = 64 << 20,
    UNSENT_KEPT = 64 << 10,
    REQUESTS_MOST = 1000,
    WHY_MOST = 256,
};

struct control_request {
    struct control_connection *connection; /* NULL: it has ended */
    struct control_request *next, **link;
    struct control_message message;
};

/* A request of ours that is not answered yet. */
struct sent {
    struct sent *next;
    uint64_t id;
    struct control_calls calls;
    void *context;
};

struct control_connection {
    uv_poll_t poll;
    int fd;
    const struct control_owner *owner;
    void *context, *data;
    struct ucred peer;
    char *role, *version; /* NULL before the other side's hello */
    char *machine;        /* of a tunnel's other end, or NULL */

    struct control_lines in;
    struct buf out;
    size_t out_sent; /* bytes of `out` that have left */

    struct sent *sent;
    uint64_t last_id;
    struct control_request *requests;
    size_t request_count;

    char why[WHY_MOST]; /* it is to end, because of this */
    char code[16];      /* and with this error, of either side; "": none */
    bool is_closed;
};

static void on_ready(uv_poll_t *poll, int status, int events);

static size_t unsent(const struct control_connection *connection)
{
    return connection->out.len - connection->out_sent;
}

static void choose_events(struct control_connection *connection)
{
    /* Two that both wait for the other to read would wait for ever; a command is always ready to read. */
    bool paused = unsent(connection) > UNSENT_PAUSE && strcmp(control_role(connection), "cli") == 0;
    uv_poll_start(&connection->poll,
                  UV_DISCONNECT | (paused ? 0 : UV_READABLE) | (unsent(connection) > 0 ? UV_WRITABLE : 0), on_ready);
}

/* The loop finds the connection's end, so that no callback comes from within a call of ours. */
static void __attribute__((format(printf, 2, 3))) end_later(struct control_connection *connection, const char *why, ...)
{
    if (connection->why[0])
        return;
    va_list args;
    va_start(args, why);
    vsnprintf(connection->why, sizeof connection->why, why, args);
    va_end(args);
    shutdown(connection->fd, SHUT_RDWR);
}

static void send_out(struct control_connection *connection)
{
    struct buf *out = &connection->out;
    while (unsent(connection) > 0) {
        ssize_t len =
            send(connection->fd, out->data + connection->out_sent, unsent(connection), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN)
            break;
        if (len < 0) { /* reading finds out that it is gone */
            connection->out_sent = out->len;
            break;
        }
        connection->out_sent += (size_t)len;
    }
    if (unsent(connection) == 0) {
        connection->out_sent = 0;
        if (out->cap > UNSENT_KEPT)
            buf_free(out);
        else
            buf_clear(out);
    }
    choose_events(connection);
}

/* What was written into `out` is to leave. */
static void written(struct control_connection *connection)
{
    if (connection->out.failed)
        end_later(connection, "no memory for what is to be sent");
    else if (unsent(connection) > UNSENT_MOST)
        end_later(connection, "the other side doesn't read what it is sent");
    else
        send_out(connection);
}

static void fail_sent(struct control_connection *connection)
{
    static const struct control_fault lost = {.code = "lost", .message = "the connection ended before the answer came"};
    for (struct sent *sent; (sent = connection->sent);) {
        connection->sent = sent->next;
        sent->calls.done(sent->context, NULL, &lost);
        free(sent);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct control_connection *connection = handle->data;
    control_lines_free(&connection->in);
    buf_free(&connection->out);
    free(connection->role);
    free(connection->version);
    free(connection->machine);
    free(connection);
}

void control_close(struct control_connection *connection)
{
    if (!connection || connection->is_closed)
        return;
    connection->is_closed = true;
    uv_close((uv_handle_t *)&connection->poll, on_closed);
    close(connection->fd);
    for (struct control_request *request = connection->requests; request; request = request->next)
        request->connection = NULL;
    fail_sent(connection);
}

static void ended(struct control_connection *connection)
{
    if (connection->is_closed)
        return;
    control_close(connection);
    connection->owner->closed(connection->context, connection, connection->why[0] ? connection->why : NULL);
}

static void take_hello(struct control_connection *connection, const struct control_message *message)
{
    if (message->protocol != CONTROL_PROTOCOL) {
        char text[WHY_MOST];
        snprintf(text, sizeof text,
                 "this is dora %s, with control protocol %d; the other side is dora %.64s, with protocol %lld",
                 connection->owner->version, CONTROL_PROTOCOL, message->version, (long long)message->protocol);
        struct control_fault fault = {.code = "refused",
                                      .message = text,
                                      .hint =
                                          "stop the one that is older with its own `dora down`, and start it again"};
        control_write_error(&connection->out, 0, &fault);
        written(connection);
        snprintf(connection->code, sizeof connection->code, "%s", fault.code);
        end_later(connection, "%s", text);
        return;
    }
    connection->role = strdup(message->role);
    connection->version = strdup(message->version);
    connection->machine = message->machine ? strdup(message->machine) : NULL;
    if (!connection->role || !connection->version || (message->machine && !connection->machine))
        end_later(connection, "no memory for a connection");
    else if (connection->owner->ready)
        connection->owner->ready(connection->context, connection);
}

static void take_request(struct control_connection *connection, struct control_message *message)
{
    struct control_request *request = malloc(sizeof *request);
    if (!request || connection->request_count >= REQUESTS_MOST) {
        end_later(connection, request ? "it asks for too much at once" : "no memory for a request");
        free(request);
        return;
    }
    request->connection = connection;
    request->message = *message;
    message->root = NULL; /* the request's now */
    request->next = connection->requests;
    request->link = &connection->requests;
    if (request->next)
        request->next->link = &request->next;
    connection->requests = request;
    connection->request_count++;
    if (connection->owner->request)
        connection->owner->request(connection->context, request, request->message.method, request->message.body);
    else
        control_refusef(request, "invalid", NULL, "a %s answers no requests", connection->owner->role);
}

static struct sent **find_sent(struct control_connection *connection, uint64_t id)
{
    struct sent **link = &connection->sent;
    while (*link && (*link)->id != id)
        link = &(*link)->next;
    return link;
}

static void take_answer(struct control_connection *connection, const struct control_message *message)
{
    struct sent **link = find_sent(connection, message->id), *sent = *link;
    if (!sent) {
        end_later(connection, "it answered a request that it was never sent");
    } else if (message->kind == CONTROL_EVENT) {
        if (sent->calls.event)
            sent->calls.event(sent->context, message->body);
    } else {
        *link = sent->next;
        sent->calls.done(sent->context, message->body, message->kind == CONTROL_ERROR ? &message->fault : NULL);
        free(sent);
    }
}

static void take(struct control_connection *connection, struct control_message *message)
{
    bool is_first = !connection->role;
    if (message->kind == CONTROL_ERROR && message->id == 0) {
        snprintf(connection->code, sizeof connection->code, "%s", message->fault.code);
        end_later(connection, "%s", message->fault.message);
    } else if (is_first != (message->kind == CONTROL_HELLO))
        end_later(connection, is_first ? "it didn't say who it is" : "it said twice who it is");
    else if (is_first)
        take_hello(connection, message);
    else if (message->kind == CONTROL_REQUEST)
        take_request(connection, message);
    else
        take_answer(connection, message);
}

static bool is_over(const struct control_connection *connection)
{
    return connection->is_closed || connection->why[0];
}

static void take_lines(struct control_connection *connection)
{
    char *line;
    size_t len;
    int rc = 0;
    while (!is_over(connection) && (rc = control_lines_next(&connection->in, &line, &len)) == 1) {
        struct control_message message;
        rc = control_parse(&message, line, len);
        if (rc == 0)
            take(connection, &message);
        else
            end_later(connection, rc == -ENOMEM ? "no memory for what it said"
                                                : "it sent what is no message of dora's control protocol");
        control_message_free(&message);
    }
    if (rc == -EMSGSIZE)
        end_later(connection, "it sent a line of more than 16 MiB");
}

/* Whether there may be more to read. */
static bool read_some(struct control_connection *connection)
{
    size_t room;
    char *at = control_lines_room(&connection->in, &room);
    if (!at) {
        end_later(connection, "no memory for what it said");
        return false;
    }
    ssize_t len = recv(connection->fd, at, room, MSG_DONTWAIT);
    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (len <= 0) {
        ended(connection);
        return false;
    }
    control_lines_arrived(&connection->in, (size_t)len);
    take_lines(connection);
    return true;
}

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct control_connection *connection = poll->data;
    if (status == 0 && events & UV_WRITABLE && !is_over(connection))
        send_out(connection);
    if (status == 0 && events == UV_WRITABLE)
        return;
    for (int i = 0; i < READS_AT_ONCE && !is_over(connection); i++)
        if (!read_some(connection))
            break;
    if (connection->why[0])
        ended(connection);
}

int control_open(struct control_connection **out, uv_loop_t *loop, int fd_, const struct control_owner *owner,
                 void *context, struct error *error)
{
    autoclose int fd = fd_;
    struct ucred peer;
    int rc = control_check_peer(fd, &peer, error);
    if (rc < 0)
        return rc;
    struct control_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        return error_set(error, -ENOMEM, "no memory for a connection");
    *connection = (struct control_connection){.fd = fd, .owner = owner, .context = context, .peer = peer};
    rc = uv_poll_init(loop, &connection->poll, fd);
    if (rc < 0) {
        free(connection);
        return error_sys(error, rc, "can't watch a connection");
    }
    take_fd(&fd);
    connection->poll.data = connection;
    control_write_hello(&connection->out, owner->role, owner->version);
    choose_events(connection);
    written(connection);
    *out = connection;
    return 0;
}

int control_dial(struct control_connection **connection, uv_loop_t *loop, const char *path,
                 const struct control_owner *owner, void *context, struct error *error)
{
    int fd = control_socket_connect(path, error);
    return fd < 0 ? fd : control_open(connection, loop, fd, owner, context, error);
}

void control_set_data(struct control_connection *connection, void *data)
{
    connection->data = data;
}

void *control_data(const struct control_connection *connection)
{
    return connection->data;
}

const char *control_role(const struct control_connection *connection)
{
    return connection->role ? connection->role : "";
}

const char *control_version(const struct control_connection *connection)
{
    return connection->version ? connection->version : "";
}

const char *control_machine(const struct control_connection *connection)
{
    return connection->machine;
}

const char *control_end_code(const struct control_connection *connection)
{
    return connection->code;
}

pid_t control_pid(const struct control_connection *connection)
{
    return connection->peer.pid;
}

int control_send(struct control_connection *connection, const char *method, json_t *params,
                 const struct control_calls *calls, void *context)
{
    struct sent *sent = is_over(connection) ? NULL : malloc(sizeof *sent);
    int rc = is_over(connection) ? -ECONNRESET : -ENOMEM;
    if (sent) {
        *sent = (struct sent){connection->sent, ++connection->last_id, *calls, context};
        rc = control_write_request(&connection->out, sent->id, method, params);
    }
    json_decref(params);
    if (rc < 0) {
        free(sent);
        return rc;
    }
    connection->sent = sent;
    written(connection);
    return 0;
}

static void drop(struct control_request *request)
{
    if (request->connection) {
        *request->link = request->next;
        if (request->next)
            request->next->link = request->link;
        request->connection->request_count--;
    }
    control_message_free(&request->message);
    free(request);
}

static struct buf *out_of(const struct control_request *request)
{
    return request->connection && !is_over(request->connection) ? &request->connection->out : NULL;
}

void control_progress(struct control_request *request, json_t *event)
{
    struct buf *out = out_of(request);
    if (out && event) {
        control_write_event(out, request->message.id, event); /* one that is too long is left out */
        written(request->connection);
    }
    json_decref(event);
}

void control_answer(struct control_request *request, json_t *result)
{
    struct buf *out = out_of(request);
    struct control_fault fault = {.code = "internal", .message = "the answer can't be written down"};
    if (out && (!result || control_write_result(out, request->message.id, result) < 0))
        control_write_error(out, request->message.id, &fault);
    if (out)
        written(request->connection);
    json_decref(result);
    drop(request);
}

void control_refuse(struct control_request *request, const struct control_fault *fault)
{
    struct buf *out = out_of(request);
    if (out) {
        control_write_error(out, request->message.id, fault);
        written(request->connection);
    }
    drop(request);
}

void control_refusef(struct control_request *request, const char *code, const char *hint, const char *format, ...)
{
    char text[ERROR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    control_refuse(request, &(struct control_fault){.code = code, .message = text, .hint = hint});
}

struct control_connection *control_asker(const struct control_request *request)
{
    return request->connection;
}

const char *control_method(const struct control_request *request)
{
    return request->message.method;
}

json_t *control_params(const struct control_request *request)
{
    return request->message.body;
}
