/* net.h in a build without an engine: nothing can be opened, so that nothing else is ever called. */
#include <errno.h>

#include "link/net.h"

static int missing(struct error *error)
{
    return error_set(error, -ENOTSUP,
                     "this dora was built without machines: building it with Rust's cargo (1.89 or newer) on PATH and "
                     "-DDORA_NET=shim gives it zenoh, which joins machines");
}

int net_open(struct net **net, const struct net_options *options, struct error *error)
{
    (void)options;
    *net = NULL;
    return missing(error);
}

void net_close(struct net *net)
{
    (void)net;
}

int net_address(struct net *net, char *address, size_t size)
{
    (void)net, (void)address, (void)size;
    return -ENOTSUP;
}

int net_reach(struct net *net, const char *address, struct error *error)
{
    (void)net, (void)address;
    return missing(error);
}

void net_copy(const struct net_sample *sample, void *to)
{
    (void)sample, (void)to;
}

const struct net_sample *net_keep(const struct net_sample *sample)
{
    (void)sample;
    return NULL;
}

void net_release(const struct net_sample *kept)
{
    (void)kept;
}

int net_publisher_open(struct net_publisher **publisher, struct net *net, const char *key,
                       const struct net_publisher_options *options, struct error *error)
{
    (void)net, (void)key, (void)options;
    *publisher = NULL;
    return missing(error);
}

void net_publisher_close(struct net_publisher *publisher)
{
    (void)publisher;
}

int net_put(struct net_publisher *publisher, const void *data, size_t len, const void *attachment,
            size_t attachment_len, void (*done)(void *owner), void *owner)
{
    (void)publisher, (void)data, (void)len, (void)attachment, (void)attachment_len;
    if (done)
        done(owner);
    return -ENOTSUP;
}

int net_subscriber_open(struct net_subscriber **subscriber, struct net *net, const char *key,
                        void (*arrived)(void *context, const struct net_sample *sample), void *context,
                        struct error *error)
{
    (void)net, (void)key, (void)arrived, (void)context;
    *subscriber = NULL;
    return missing(error);
}

void net_subscriber_close(struct net_subscriber *subscriber)
{
    (void)subscriber;
}

int net_queryable_open(struct net_queryable **queryable, struct net *net, const char *key,
                       void (*asked)(void *context, struct net_query *query, struct net_bytes payload), void *context,
                       struct error *error)
{
    (void)net, (void)key, (void)asked, (void)context;
    *queryable = NULL;
    return missing(error);
}

void net_queryable_close(struct net_queryable *queryable)
{
    (void)queryable;
}

int net_reply(struct net_query *query, const void *data, size_t len)
{
    (void)query, (void)data, (void)len;
    return -ENOTSUP;
}

void net_decline(struct net_query *query, const char *why)
{
    (void)query, (void)why;
}

int net_ask(struct net *net, const char *key, const void *data, size_t len, int64_t timeout_ns,
            void (*answer)(void *context, const struct net_bytes *reply, const char *refusal), void *context,
            struct error *error)
{
    (void)net, (void)key, (void)data, (void)len, (void)timeout_ns, (void)answer, (void)context;
    return missing(error);
}

int net_token_open(struct net_token **token, struct net *net, const char *key, struct error *error)
{
    (void)net, (void)key;
    *token = NULL;
    return missing(error);
}

void net_token_close(struct net_token *token)
{
    (void)token;
}

int net_watch_open(struct net_watch **watch, struct net *net, const char *key,
                   void (*changed)(void *context, const char *key, bool is_alive), void *context, struct error *error)
{
    (void)net, (void)key, (void)changed, (void)context;
    *watch = NULL;
    return missing(error);
}

void net_watch_close(struct net_watch *watch)
{
    (void)watch;
}
