/* A connection of two long-lived processes, or of one and a command, on a loop. Either side asks and answers.
 *
 * Everything happens in the loop's thread. No callback comes from within a function of this header, but for those that
 * control_close makes. Everything may be called from within callbacks, control_close too.
 *
 * Sending never blocks: what the socket has no room for waits here. A command that asks and doesn't read is not
 * listened to until it does; whoever lets 64 MiB gather or has a thousand requests unanswered is dropped.
 */
#ifndef CONTROL_CONNECTION_H
#define CONTROL_CONNECTION_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "base/error.h"
#include "control/message.h"

struct control_connection;
struct control_request;

/* Who uses the connection. `context` is what control_open or control_listen was given. */
struct control_owner {
    const char *role, *version; /* of this process, for the hello */

    /* A server has accepted it. May be NULL. */
    void (*opened)(void *context, struct control_connection *connection);

    /* The other side has said who it is, and speaks our protocol. May be NULL. */
    void (*ready)(void *context, struct control_connection *connection);

    /* The other side asks for something: answer now or later, exactly once, with control_answer or control_refuse.
     * `params` is an object; it and `method` live as long as the request. NULL: every request is refused. */
    void (*request)(void *context, struct control_request *request, const char *method, json_t *params);

    /* The connection has ended and frees itself afterwards: by the other side (`why` NULL), by an error or nonsense
     * (`why` says what), not by control_close. Requests that we sent have failed already ("lost"); those that came from
     * it stay valid until they are answered, to nobody. */
    void (*closed)(void *context, struct control_connection *connection, const char *why);
};

/* Takes over `fd`, a connected unix socket, in any case. The owner's struct must outlive the connection. -EPERM: the
 * other end is another user's. */
int control_open(struct control_connection **connection, uv_loop_t *loop, int fd, const struct control_owner *owner,
                 void *context, struct error *error);

/* Connects to the socket at `path` (NULL: the user's coordinator) and opens a connection to it. Doesn't block.
 * -ENOENT, -ECONNREFUSED: nobody listens there. */
int control_dial(struct control_connection **connection, uv_loop_t *loop, const char *path,
                 const struct control_owner *owner, void *context, struct error *error);

/* Ends it: what the socket has no room for now is not sent, requests that we sent fail as "lost" before this returns,
 * `closed` is not called. NULL is fine. */
void control_close(struct control_connection *connection);

void control_set_data(struct control_connection *connection, void *data); /* the owner's own */
void *control_data(const struct control_connection *connection);
const char *control_role(const struct control_connection *connection);     /* "" before `ready` */
const char *control_version(const struct control_connection *connection);  /* the same */
const char *control_end_code(const struct control_connection *connection); /* of the error that ended it, or "" */
pid_t control_pid(const struct control_connection *connection);           /* of the process that connected or listens */
const char *control_machine(const struct control_connection *connection); /* NULL: not from another one */

/* What comes of a request that we send. */
struct control_calls {
    void (*event)(void *context, json_t *event); /* NULL: nobody cares */

    /* Exactly one of `result` and `fault` is not NULL. Called once, always. */
    void (*done)(void *context, json_t *result, const struct control_fault *fault);
};

/* Sends a request; takes over `params` (NULL: none). `calls` is copied. Negative, and nothing will be called: -ENOMEM,
 * -EMSGSIZE, -ECONNRESET: the connection is ending. */
int control_send(struct control_connection *connection, const char *method, json_t *params,
                 const struct control_calls *calls, void *context);

/* Requests that came. Each takes over its JSON; NULL, as from a json_pack that failed, is answered by an error. The
 * answer frees the request. Lack of memory ends the connection. */
void control_progress(struct control_request *request, json_t *event);
void control_answer(struct control_request *request, json_t *result);
void control_refuse(struct control_request *request, const struct control_fault *fault);
void control_refusef(struct control_request *request, const char *code, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* NULL once the connection it came over has ended. */
struct control_connection *control_asker(const struct control_request *request);
const char *control_method(const struct control_request *request);
json_t *control_params(const struct control_request *request); /* borrowed */

#endif
