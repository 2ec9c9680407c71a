/* The receiver's end of a stream: which message is the next one, and what to say of it. Logic alone, as stream_tx.h.
 */
#ifndef GATEWAY_STREAM_RX_H
#define GATEWAY_STREAM_RX_H

#include <stdbool.h>

#include "gateway/stream.h"

enum { STREAM_RETIRED = 4 };

struct stream_rx {
    uint64_t epoch;                   /* 0: none yet */
    uint64_t retired[STREAM_RETIRED]; /* epochs before it: what still comes of them is late */
    uint64_t expected, handed, acked; /* handed: all below it are handed on */
    uint64_t complete;                /* no message has parts on both sides of it; below `handed` */
    uint64_t bytes;                   /* handed on, and not acknowledged */
    int64_t ack_at;
    bool has_told;     /* of this gap */
    bool is_asked;     /* an answer is due */
    bool again;        /* and it says so */
    uint64_t stranger; /* the answer is for this epoch, not ours; 0: it is for ours */
    uint64_t told_stranger;
    uint64_t duplicates, gaps, lost;
};

void stream_rx_open(struct stream_rx *rx);

/* A message of the sender has come, PROBE or numbered. Whether it is the next one, to be handed on; else it is to be
 * dropped. Either way, an acknowledgement may be due. */
bool stream_rx_take(struct stream_rx *rx, const struct stream_head *head);

/* A message that was taken is handed on; in their order. */
void stream_rx_handed(struct stream_rx *rx, const struct stream_head *head, size_t size, int64_t now);

/* The acknowledgement that is due by `now`: 1; 0: none, before `*until`. */
int stream_rx_ack(struct stream_rx *rx, int64_t now, struct stream_head *ack, int64_t *until);

#endif
