/* Endpoints of zenoh, `PROTOCOL/ADDRESS[?METADATA][#CONFIG]`, and which of them may be used: what leaves this machine
 * is encrypted, unless the user says otherwise by name. The one place that decides it, for the command and the gateway.
 */
#ifndef CONTROL_ENDPOINT_H
#define CONTROL_ENDPOINT_H

#include <stdbool.h>

#include "base/error.h"

enum { ENDPOINT_MOST = 512, ENDPOINT_PORT = 7447 };

/* Whether everything on it is under TLS, as QUIC's always is. */
bool endpoint_is_encrypted(const char *endpoint);

/* Whether nobody beyond this machine can reach it or listen in: the loopback interface by its address or as
 * `localhost`, and sockets and pipes in the file system. An address that stands for all interfaces is not. */
bool endpoint_is_local(const char *endpoint);

bool endpoint_is_local_host(const char *host); /* of the loopback interface */

/* 0; -EINVAL: it has not the form; -EPERM: it is clear text beyond this machine, and not `is_insecure`. The message
 * says what to write. */
int endpoint_check(const char *endpoint, bool is_insecure, struct error *error);

/* `IP[:PORT]` or a whole endpoint, as a whole endpoint: TCP, at ENDPOINT_PORT where there is no port. 0 or -EINVAL. */
int endpoint_complete(const char *text, char endpoint[ENDPOINT_MOST], struct error *error);

#endif
