/* What other threads have to say to the loop: posted by anyone, opened in the loop's thread, in order.
 */
#ifndef GATEWAY_MAILBOX_H
#define GATEWAY_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

/* Begins a struct of the poster's, which `open` frees. */
struct mail {
    struct mail *next;
    void (*open)(struct mail *mail);
};

struct mailbox {
    uv_async_t *async;
    pthread_mutex_t lock; /* over what follows */
    struct mail *first, **end;
    bool is_closed;
};

int mailbox_open(struct mailbox *mailbox, uv_loop_t *loop);
void mailbox_post(struct mailbox *mailbox, struct mail *mail);

/* Opens what is there; what is posted from now on is freed unopened. The loop has to run once more. */
void mailbox_close(struct mailbox *mailbox);

#endif
