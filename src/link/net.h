/* What crosses machines, as dora needs it of an engine: publish and subscribe by key, queries, liveliness. Behind it is
 * zenoh (https://zenoh.io), by the C library where there is one, else by a small crate of ours (`shim`); nothing else
 * of dora sees zenoh. Keys are zenoh key expressions: chunks joined by '/', `*` for a chunk, `**` for any number of
 * them; a chunk that begins with '@' is matched by itself alone.
 *
 * Threads: every function may be called from any thread. Callbacks come on the engine's own threads, several at once
 * for different declarations, one at a time for one declaration, in the order of what its publisher sent, and maybe
 * before the call that declared it has returned; they may call any function but net_close and the `_close` of their own
 * declaration. When a `_close` has returned, no callback of it runs any more. The threads are few, and receive for the
 * whole session: a callback that waits (in a net_put without `drop`, for one) holds up everything that arrives, and two
 * sessions that do so can hold up each other for good.
 *
 * A session doesn't hear itself: what it publishes and asks goes to other sessions alone, and only they match. It does
 * see its own tokens.
 *
 * Errors: 0 or a negative errno with a message; -EHOSTUNREACH: no router answers a client; -EADDRNOTAVAIL: an endpoint
 * in `listen` can't be had; -EINVAL: a key or configuration that the engine refuses, with its reason; -ESHUTDOWN: the
 * session is closed; -ENOTSUP: this build has no engine.
 */
#ifndef LINK_NET_H
#define LINK_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct net;

struct net_options {
    const char *config; /* a zenoh configuration file (JSON5), passed through; NULL: none */
    const char *const
        *listen;           /* endpoints as "tcp/0.0.0.0:7447", NULL-terminated; NULL: none but the configuration's */
    const char *otherwise; /* an endpoint to listen at where neither `listen` nor the file says any; NULL: none */
    const char *const *connect; /* endpoints, connected to again and again for as long as the session lives */
    bool client;                /* a client of a router, instead of a peer */
    bool multicast;             /* look for others by multicast; else nothing is looked for */
};

/* Opens a session. It is there at once, whether or not an endpoint in `connect` answers (but a client's router has to);
 * an endpoint in `listen` that can't be had is an error. Options stand over the configuration; `listen` and `connect`
 * are in place of its own. Peers that are connected to one peer learn of each other, and connect where they can;
 * messages pass directly or through a router, never through a peer. zenoh's shared memory stays off. */
int net_open(struct net **net, const struct net_options *options, struct error *error);

/* Ends what was declared on it; each declaration is still closed by its own function, before or after. NULL is fine,
 * here and for every other `_close`. */
void net_close(struct net *net);

/* The engine and its version, "zenoh 1.10.0"; NULL in a build without one, where net_open says what is missing. */
const char *net_engine(void);

/* ---- Peers that were lost ---- */

enum { NET_ADDRESS = 2048 };

/* Where this session is to be found: its id and the endpoints where it listens, as many as there is room for. It stays
 * what it is for as long as the session lives. -ENOSPC: `size` is too small for the id; NET_ADDRESS isn't. */
int net_address(struct net *net, char *address, size_t size);

/* Tries, once and not here, to connect to the peer that has this address; nothing is done where it is connected
 * already, or a try is under way. The engine itself connects to a peer that others tell it of when they do, and not
 * again when that connection breaks. -EINVAL: this is no address; -ESHUTDOWN as with net_ask. */
int net_reach(struct net *net, const char *address, struct error *error);

/* ---- Messages ---- */

/* Bytes that the engine owns, to be read in place. */
struct net_bytes {
    const void *data; /* contiguous; NULL where `len` is 0 */
    size_t len;
};

/* A message that arrived. The payload is in pieces as it came off the wire: none where it is empty, one up to some 60
 * KiB, and as many as it takes beyond that. */
struct net_sample {
    const char *key; /* NUL-terminated */
    const struct net_bytes *pieces;
    size_t piece_count;
    size_t len; /* of all pieces */
    struct net_bytes attachment;
    const char *encoding; /* "" for none */
    void *owner;          /* the engine's */
};

/* Writes the payload, `len` bytes, to `to`. */
void net_copy(const struct net_sample *sample, void *to);

/* The same sample beyond the callback, without a copy of its bytes, until net_release; NULL: no memory. It keeps the
 * buffers that the bytes came in, which are 64 KiB also for a small message: what is small is better copied. */
const struct net_sample *net_keep(const struct net_sample *sample);
void net_release(const struct net_sample *kept); /* NULL is fine */

/* ---- Publishing ---- */

struct net_publisher;

struct net_publisher_options {
    /* May drop a message where a peer is slow. Else net_put waits for room; a peer that takes nothing at all for 5 s
     * while somebody waits is disconnected (a peer that is silent otherwise, after 10 s). */
    bool drop;
    bool urgent;          /* small messages that shall pass large ones: acknowledgements, control */
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
int net_put(struct net_publisher *publisher, const void *data, size_t len, const void *attachment,
            size_t attachment_len, void (*done)(void *owner), void *owner);

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
 * `refusal` ("no answer in time" where `timeout_ns` is over); then once with both NULL at the end: at once where nobody
 * answers that key. When the call fails, it isn't called. -ESHUTDOWN: `net` is NULL, as after its end. */
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
