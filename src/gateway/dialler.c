/* Beside the coordinator: connects to it for those who ask from other machines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "control/socket.h"
#include "gateway/tunnel.h"

struct dialler {
    struct tunnels tunnels;
    struct net_queryable *queryable;
    bool has_ended;
};

struct open_mail {
    struct mail mail;
    struct dialler *dialler;
    struct net_query *query;
    json_t *request;
};

static int dial(struct dialler *dialler, json_t *request, struct error *error)
{
    const char *id, *machine, *instance;
    if (json_unpack(request, "{s:s, s:s, s:s}", "id", &id, "machine", &machine, "instance", &instance) < 0 ||
        !tunnel_is_id(id) || !tunnel_is_id(instance) || !*machine)
        return error_set(error, -EINVAL, "that is no request for a tunnel");
    if (dialler->has_ended)
        return error_set(error, -ESHUTDOWN, "the gateway ends");
    int fd = control_socket_connect(NULL, error);
    return fd < 0 ? fd : tunnels_add(&dialler->tunnels, fd, id, instance, machine, error);
}

static void has_asked(struct mail *mail)
{
    struct open_mail *asked = (struct open_mail *)mail;
    struct error error = ERROR_INIT;
    if (dial(asked->dialler, asked->request, &error) < 0)
        net_decline(asked->query, error.message);
    else
        net_reply(asked->query, "{}", 2);
    json_decref(asked->request);
    free(asked);
}

/* On the engine's thread. */
static void on_open(void *context, struct net_query *query, struct net_bytes payload)
{
    struct dialler *dialler = context;
    struct open_mail *mail = calloc(1, sizeof *mail);
    if (!mail) {
        net_decline(query, "no memory");
        return;
    }
    *mail = (struct open_mail){.mail.open = has_asked,
                               .dialler = dialler,
                               .query = query,
                               .request = payload.len ? json_loadb(payload.data, payload.len, 0, NULL) : NULL};
    mailbox_post(&dialler->tunnels.gateway->mailbox, &mail->mail);
}

int dialler_open(struct dialler **out, struct gateway *gateway, struct error *error)
{
    struct dialler *dialler = calloc(1, sizeof *dialler);
    if (!dialler)
        return error_set(error, -ENOMEM, "no memory for a gateway");
    dialler->tunnels.gateway = gateway;
    *out = dialler;
    return net_queryable_open(&dialler->queryable, gateway->net, "dora/@1/open", on_open, dialler, error);
}

void dialler_lost(struct dialler *dialler, const char *instance)
{
    tunnels_lost(&dialler->tunnels, instance);
}

void dialler_end(struct dialler *dialler)
{
    dialler->has_ended = true;
    tunnels_lost(&dialler->tunnels, NULL);
}

bool dialler_idle(const struct dialler *dialler)
{
    return !dialler->tunnels.first;
}

void dialler_free(struct dialler *dialler)
{
    if (!dialler)
        return;
    net_queryable_close(dialler->queryable);
    tunnels_free(&dialler->tunnels);
    free(dialler);
}
