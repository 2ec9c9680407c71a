#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/pipe.h"
#include "gateway/tunnel.h"

struct tunnel {
    struct tunnel *next;
    struct tunnels *tunnels;
    struct pipe *pipe;
    char other[UUID_TEXT];
};

struct tunnel_mail {
    struct mail mail;
    struct tunnel *tunnel;
};

bool tunnel_is_id(const char *text)
{
    return strlen(text) == UUID_TEXT - 1 && text[strspn(text, "0123456789abcdef-")] == '\0';
}

static void remove_tunnel(struct tunnel *tunnel)
{
    struct tunnel **at = &tunnel->tunnels->first;
    while (*at != tunnel)
        at = &(*at)->next;
    *at = tunnel->next;
    tunnel->tunnels->count--;
    pipe_free(tunnel->pipe);
    free(tunnel);
}

static void has_left(struct mail *mail)
{
    remove_tunnel(((struct tunnel_mail *)mail)->tunnel);
    free(mail);
}

static void on_left(void *context)
{
    struct tunnel *tunnel = context;
    struct tunnel_mail *mail = malloc(sizeof *mail);
    if (!mail)
        return;
    *mail = (struct tunnel_mail){.mail.open = has_left, .tunnel = tunnel};
    mailbox_post(&tunnel->tunnels->gateway->mailbox, &mail->mail);
}

int tunnels_add(struct tunnels *tunnels, int fd, const char *id, const char *other, const char *machine,
                struct error *error)
{
    char up[KEY_MOST], down[KEY_MOST];
    struct tunnel *tunnel = tunnels->count < TUNNELS_MOST ? calloc(1, sizeof *tunnel) : NULL;
    if (!tunnel) {
        close(fd);
        return error_set(error, -EBUSY, "there are %zu connections between machines already", tunnels->count);
    }
    tunnel->tunnels = tunnels;
    snprintf(tunnel->other, sizeof tunnel->other, "%s", other);
    snprintf(up, sizeof up, "dora/@1/tunnel/%s/up", id);
    snprintf(down, sizeof down, "dora/@1/tunnel/%s/down", id);
    struct pipe_options options = {.net = tunnels->gateway->net,
                                   .out = machine ? down : up,
                                   .in = machine ? up : down,
                                   .machine = machine,
                                   .left = on_left,
                                   .context = tunnel};
    tunnel->next = tunnels->first;
    tunnels->first = tunnel;
    tunnels->count++;
    int rc = pipe_open(&tunnel->pipe, fd, &options, error);
    if (rc < 0)
        remove_tunnel(tunnel);
    return rc;
}

void tunnels_lost(struct tunnels *tunnels, const char *other)
{
    for (struct tunnel *tunnel = tunnels->first; tunnel; tunnel = tunnel->next)
        if (!other || strcmp(tunnel->other, other) == 0)
            pipe_end(tunnel->pipe);
}

void tunnels_free(struct tunnels *tunnels)
{
    while (tunnels->first)
        remove_tunnel(tunnels->first);
}
