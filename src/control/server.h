/* The socket a coordinator listens on.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include "control/connection.h"

struct control_server;

/* Listens at `path`, in place of a file that an earlier process left behind: the caller holds the lock which says that
 * it is the only one who may. Where a service manager hands over a listening socket (LISTEN_PID, LISTEN_FDS), that one
 * is used instead, and left alone at the end. Connections are opened for `owner` with `context`. */
int control_listen(struct control_server **server, uv_loop_t *loop, const char *path, const struct control_owner *owner,
                   void *context, struct error *error);

/* No new connections; those that are open stay. Removes the socket's file. NULL is fine. */
void control_server_close(struct control_server *server);

#endif
