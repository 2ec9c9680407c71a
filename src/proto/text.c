#include "proto/text.h"

#include <string.h>

#include "proto/wire.h"

enum { ALIGN = 64, NULLABLE = 2 };

static size_t align(size_t size)
{
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

size_t text_payload_size(size_t len)
{
    return ALIGN + align(len);
}

void text_payload_write(void *payload, const char *text, size_t len)
{
    const int32_t offsets[2] = {0, (int32_t)len};
    char *bytes = payload;
    memset(bytes, 0, ALIGN);
    memcpy(bytes, offsets, sizeof offsets);
    memcpy(bytes + ALIGN, text, len);
    memset(bytes + ALIGN + len, 0, align(len) - len);
}

size_t text_meta_write(uint8_t meta[TEXT_META_MOST], size_t len)
{
    /* In front of the type: how long the parameters are. */
    const uint32_t params = 0;
    struct wire_out out = {.bytes = meta};
    wire_put(&out, &params, sizeof params);
    wire_put_number(&out, 1); /* fields */
    wire_put_number(&out, 0); /* blocks of views */
    wire_put_byte(&out, 0);   /* what: neither name, metadata, dictionary nor validity */
    wire_put_text(&out, "u");
    wire_put_number(&out, NULLABLE);
    wire_put_number(&out, 0); /* children */
    wire_put_number(&out, 1); /* length */
    wire_put_number(&out, 0); /* offset */
    wire_put_number(&out, len);
    return out.used;
}
