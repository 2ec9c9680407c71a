#include "gateway/stream.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

static const char MAGIC[4] = "DORA";
enum { VERSION = 1 };

static void put(uint8_t *out, uint64_t value)
{
    value = htole64(value);
    memcpy(out, &value, sizeof value);
}

static uint64_t get(const uint8_t *in)
{
    uint64_t value;
    memcpy(&value, in, sizeof value);
    return le64toh(value);
}

size_t stream_head_write(const struct stream_head *head, uint8_t out[STREAM_HEAD_MOST])
{
    memcpy(out, MAGIC, sizeof MAGIC);
    out[4] = VERSION;
    out[5] = (uint8_t)head->kind;
    out[6] = (uint8_t)head->flags;
    out[7] = 0;
    put(out + 8, head->epoch);
    put(out + 16, head->number);
    if (head->kind != STREAM_ACK)
        return STREAM_HEAD;
    put(out + STREAM_HEAD, head->handed);
    put(out + STREAM_HEAD + 8, head->expected);
    return STREAM_ACK_HEAD;
}

int stream_head_read(const void *bytes, size_t len, struct stream_head *head)
{
    const uint8_t *in = bytes;
    if (len < STREAM_HEAD || memcmp(in, MAGIC, sizeof MAGIC) != 0 || in[4] != VERSION || in[5] < STREAM_DATA ||
        in[5] > STREAM_ACK || in[6] & ~(STREAM_FIRST | STREAM_AGAIN | STREAM_TAIL) || in[7])
        return -EBADMSG;
    *head = (struct stream_head){.kind = in[5], .flags = in[6], .epoch = get(in + 8), .number = get(in + 16)};
    /* Numbers that wrap round would take 2^64 messages. */
    if (head->epoch == 0 || head->number > INT64_MAX)
        return -EBADMSG;
    if (head->flags & STREAM_TAIL && head->kind != STREAM_DATA)
        return -EBADMSG;
    if (head->kind != STREAM_ACK)
        return head->flags & STREAM_AGAIN ||
                       (head->kind != STREAM_DATA && head->kind != STREAM_PART && len != STREAM_HEAD)
                   ? -EBADMSG
                   : 0;
    if (len != STREAM_ACK_HEAD || head->flags & STREAM_FIRST)
        return -EBADMSG;
    head->handed = get(in + STREAM_HEAD);
    head->expected = get(in + STREAM_HEAD + 8);
    return head->number <= head->handed && head->handed <= head->expected && head->expected <= INT64_MAX ? 0 : -EBADMSG;
}

void stream_message_write(const struct stream_message *message, uint8_t out[STREAM_MESSAGE_HEAD])
{
    uint32_t meta_len = htole32(message->meta_len), rest = htole32(message->missed << 8 | (uint8_t)message->format);
    out += STREAM_HEAD;
    put(out, message->sequence);
    put(out + 8, message->timestamp);
    memcpy(out + 16, &rest, sizeof rest);
    memcpy(out + 20, &meta_len, sizeof meta_len);
}

int stream_message_read(const void *bytes, size_t len, struct stream_message *message)
{
    const uint8_t *in = bytes;
    uint32_t meta_len, rest;
    if (len < STREAM_MESSAGE_HEAD)
        return -EBADMSG;
    in += STREAM_HEAD;
    memcpy(&meta_len, in + 20, sizeof meta_len);
    memcpy(&rest, in + 16, sizeof rest);
    *message = (struct stream_message){.sequence = get(in),
                                       .timestamp = get(in + 8),
                                       .format = (char)in[16],
                                       .missed = le32toh(rest) >> 8,
                                       .meta = in + 24,
                                       .meta_len = le32toh(meta_len)};
    return message->meta_len != len - STREAM_MESSAGE_HEAD ? -EBADMSG : 0;
}

void stream_part_write(const struct stream_part *part, uint8_t out[STREAM_PART_HEAD])
{
    put(out + STREAM_HEAD, part->size);
    put(out + STREAM_HEAD + 8, part->offset);
}

int stream_part_read(const void *bytes, size_t len, struct stream_part *part)
{
    const uint8_t *in = bytes;
    if (len != STREAM_PART_HEAD)
        return -EBADMSG;
    *part = (struct stream_part){get(in + STREAM_HEAD), get(in + STREAM_HEAD + 8)};
    return part->offset < part->size && part->size <= INT64_MAX ? 0 : -EBADMSG;
}

uint64_t stream_epoch(void)
{
    uint64_t epoch = 0;
    while (epoch == 0)
        if (getrandom(&epoch, sizeof epoch, 0) != sizeof epoch)
            epoch = clock_ntp64();
    return epoch;
}
