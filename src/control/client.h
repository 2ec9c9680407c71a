/* The command's end: a connection to the coordinator that blocks.
 *
 * One request:
 *
 *     struct control_client *client;
 *     json_t *result;
 *     int rc = control_connect(&client, DORA_VERSION, &error);
 *     if (rc == 0)
 *         rc = control_call(client, "dataflow.list", json_pack("{s:s}", "status", "running"), 5 * CLOCK_SECOND,
 *                           NULL, NULL, &result, &error);
 *
 * Several at once, or one that the user may interrupt (see control_client_wake): control_client_send, then
 * control_client_next until its answer has come. Of one thread.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "base/error.h"
#include "control/message.h"

struct control_client;

/* Connects to the user's coordinator and exchanges hellos. -ENOTCONN: none is running, and the message says how to
 * start one; -EPROTONOSUPPORT: it speaks another protocol version; -EPERM: the socket is another user's. */
int control_connect(struct control_client **client, const char *version, struct error *error);
void control_client_close(struct control_client *client); /* NULL is fine */

/* Sends a request and waits for its answer. Takes over `params` (NULL: none). `event`, if not NULL, is called for each
 * progress event. `*result` is the caller's (json_decref) and may be NULL where nobody wants it.
 * Negative: -ETIMEDOUT; -EINTR: control_client_wake's descriptor is readable; what control_code_errno says of an error
 * that the coordinator answered (-ENOENT for "not-found", …), its message in `error`, its hint in control_client_hint.
 */
int control_call(struct control_client *client, const char *method, json_t *params, int64_t timeout_ns,
                 void (*event)(void *context, json_t *event), void *context, json_t **result, struct error *error);

/* Takes over `params`; `*id` names the request in its events and its answer. */
int control_client_send(struct control_client *client, const char *method, json_t *params, uint64_t *id,
                        struct error *error);

/* The next message, to be freed with control_message_free: an EVENT, RESULT or ERROR. Waits for at most `timeout_ns`
 * (0: not at all; CLOCK_NEVER). 0, -ETIMEDOUT, -EINTR as above, -ECONNRESET: the coordinator is gone. */
int control_client_next(struct control_client *client, int64_t timeout_ns, struct control_message *message,
                        struct error *error);

/* While `fd` (a signalfd or a pipe that a signal handler writes to) is readable, waiting ends with -EINTR; -1: nothing
 * wakes it. A request that was interrupted goes on at the coordinator. */
void control_client_wake(struct control_client *client, int fd);

/* What the coordinator adds to the error of the last call, or NULL; valid until the next call. */
const char *control_client_hint(const struct control_client *client);
/* The machine where the last call would be possible, or NULL; the same. */
const char *control_client_machine(const struct control_client *client);

/* The coordinator's own version and process. */
const char *control_client_version(const struct control_client *client);
pid_t control_client_pid(const struct control_client *client);

#endif
