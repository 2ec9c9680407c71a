/* What the files of the gateway share: the process, and what it does for its daemon (docs/machines.md).
 *
 * One loop in the main thread, which never waits for the engine or for another thread; streams have threads of their
 * own, and speak to the loop through the mailbox.
 */
#ifndef GATEWAY_GATEWAY_H
#define GATEWAY_GATEWAY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "control/connection.h"
#include "gateway/mailbox.h"
#include "link/net.h"

enum { KEY_MOST = 1024 };

struct flows;
struct machines;
struct listener;
struct dialler;

struct gateway {
    uv_loop_t *loop;
    struct mailbox mailbox;
    struct control_connection *daemon; /* NULL: it is gone, and this process ends */
    int64_t started_ns;
    char instance[UUID_TEXT];

    /* After gateway.open. */
    struct net *net;
    char *machine;
    bool has_coordinator;
    char *endpoints; /* what it connects to, for people */
    struct machines *machines;
    struct flows *flows;
    struct listener *listener; /* of coordinator.sock, where the coordinator is elsewhere */
    struct dialler *dialler;   /* to the coordinator, where it is here */

    bool is_ending;
    int status; /* to exit with */
};

/* Runs until the daemon, at the other end of `fd`, is gone; returns the status to exit with. */
int gateway_run(int fd);

/* Tells the daemon something, and doesn't care for the answer. Takes over `params`. */
void gateway_tell(struct gateway *gateway, const char *method, json_t *params);
/* This gateway can't go on, and another start won't help: the daemon is told why. */
void gateway_fail(struct gateway *gateway, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gateway_end(struct gateway *gateway);
/* A token, of a machine or of the coordinator there, has come or gone. */
void gateway_machine_changed(struct gateway *gateway, const char *instance, bool is_alive);

/* ---- flows.c: the edges, by dataflow ---- */

int flows_open(struct flows **flows, struct gateway *gateway);
/* Whether the method is one of theirs. */
bool flows_request(struct flows *flows, struct control_request *request, const char *method, json_t *params);
json_t *flows_metrics(const struct flows *flows);               /* the list "edges" */
bool flows_has(const struct flows *flows, const char *machine); /* an edge to or from that machine */
void flows_end(struct flows *flows);                            /* edges leave, and deliver nothing more */
bool flows_idle(const struct flows *flows);                     /* no edge's thread runs any more */
void flows_free(struct flows *flows);

/* ---- machines.c: who is there ---- */

int machines_open(struct machines **machines, struct gateway *gateway, struct error *error);
json_t *machines_metrics(const struct machines *machines);
/* The gateway beside the coordinator, or NULL: none is in sight. Valid until the loop goes on. */
const char *machines_coordinator(const struct machines *machines);
void machines_free(struct machines *machines);

#endif
