/* A message as it lies in a ring: 128 bytes, of which small messages touch the first 64 only.
 *
 *     word 0      stamp: the ring position + 1, written last (see ring.h)
 *     word 1      sequence number of the output
 *     word 2      timestamp, NTP64
 *     word 3      format : 8 | flags : 8 | meta length : 16 | data length : 32      (lengths of inline parts, bytes)
 *     word 4 …    data, then meta; each either inline, filled up to whole words, or three words that name a block:
 *                 offset in the publisher's arena, size, block number
 *
 * `meta` is what is not payload: parameters, and the type where one character doesn't say it. Its layout, and the
 * meaning of `format`, are the node library's affair.
 */
#ifndef SHM_MESSAGE_H
#define SHM_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MESSAGE_WORDS = 16,
    MESSAGE_HEAD = 4,                                    /* words before the parts */
    MESSAGE_BLOCK = 3,                                   /* words that name a block */
    MESSAGE_INLINE = 8 * (MESSAGE_WORDS - MESSAGE_HEAD), /* bytes there is room for inline: 96 */
};

enum message_flag {
    MESSAGE_DATA_BLOCK = 1, /* the data is in a block */
    MESSAGE_META_BLOCK = 2,
    MESSAGE_PROTECTED = 4, /* drop it only when nothing else is left to drop */
    MESSAGE_FLUSH = 8,     /* drop what is queued and not protected before it */
};

struct message_block {
    uint64_t offset, size;
    uint32_t block;
};

struct message {
    uint64_t words[MESSAGE_WORDS];
};

/* Whether data and meta of these lengths fit inline together, and whether meta does beside a block of data. */
static inline bool message_fits(size_t data, size_t meta)
{
    return data <= MESSAGE_INLINE && meta <= MESSAGE_INLINE && (data + 7) / 8 + (meta + 7) / 8 <= MESSAGE_INLINE / 8;
}

static inline bool message_fits_meta(size_t meta)
{
    return meta <= 8 * (MESSAGE_WORDS - MESSAGE_HEAD - MESSAGE_BLOCK);
}

/* One part: bytes to put inline, or a block. */
struct message_part {
    const void *bytes;
    size_t len;
    const struct message_block *block; /* where not NULL, used instead of bytes */
};

/* Writes all but the stamp. The parts must fit. */
void message_pack(struct message *message, uint64_t sequence, uint64_t timestamp, char format, unsigned flags,
                  struct message_part data, struct message_part meta);

static inline char message_format(const struct message *m)
{
    return (char)(m->words[3] & 0xff);
}

static inline unsigned message_flags(const struct message *m)
{
    return m->words[3] >> 8 & 0xff;
}

/* Words in use, stamp included; more than MESSAGE_WORDS when word 3 is not to be believed. */
static inline size_t message_length(uint64_t word3)
{
    size_t data = word3 >> 8 & MESSAGE_DATA_BLOCK ? MESSAGE_BLOCK : ((word3 >> 32) + 7) / 8;
    size_t meta = word3 >> 8 & MESSAGE_META_BLOCK ? MESSAGE_BLOCK : ((word3 >> 16 & 0xffff) + 7) / 8;
    return MESSAGE_HEAD + data + meta;
}

/* Bytes of data, wherever they are. */
static inline uint64_t message_data_size(const struct message *m)
{
    return message_flags(m) & MESSAGE_DATA_BLOCK ? m->words[MESSAGE_HEAD + 1] : m->words[3] >> 32;
}

/* The parts of a message of at most MESSAGE_WORDS words. Inline: `bytes` and `len` point into `message`; else `block`
 * is filled and `bytes` is NULL. */
void message_data(const struct message *message, const void **bytes, size_t *len, struct message_block *block);
void message_meta(const struct message *message, const void **bytes, size_t *len, struct message_block *block);

#endif
