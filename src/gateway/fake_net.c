#include "gateway/fake_net.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum kind { SUBSCRIBER, PUBLISHER, QUERYABLE, TOKEN, WATCH };

struct declaration {
    struct declaration *next;
    enum kind kind;
    struct net *net;
    char *key;
    void *context;
    void (*arrived)(void *context, const struct net_sample *sample);
    void (*matching)(void *context, bool is_matched);
    void (*asked)(void *context, struct net_query *query, struct net_bytes payload);
    void (*changed)(void *context, const char *key, bool is_alive);
    bool is_matched;
};

/* What a put leaves: shared by all who get it. */
struct content {
    unsigned refs;
    void *data, *attachment; /* attachment is a copy; data too where there is no `done` */
    size_t len, attachment_len;
    struct net_bytes pieces[2]; /* a payload of several bytes comes in two */
    struct net_sample sample;
    void (*done)(void *owner);
    void *owner;
    char *key;
};

struct delivery {
    struct delivery *next;
    struct declaration *to;
    struct content *content; /* of a sample */
    bool value;              /* of a match or a change */
    char *key;               /* of a change */
    struct net_query *query;
};

struct net {
    pthread_t thread;
    struct delivery *queue, **queue_end;
    bool is_closing;
    struct declaration *running;
};

struct net_query {
    void (*answer)(void *context, const struct net_bytes *reply, const char *refusal);
    void *context, *payload;
    size_t len;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct declaration *declarations;
static bool is_cut;
static unsigned lose_every, put_count;

const char *net_engine(void)
{
    return "fake 1";
}

/* ---- Delivery ---- */

static void unref_locked(struct content *content)
{
    if (--content->refs)
        return;
    pthread_mutex_unlock(&lock);
    if (content->done)
        content->done(content->owner);
    else
        free(content->data);
    free(content->attachment);
    free(content->key);
    free(content);
    pthread_mutex_lock(&lock);
}

static void push(struct declaration *to, struct delivery delivery)
{
    struct delivery *new = malloc(sizeof *new);
    *new = delivery;
    new->to = to;
    new->next = NULL;
    *to->net->queue_end = new;
    to->net->queue_end = &new->next;
    pthread_cond_broadcast(&changed);
}

static void drop(struct delivery *delivery)
{
    if (delivery->content)
        unref_locked(delivery->content);
    if (delivery->query) {
        pthread_mutex_unlock(&lock);
        net_decline(delivery->query, "gone");
        pthread_mutex_lock(&lock);
    }
    free(delivery->key);
    free(delivery);
}

static void deliver(struct delivery *delivery)
{
    struct declaration *to = delivery->to;
    if (delivery->content) {
        to->arrived(to->context, &delivery->content->sample);
    } else if (delivery->query) {
        struct net_query *query = delivery->query;
        delivery->query = NULL;
        to->asked(to->context, query, (struct net_bytes){query->payload, query->len});
    } else if (to->kind == PUBLISHER) {
        if (to->matching)
            to->matching(to->context, delivery->value);
    } else {
        to->changed(to->context, delivery->key, delivery->value);
    }
}

static void *run(void *context)
{
    struct net *net = context;
    pthread_mutex_lock(&lock);
    while (!net->is_closing) {
        struct delivery *delivery = net->queue;
        if (!delivery) {
            pthread_cond_wait(&changed, &lock);
            continue;
        }
        net->queue = delivery->next;
        if (!net->queue)
            net->queue_end = &net->queue;
        net->running = delivery->to;
        pthread_mutex_unlock(&lock);
        deliver(delivery);
        pthread_mutex_lock(&lock);
        net->running = NULL;
        pthread_cond_broadcast(&changed);
        drop(delivery);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* `*` is one chunk. */
static bool matches(const char *pattern, const char *key)
{
    for (; *pattern && *pattern != '*'; pattern++, key++)
        if (*pattern != *key)
            return false;
    if (!*pattern)
        return !*key;
    return matches(pattern + 1, key + strcspn(key, "/"));
}

static bool reaches(const struct net *from, const struct net *to)
{
    return from != to && !is_cut;
}

static void update_matches(void)
{
    for (struct declaration *p = declarations; p; p = p->next) {
        bool is_matched = false;
        for (struct declaration *s = declarations; s && p->kind == PUBLISHER; s = s->next)
            is_matched |= s->kind == SUBSCRIBER && reaches(p->net, s->net) && matches(s->key, p->key);
        if (p->kind == PUBLISHER && is_matched != p->is_matched)
            push(p, (struct delivery){.value = p->is_matched = is_matched});
    }
}

static void tell_watches(const struct declaration *token, bool is_alive)
{
    for (struct declaration *w = declarations; w; w = w->next)
        if (w->kind == WATCH && matches(w->key, token->key))
            push(w, (struct delivery){.key = strdup(token->key), .value = is_alive});
}

void fake_net_cut(bool cut, bool is_noticed)
{
    pthread_mutex_lock(&lock);
    is_cut = cut;
    if (is_noticed)
        update_matches();
    pthread_mutex_unlock(&lock);
}

void fake_net_lose(unsigned every)
{
    pthread_mutex_lock(&lock);
    lose_every = every;
    pthread_mutex_unlock(&lock);
}

/* ---- Sessions ---- */

int net_open(struct net **out, const struct net_options *options, struct error *error)
{
    (void)options;
    (void)error;
    struct net *net = calloc(1, sizeof *net);
    net->queue_end = &net->queue;
    pthread_create(&net->thread, NULL, run, net);
    *out = net;
    return 0;
}

void net_close(struct net *net)
{
    if (!net)
        return;
    pthread_mutex_lock(&lock);
    net->is_closing = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(net->thread, NULL);
    pthread_mutex_lock(&lock);
    while (net->queue) {
        struct delivery *delivery = net->queue;
        net->queue = delivery->next;
        drop(delivery);
    }
    pthread_mutex_unlock(&lock);
    free(net);
}

static struct declaration *declare(struct net *net, const char *key, struct declaration what)
{
    struct declaration *new = malloc(sizeof *new);
    *new = what;
    new->net = net;
    new->key = strdup(key);
    pthread_mutex_lock(&lock);
    new->next = declarations;
    declarations = new;
    update_matches();
    if (new->kind == TOKEN)
        tell_watches(new, true);
    for (struct declaration *t = declarations; t && new->kind == WATCH; t = t->next)
        if (t->kind == TOKEN && matches(new->key, t->key))
            push(new, (struct delivery){.key = strdup(t->key), .value = true});
    pthread_mutex_unlock(&lock);
    return new;
}

static void undeclare(void *declaration)
{
    struct declaration *gone = declaration;
    if (!gone)
        return;
    pthread_mutex_lock(&lock);
    struct declaration **at = &declarations;
    while (*at != gone)
        at = &(*at)->next;
    *at = gone->next;
    struct net *net = gone->net;
    for (struct delivery **d = &net->queue; *d;) {
        struct delivery *delivery = *d;
        if (delivery->to != gone) {
            d = &delivery->next;
            continue;
        }
        *d = delivery->next;
        if (!*d)
            net->queue_end = d;
        drop(delivery);
        d = &net->queue;
    }
    while (net->running == gone)
        pthread_cond_wait(&changed, &lock);
    update_matches();
    if (gone->kind == TOKEN)
        tell_watches(gone, false);
    pthread_mutex_unlock(&lock);
    free(gone->key);
    free(gone);
}

/* ---- What the header offers ---- */

void net_copy(const struct net_sample *sample, void *to)
{
    for (size_t i = 0; i < sample->piece_count; i++) {
        memcpy(to, sample->pieces[i].data, sample->pieces[i].len);
        to = (char *)to + sample->pieces[i].len;
    }
}

const struct net_sample *net_keep(const struct net_sample *sample)
{
    struct content *content = sample->owner;
    pthread_mutex_lock(&lock);
    content->refs++;
    pthread_mutex_unlock(&lock);
    return sample;
}

void net_release(const struct net_sample *kept)
{
    if (!kept)
        return;
    pthread_mutex_lock(&lock);
    unref_locked(kept->owner);
    pthread_mutex_unlock(&lock);
}

int net_publisher_open(struct net_publisher **publisher, struct net *net, const char *key,
                       const struct net_publisher_options *options, struct error *error)
{
    (void)error;
    struct declaration what = {.kind = PUBLISHER};
    if (options)
        what.matching = options->matching, what.context = options->context;
    *publisher = (struct net_publisher *)declare(net, key, what);
    return 0;
}

void net_publisher_close(struct net_publisher *publisher)
{
    undeclare(publisher);
}

int net_put(struct net_publisher *publisher, const void *data, size_t len, const void *attachment,
            size_t attachment_len, void (*done)(void *owner), void *owner)
{
    struct declaration *p = (struct declaration *)publisher;
    struct content *content = malloc(sizeof *content);
    *content = (struct content){
        .refs = 1, .data = (void *)data, .len = len, .attachment_len = attachment_len, .done = done, .owner = owner};
    if (!done)
        content->data = len ? memcpy(malloc(len), data, len) : NULL;
    content->attachment = attachment_len ? memcpy(malloc(attachment_len), attachment, attachment_len) : NULL;
    content->key = strdup(p->key);
    size_t half = len / 2;
    content->pieces[0] = (struct net_bytes){content->data, len - half};
    content->pieces[1] = (struct net_bytes){(char *)content->data + len - half, half};
    content->sample = (struct net_sample){.key = content->key,
                                          .pieces = content->pieces,
                                          .piece_count = len == 0    ? 0
                                                         : half == 0 ? 1
                                                                     : 2,
                                          .len = len,
                                          .attachment = {content->attachment, content->attachment_len},
                                          .encoding = "",
                                          .owner = content};
    pthread_mutex_lock(&lock);
    bool is_lost = lose_every && ++put_count % lose_every == 0;
    for (struct declaration *s = declarations; s && !is_lost; s = s->next)
        if (s->kind == SUBSCRIBER && reaches(p->net, s->net) && matches(s->key, p->key)) {
            content->refs++;
            push(s, (struct delivery){.content = content});
        }
    unref_locked(content);
    pthread_mutex_unlock(&lock);
    return 0;
}

int net_subscriber_open(struct net_subscriber **subscriber, struct net *net, const char *key,
                        void (*arrived)(void *context, const struct net_sample *sample), void *context,
                        struct error *error)
{
    (void)error;
    struct declaration what = {.kind = SUBSCRIBER, .arrived = arrived, .context = context};
    *subscriber = (struct net_subscriber *)declare(net, key, what);
    return 0;
}

void net_subscriber_close(struct net_subscriber *subscriber)
{
    undeclare(subscriber);
}

int net_queryable_open(struct net_queryable **queryable, struct net *net, const char *key,
                       void (*asked)(void *context, struct net_query *query, struct net_bytes payload), void *context,
                       struct error *error)
{
    (void)error;
    struct declaration what = {.kind = QUERYABLE, .asked = asked, .context = context};
    *queryable = (struct net_queryable *)declare(net, key, what);
    return 0;
}

void net_queryable_close(struct net_queryable *queryable)
{
    undeclare(queryable);
}

static void finish(struct net_query *query)
{
    query->answer(query->context, NULL, NULL);
    free(query->payload);
    free(query);
}

int net_reply(struct net_query *query, const void *data, size_t len)
{
    query->answer(query->context, &(struct net_bytes){data, len}, NULL);
    finish(query);
    return 0;
}

void net_decline(struct net_query *query, const char *why)
{
    query->answer(query->context, NULL, why);
    finish(query);
}

/* One answers at most. */
int net_ask(struct net *net, const char *key, const void *data, size_t len, int64_t timeout_ns,
            void (*answer)(void *context, const struct net_bytes *reply, const char *refusal), void *context,
            struct error *error)
{
    (void)timeout_ns;
    (void)error;
    struct net_query *query = malloc(sizeof *query);
    *query = (struct net_query){answer, context, len ? memcpy(malloc(len), data, len) : NULL, len};
    pthread_mutex_lock(&lock);
    struct declaration *q = declarations;
    while (q && !(q->kind == QUERYABLE && reaches(net, q->net) && matches(q->key, key)))
        q = q->next;
    if (q)
        push(q, (struct delivery){.query = query});
    pthread_mutex_unlock(&lock);
    if (!q)
        finish(query);
    return 0;
}

int net_token_open(struct net_token **token, struct net *net, const char *key, struct error *error)
{
    (void)error;
    *token = (struct net_token *)declare(net, key, (struct declaration){.kind = TOKEN});
    return 0;
}

void net_token_close(struct net_token *token)
{
    undeclare(token);
}

int net_watch_open(struct net_watch **watch, struct net *net, const char *key,
                   void (*change)(void *context, const char *key, bool is_alive), void *context, struct error *error)
{
    (void)error;
    *watch = (struct net_watch *)declare(net, key,
                                         (struct declaration){.kind = WATCH, .changed = change, .context = context});
    return 0;
}

void net_watch_close(struct net_watch *watch)
{
    undeclare(watch);
}
