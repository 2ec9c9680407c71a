#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "gateway/foreign.h"
#include "gateway/foreign_json.h"
#include "node/node_raw.h"

/* What waits for the node; beyond it the oldest is dropped. */
enum { WAITING_MOST = 64, WAITING_BYTES = 64 << 20 };

struct waiting {
    struct waiting *next;
    dora_params *params;
    char format;
    size_t size;
    char bytes[];
};

struct foreign_feed {
    void (*left)(void *context);
    void *context;
    char *config, *output;
    pthread_t thread;
    bool is_started;

    pthread_mutex_t lock; /* over what follows */
    pthread_cond_t changed;
    dora_node *node;
    bool is_closed;
    struct waiting *queue, **queue_end;
    size_t count, bytes;
    uint64_t rejected;
};

static void forget(struct waiting *waiting)
{
    dora_params_free(waiting->params);
    free(waiting);
}

/* Under the lock. */
static struct waiting *pop(struct foreign_feed *feed)
{
    struct waiting *waiting = feed->queue;
    feed->queue = waiting->next;
    if (!feed->queue)
        feed->queue_end = &feed->queue;
    feed->count--;
    feed->bytes -= waiting->size;
    return waiting;
}

void foreign_feed_put(struct foreign_feed *feed, const struct net_sample *sample)
{
    dora_params *params = NULL;
    char format;
    struct waiting *waiting = NULL;
    int rc = foreign_read(sample->attachment.data, sample->attachment.len, &format, &params);
    if (rc == 0 && sample->len <= WAITING_BYTES)
        waiting = malloc(sizeof *waiting + sample->len);
    pthread_mutex_lock(&feed->lock);
    if (!waiting) {
        feed->rejected++;
        pthread_mutex_unlock(&feed->lock);
        dora_params_free(params);
        return;
    }
    *waiting = (struct waiting){.params = params, .format = format, .size = sample->len};
    net_copy(sample, waiting->bytes);
    *feed->queue_end = waiting;
    feed->queue_end = &waiting->next;
    feed->count++;
    feed->bytes += waiting->size;
    while (feed->count > WAITING_MOST || feed->bytes > WAITING_BYTES)
        forget(pop(feed));
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

static int send_one(const struct foreign_feed *feed, const struct waiting *waiting)
{
    dora_sample *sample;
    const char format[] = {waiting->format, '\0'};
    int rc = dora_loan(feed->node, waiting->size, &sample);
    if (rc < 0)
        return rc;
    if (waiting->size)
        memcpy(dora_sample_data(sample), waiting->bytes, waiting->size);
    return dora_send_sample(feed->node, feed->output, sample, format, waiting->params);
}

static void pass_on(struct foreign_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    while (!feed->is_closed) {
        if (!feed->queue) {
            pthread_cond_wait(&feed->changed, &feed->lock);
            continue;
        }
        struct waiting *waiting = pop(feed);
        pthread_mutex_unlock(&feed->lock);
        int rc = send_one(feed, waiting);
        forget(waiting);
        pthread_mutex_lock(&feed->lock);
        if (rc == -EINVAL)
            feed->rejected++;
    }
    pthread_mutex_unlock(&feed->lock);
}

static void set_node(struct foreign_feed *feed, dora_node *node)
{
    pthread_mutex_lock(&feed->lock);
    feed->node = node;
    pthread_mutex_unlock(&feed->lock);
}

static void *run(void *context)
{
    struct foreign_feed *feed = context;
    dora_node *node;
    if (node_raw_open(&node, feed->config, NULL, NULL) == 0) {
        set_node(feed, node);
        pass_on(feed);
        set_node(feed, NULL);
        dora_node_close(node);
    }
    feed->left(feed->context);
    return NULL;
}

int foreign_feed_open(struct foreign_feed **out, void (*left)(void *context), void *context)
{
    struct foreign_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return -ENOMEM;
    feed->left = left;
    feed->context = context;
    feed->queue_end = &feed->queue;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->changed, NULL);
    *out = feed;
    return 0;
}

int foreign_feed_start(struct foreign_feed *feed, const char *config, const char *output)
{
    feed->config = strdup(config);
    feed->output = strdup(output);
    int rc = feed->config && feed->output ? -pthread_create(&feed->thread, NULL, run, feed) : -ENOMEM;
    feed->is_started = rc == 0;
    return rc;
}

void foreign_feed_end(struct foreign_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->is_closed = true;
    if (feed->node)
        node_raw_cancel(feed->node);
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

void foreign_feed_free(struct foreign_feed *feed)
{
    if (!feed)
        return;
    if (feed->is_started)
        pthread_join(feed->thread, NULL);
    while (feed->queue)
        forget(pop(feed));
    pthread_mutex_destroy(&feed->lock);
    pthread_cond_destroy(&feed->changed);
    free(feed->config);
    free(feed->output);
    free(feed);
}

uint64_t foreign_feed_rejected(struct foreign_feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    uint64_t rejected = feed->rejected;
    pthread_mutex_unlock(&feed->lock);
    return rejected;
}
