#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "gateway/foreign.h"
#include "gateway/foreign_json.h"
#include "node/node_raw.h"

struct foreign_tap {
    struct foreign_options options;
    char *config;
    pthread_t thread;
    pthread_mutex_t lock; /* over `node` */
    dora_node *node;
    _Atomic bool is_closed;
};

static void done(void *event)
{
    node_raw_release(event);
}

static void pass_on(struct foreign_tap *tap, dora_node *node)
{
    autobuf struct buf attachment = {0};
    dora_event *event;
    int rc;
    /* acquire: pairs with foreign_tap_end, though nothing but the flag is read. */
    while (!atomic_load_explicit(&tap->is_closed, memory_order_acquire) &&
           ((rc = dora_next(node, &event, DORA_FOREVER)) == 0 || rc == -EINTR)) {
        if (rc == -EINTR)
            continue;
        if (dora_event_type(event) != DORA_EVENT_INPUT) {
            dora_event_free(event);
            continue;
        }
        buf_clear(&attachment);
        foreign_describe(&attachment, event);
        struct node_raw raw;
        node_raw_read(event, &raw);
        (void)net_put(tap->options.publisher, raw.size ? raw.data : NULL, raw.size, attachment.data, attachment.len,
                      done, event);
    }
}

static void set_node(struct foreign_tap *tap, dora_node *node)
{
    pthread_mutex_lock(&tap->lock);
    tap->node = node;
    pthread_mutex_unlock(&tap->lock);
}

static void *run(void *context)
{
    struct foreign_tap *tap = context;
    dora_node *node;
    if (node_raw_open(&node, tap->config, NULL, NULL) == 0) {
        set_node(tap, node);
        pass_on(tap, node);
        set_node(tap, NULL);
        dora_node_close(node);
    }
    tap->options.left(tap->options.context);
    return NULL;
}

int foreign_tap_open(struct foreign_tap **out, const struct foreign_options *options)
{
    struct foreign_tap *tap = calloc(1, sizeof *tap);
    if (!tap)
        return -ENOMEM;
    tap->options = *options;
    tap->config = strdup(options->config);
    pthread_mutex_init(&tap->lock, NULL);
    int rc = tap->config ? -pthread_create(&tap->thread, NULL, run, tap) : -ENOMEM;
    if (rc < 0) {
        free(tap->config);
        free(tap);
        return rc;
    }
    *out = tap;
    return 0;
}

void foreign_tap_end(struct foreign_tap *tap)
{
    pthread_mutex_lock(&tap->lock);
    /* release: see pass_on. */
    atomic_store_explicit(&tap->is_closed, true, memory_order_release);
    if (tap->node)
        node_raw_interrupt(tap->node);
    pthread_mutex_unlock(&tap->lock);
}

void foreign_tap_free(struct foreign_tap *tap)
{
    if (!tap)
        return;
    pthread_join(tap->thread, NULL);
    pthread_mutex_destroy(&tap->lock);
    free(tap->config);
    free(tap);
}
