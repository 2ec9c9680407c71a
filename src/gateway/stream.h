/* The form of a stream's messages (docs/machines.md): the head of their attachment, and what follows it for the data of
 * an edge. What is read comes from the network, and is checked whole.
 */
#ifndef GATEWAY_STREAM_H
#define GATEWAY_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

enum stream_kind {
    STREAM_DATA = 1, /* a message, or the last piece of one */
    STREAM_PART,     /* a piece of the message whose DATA follows */
    STREAM_END,
    STREAM_FAILED,
    STREAM_RESTARTED, /* up to here messages are numbered */
    STREAM_PROBE,
    STREAM_ACK,
};

enum stream_flag {
    STREAM_FIRST = 1, /* the sender keeps nothing older */
    STREAM_AGAIN = 2, /* ACK: send from `expected` on */
    STREAM_TAIL = 4,  /* DATA: parts have gone before it */
};

enum {
    STREAM_HEAD = 24, /* bytes */
    STREAM_ACK_HEAD = 40,
    STREAM_HEAD_MOST = 40,
    STREAM_PIECE = 1 << 20, /* of an edge's message, at most */

    /* The window: what a sender keeps at most, though never less than two messages. */
    STREAM_MESSAGES = 4096,
    STREAM_BYTES = 8 << 20,
};

static const int64_t STREAM_ACK_DELAY = 5 * CLOCK_MILLI;

struct stream_head {
    enum stream_kind kind;
    unsigned flags;
    uint64_t epoch, number;
    uint64_t handed, expected; /* ACK; its number: all messages below are complete */
};

/* Returns the bytes written. */
size_t stream_head_write(const struct stream_head *head, uint8_t out[STREAM_HEAD_MOST]);
/* What follows begins behind STREAM_HEAD. 0 or -EBADMSG. */
int stream_head_read(const void *bytes, size_t len, struct stream_head *head);

/* What an edge's DATA says beside its payload. */
struct stream_message {
    uint64_t sequence, timestamp; /* NTP64 */
    const void *meta;
    uint32_t meta_len;
    uint32_t missed; /* messages that the sender's queue dropped since the one before: STREAM_MISSED at most */
    char format;
};

enum { STREAM_MESSAGE_HEAD = STREAM_HEAD + 24, STREAM_MISSED = (1 << 24) - 1 };

/* Writes all but the head and meta. */
void stream_message_write(const struct stream_message *message, uint8_t out[STREAM_MESSAGE_HEAD]);
/* `meta` points into `bytes`. 0 or -EBADMSG. */
int stream_message_read(const void *bytes, size_t len, struct stream_message *message);

/* What an edge's PART says beside its payload: how large the whole message is, and where in it this one begins. */
struct stream_part {
    uint64_t size, offset;
};

enum { STREAM_PART_HEAD = STREAM_HEAD + 16 };

void stream_part_write(const struct stream_part *part, uint8_t out[STREAM_PART_HEAD]); /* all but the head */
int stream_part_read(const void *bytes, size_t len, struct stream_part *part);         /* 0 or -EBADMSG */

uint64_t stream_epoch(void); /* a random one, never 0 */

#endif
