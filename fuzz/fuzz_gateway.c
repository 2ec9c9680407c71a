/* What comes to the gateway over the network: heads and messages of streams, the attachments of zenoh programs, and the
 * first line of a tunnel; the first byte chooses. What was taken for right must be so. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/foreign_json.h"
#include "gateway/hello.h"
#include "gateway/stream_rx.h"
#include "gateway/stream_tx.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void release(void *context, void *owner)
{
    (void)context, (void)owner;
}

/* Heads, one after the other, for both ends of a stream. */
static void fuzz_stream(const uint8_t *data, size_t size)
{
    struct stream_tx tx;
    struct stream_rx rx;
    struct stream_item item = {.kind = STREAM_DATA, .size = 8};
    struct stream_head head, out;
    int64_t now = 0, until;
    stream_tx_open(&tx, 1);
    stream_rx_open(&rx);
    for (; size >= 1; now += CLOCK_MILLI) {
        size_t len = data[0] % 48 < size - 1 ? data[0] % 48 : size - 1;
        if (data[0] >= 128 && stream_tx_has_room(&tx) && stream_tx_add(&tx, item, now) < 0)
            break;
        stream_tx_matched(&tx, data[0] & 64, now);
        if (stream_head_read(data + 1, len, &head) == 0) {
            uint8_t bytes[STREAM_HEAD_MOST];
            size_t written = stream_head_write(&head, bytes);
            if (written > len || memcmp(bytes, data + 1, written) != 0)
                abort();
            if (head.kind == STREAM_ACK)
                stream_tx_ack(&tx, &head, now, release, NULL);
            else if (stream_rx_take(&rx, &head))
                stream_rx_handed(&rx, &head, len, now);
        }
        while (stream_tx_next(&tx, now, &out, &item, &until) == 1)
            if (out.number > tx.next)
                abort();
        while (stream_rx_ack(&rx, now, &out, &until) == 1)
            if (out.number > out.handed || out.handed > out.expected)
                abort();
        if (tx.oldest > tx.credited || tx.credited > tx.cursor || tx.cursor > tx.sent || tx.sent > tx.next ||
            rx.complete > rx.handed || rx.handed > rx.expected)
            abort();
        data += 1 + len;
        size -= 1 + len;
    }
    while (stream_tx_drain(&tx, &item))
        ;
}

static void fuzz_message(const uint8_t *data, size_t size)
{
    struct stream_message message;
    struct stream_head head;
    /* In memory of its own, so that a byte too far is noticed. */
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return;
    memcpy(copy, data, size);
    struct stream_part part;
    if (stream_part_read(copy, size, &part) == 0 && part.offset >= part.size)
        abort();
    if (stream_head_read(copy, size, &head) == 0 && stream_message_read(copy, size, &message) == 0)
        for (size_t i = 0; i < message.meta_len; i++)
            if (((const uint8_t *)message.meta)[i] != copy[STREAM_MESSAGE_HEAD + i])
                abort();
    free(copy);
}

static void fuzz_foreign(const uint8_t *data, size_t size)
{
    dora_params *params;
    char format;
    if (foreign_read(data, size, &format, &params) == 0) {
        for (size_t i = 0; params && i < dora_params_count(params); i++)
            if (dora_params_get(params, dora_params_at(params, i)->key) != dora_params_at(params, i))
                abort();
        dora_params_free(params);
    }
}

static void fuzz_hello(const uint8_t *data, size_t size)
{
    size_t len;
    char *line = hello_from((const char *)data, size, "machine", &len);
    if (line && (strlen(line) != len || line[len - 1] != '\n' || strchr(line, '\n') != line + len - 1 ||
                 !strstr(line, "\"machine\":\"machine\"")))
        abort();
    free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(const uint8_t *data, size_t size) = {fuzz_stream, fuzz_message, fuzz_foreign,
                                                                        fuzz_hello};
    if (size)
        targets[data[0] % 4](data + 1, size - 1);
    return 0;
}
