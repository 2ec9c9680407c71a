#include "shm/message.h"

#include <string.h>

static size_t put(uint64_t *words, struct message_part part)
{
    if (part.block) {
        words[0] = part.block->offset;
        words[1] = part.block->size;
        words[2] = part.block->block;
        return MESSAGE_BLOCK;
    }
    size_t count = (part.len + 7) / 8;
    if (count) {
        words[count - 1] = 0;
        memcpy(words, part.bytes, part.len);
    }
    return count;
}

void message_pack(struct message *message, uint64_t sequence, uint64_t timestamp, char format, unsigned flags,
                  struct message_part data, struct message_part meta)
{
    uint64_t *words = message->words;
    flags |= (data.block ? MESSAGE_DATA_BLOCK : 0) | (meta.block ? MESSAGE_META_BLOCK : 0);
    words[1] = sequence;
    words[2] = timestamp;
    words[3] = (uint8_t)format | (uint64_t)flags << 8 | (uint64_t)(meta.block ? 0 : meta.len) << 16 |
               (uint64_t)(data.block ? 0 : data.len) << 32;
    size_t used = put(words + MESSAGE_HEAD, data);
    put(words + MESSAGE_HEAD + used, meta);
}

static void get(const uint64_t *words, bool in_block, size_t inline_len, const void **bytes, size_t *len,
                struct message_block *block)
{
    if (in_block) {
        *block = (struct message_block){words[0], words[1], (uint32_t)words[2]};
        *bytes = NULL;
        *len = words[1];
    } else {
        *block = (struct message_block){0, 0, UINT32_MAX};
        *bytes = words;
        *len = inline_len;
    }
}

void message_data(const struct message *m, const void **bytes, size_t *len, struct message_block *block)
{
    get(m->words + MESSAGE_HEAD, message_flags(m) & MESSAGE_DATA_BLOCK, m->words[3] >> 32, bytes, len, block);
}

void message_meta(const struct message *m, const void **bytes, size_t *len, struct message_block *block)
{
    size_t data = message_flags(m) & MESSAGE_DATA_BLOCK ? MESSAGE_BLOCK : ((m->words[3] >> 32) + 7) / 8;
    get(m->words + MESSAGE_HEAD + data, message_flags(m) & MESSAGE_META_BLOCK, m->words[3] >> 16 & 0xffff, bytes, len,
        block);
}
