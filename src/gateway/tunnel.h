/* Tunnels to the coordinator: on machines without one, the listener stands at its socket's place; beside it, the
 * dialler connects for whoever asks from elsewhere. Both are the loop's.
 */
#ifndef GATEWAY_TUNNEL_H
#define GATEWAY_TUNNEL_H

#include "gateway/gateway.h"

enum { TUNNELS_MOST = 256 };

/* Holds coordinator.lock and listens at coordinator.sock. */
int listener_open(struct listener **listener, struct gateway *gateway, struct error *error);
void listener_lost(struct listener *listener, const char *instance); /* a gateway is gone: so are tunnels to it */
void listener_end(struct listener *listener);
bool listener_idle(const struct listener *listener);
void listener_unlink(const struct listener *listener); /* where the process ends without listener_free */
void listener_free(struct listener *listener);

int dialler_open(struct dialler **dialler, struct gateway *gateway, struct error *error);
void dialler_lost(struct dialler *dialler, const char *instance);
void dialler_end(struct dialler *dialler);
bool dialler_idle(const struct dialler *dialler);
void dialler_free(struct dialler *dialler);

/* ---- tunnels.c: those that are open, of either ---- */

struct tunnel;

struct tunnels {
    struct gateway *gateway;
    struct tunnel *first;
    size_t count;
};

/* Takes over `fd`. `id` is a UUID; `other` the instance at the other end; `machine` as in pipe.h, and NULL for the end
 * that asked. */
int tunnels_add(struct tunnels *tunnels, int fd, const char *id, const char *other, const char *machine,
                struct error *error);
void tunnels_lost(struct tunnels *tunnels, const char *other); /* NULL: all */
void tunnels_free(struct tunnels *tunnels);                    /* those whose threads have ended */

/* Whether it can be a part of a key as such a name. */
bool tunnel_is_id(const char *text);

#endif
