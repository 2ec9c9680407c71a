/* The sender's end of a stream: which messages are kept, which goes next, and when to ask.
 *
 *     oldest        credited        cursor          sent          next
 *     ──┬──────────────┬───────────────┬───────────────┬─────────────┬──▶ numbers
 *       │ handed on,   │ sent          │ to be sent    │ not yet     │
 *       │ not complete │               │ again         │ sent        │
 *
 * What lies from `credited` on counts in the window. Of a message in parts all are kept until it is complete over
 * there, so that a receiver that is started anew gets it from its beginning.
 *
 * Logic alone: no clock, no thread, no engine. One thread at a time.
 */
#ifndef GATEWAY_STREAM_TX_H
#define GATEWAY_STREAM_TX_H

#include <stdbool.h>

#include "gateway/stream.h"

struct stream_item {
    enum stream_kind kind;
    size_t size;     /* bytes that count in the window */
    uint64_t offset; /* of a piece, for the owner */
    void *owner;
};

struct stream_tx {
    uint64_t epoch, oldest, credited, cursor, sent, next;
    uint64_t bytes; /* from `credited` on */
    struct stream_item *items;
    uint32_t capacity; /* a power of two */
    bool is_matched;   /* somebody subscribes */
    bool is_asking;    /* nothing more is sent until the probe is answered */
    int64_t probe_at, patience;
    uint64_t resent;
};

void stream_tx_open(struct stream_tx *tx, uint64_t epoch);
/* Takes out what is kept, oldest first; false: nothing is. After the last, the struct holds no memory. */
bool stream_tx_drain(struct stream_tx *tx, struct stream_item *item);

bool stream_tx_has_room(const struct stream_tx *tx);
static inline uint64_t stream_tx_kept(const struct stream_tx *tx)
{
    return tx->next - tx->oldest;
}

int stream_tx_add(struct stream_tx *tx, struct stream_item item, int64_t now); /* -ENOMEM */

/* What to send now: 1: `*head`, and `*item` where it is not a PROBE; 0: nothing before `*until`, unless something
 * happens. */
int stream_tx_next(struct stream_tx *tx, int64_t now, struct stream_head *head, struct stream_item *item,
                   int64_t *until);

void stream_tx_matched(struct stream_tx *tx, bool is_matched, int64_t now);

/* An acknowledgement has come: `release` is called for what needn't be kept any more. false: it isn't about this
 * stream, or of what was never sent. */
bool stream_tx_ack(struct stream_tx *tx, const struct stream_head *ack, int64_t now,
                   void (*release)(void *context, void *owner), void *context);

#endif
