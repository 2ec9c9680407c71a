/* What crosses machines, as dora needs it of an engine: publish and subscribe by key, queries, liveliness. Behind it is
 * zenoh (https://zenoh.io), by the C library where there is one, else by a small crate of ours (`shim`); nothing else of
 * dora sees zenoh. Keys are zenoh key expressions: chunks joined by '/', `*` for a chunk, `**` for any number of them;
 * a chunk that begins with '@' is matched by itself alone.
 *
 * Threads: every function may be called from any thread. Callbacks come on the engine's own threads, several at once for
 * different declarations, one at a time for one declaration, in the order of what its publisher sent; they may call
 * any function but net_close and the `_close` of their own declaration. When a `_close` has returned, no callback of it
 * runs any more.
 *
 * Errors: 0 or a negative errno with a message; -EHOSTUNREACH: no such endpoint answers; -EINVAL: a key or configuration
 * that the engine refuses, with its reason; -ENOMEM.
 */
#ifndef LINK_NET_H
#define LINK_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct net;

struct net_options {
    const char *config;         /* a zenoh configuration file (JSON5), passed through; NULL: none */
    const char *const *listen;  /* endpoints as "tcp/0.0.0.0:7447", NULL-terminated; NULL: none but the configuration's */
    const char *const *connect; /* endpoints, connected to again and again for as long as the session lives */
    bool client;                /* a client of a router, instead of a peer */
    bool multicast;             /* look for others by multicast; else nothing is looked for */
};

/* Opens a session. It is there at once, whether or not an endpoint in `connect` answers; an endpoint in `listen` that
 * can't be had is an error. zenoh's shared memory stays off. */
int net_open(struct net **net, const struct net_options *options, struct error *error);
void net_close(struct net *net); /* NULL is fine */

/* The engine and its version, "zenoh 1.10.0"; NULL in a build without one, where net_open says what is missing. */
const char *net_engine(void);

/* Bytes that the engine owns, to be read in place. */
struct net_bytes {
    const void *data; /* contiguous; NULL where `len` is 0 */
    size_t len;
};

struct net_sample {
    const char *key; /* NUL-terminated */
    struct net_bytes payload, attachment;
    const char *encoding; /* "" for none */
    void *owner;          /* keeps the payload; see net_keep */
};

/* Keeps payload and attachment beyond the callback, without a copy: the result is the caller's, for net_release. NULL:
 * no memory. */
void *net_keep(const struct net_sample *sample);
void net_release(void *kept); /* NULL is fine */

/* ---- Publishing ---- */

struct net_publisher;

struct net_publisher_options {
    bool drop;     /* may drop a message where a peer is slow; else net_put waits for room */
    bool urgent;   /* small messages that shall pass large ones: acknowledgements, control */
    const char *encoding; /* NULL: none */

    /* Called when it becomes true or false that somebody subscribes; may be NULL. */
    void (*matching)(void *context, bool is_matched);
    void *context;
};

int net_publisher_open(struct net_publisher **publisher, struct net *net, const char *key,
                       const struct net_publisher_options *options, struct error *error);
void net_publisher_close(struct net_publisher *publisher);

/* Publishes without copying: `data` must stay as it is until `done(owner)` is called, once, from any thread, maybe
 * within the call, whether this succeeds or not. `done` NULL: `data` is copied. The attachment is copied. */
int net_put(struct net_publisher *publisher, const void *data, size_t len, const void *attachment, size_t attachment_len,
            void (*done)(void *owner), void *owner);

/* ---- Subscribing ---- */

struct net_subscriber;

int net_subscriber_open(struct net_subscriber **subscriber, struct net *net, const char *key,
                        void (*arrived)(void *context, const struct net_sample *sample), void *context,
                        struct error *error);
void net_subscriber_close(struct net_subscriber *subscriber);

/* ---- Queries ---- */

struct net_queryable;
struct net_query; /* to be answered */

/* `asked` owns the query, and ends it by net_reply or net_decline, at once or later, from any thread. */
int net_queryable_open(struct net_queryable **queryable, struct net *net, const char *key,
                       void (*asked)(void *context, struct net_query *query, struct net_bytes payload), void *context,
                       struct error *error);
void net_queryable_close(struct net_queryable *queryable);
int net_reply(struct net_query *query, const void *data, size_t len);
void net_decline(struct net_query *query, const char *why);

/* Asks whoever answers `key`. `answer` is called for each reply with what it says, or with the decline's reason as
 * `refusal`; then once with both NULL at the end. */
int net_ask(struct net *net, const char *key, const void *data, size_t len, int64_t timeout_ns,
            void (*answer)(void *context, const struct net_bytes *reply, const char *refusal), void *context,
            struct error *error);

/* ---- Liveliness ---- */

struct net_token; /* says that its holder lives, until it is closed or the holder can't be reached any more */
struct net_watch;

int net_token_open(struct net_token **token, struct net *net, const char *key, struct error *error);
void net_token_close(struct net_token *token);

/* `changed` is called for each token that matches `key`: those that are there at once, and each that comes or goes. */
int net_watch_open(struct net_watch **watch, struct net *net, const char *key,
                   void (*changed)(void *context, const char *key, bool is_alive), void *context, struct error *error);
void net_watch_close(struct net_watch *watch);

#endif
