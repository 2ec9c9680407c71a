/* The bytes of a message's meta part: numbers of variable length (LEB128: seven bits a byte, least significant first,
 * the top bit set in all but the last; never longer than needed), text with its NUL, and raw bytes. */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw values are sent as they lie in memory");

/* Appends to `bytes`, which the caller made large enough; where it is NULL, only counts. */
struct wire_out {
    uint8_t *bytes;
    size_t used;
};

static inline void wire_put(struct wire_out *out, const void *data, size_t size)
{
    if (out->bytes && size)
        memcpy(out->bytes + out->used, data, size);
    out->used += size;
}

static inline void wire_put_byte(struct wire_out *out, uint8_t byte)
{
    wire_put(out, &byte, 1);
}

static inline void wire_put_text(struct wire_out *out, const char *text)
{
    wire_put(out, text, strlen(text) + 1);
}

static inline void wire_put_number(struct wire_out *out, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        wire_put_byte(out, (uint8_t)(number | 0x80));
    wire_put_byte(out, (uint8_t)number);
}

/* Numbers near zero of either sign are short. */
static inline void wire_put_signed(struct wire_out *out, int64_t number)
{
    wire_put_number(out, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
}

/* What is left to read. Each function returns false, with nothing usable, where the bytes are not what it reads. */
struct wire_in {
    const uint8_t *at, *end;
};

/* The next `size` bytes, where they lie. */
static inline bool wire_get(struct wire_in *in, uint64_t size, const void **data)
{
    if (size > (uint64_t)(in->end - in->at))
        return false;
    *data = in->at;
    in->at += size;
    return true;
}

static inline bool wire_get_byte(struct wire_in *in, uint8_t *byte)
{
    if (in->at == in->end)
        return false;
    *byte = *in->at++;
    return true;
}

static inline bool wire_get_text(struct wire_in *in, const char **text)
{
    const uint8_t *nul = in->at < in->end ? memchr(in->at, 0, (size_t)(in->end - in->at)) : NULL;
    if (!nul)
        return false;
    *text = (const char *)in->at;
    in->at = nul + 1;
    return true;
}

static inline bool wire_get_number(struct wire_in *in, uint64_t *number)
{
    *number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte;
        if (!wire_get_byte(in, &byte) || (shift == 63 && byte > 1))
            return false;
        *number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return byte != 0 || shift == 0;
    }
    return false;
}

static inline bool wire_get_signed(struct wire_in *in, int64_t *number)
{
    uint64_t folded;
    if (!wire_get_number(in, &folded))
        return false;
    *number = (int64_t)(folded >> 1 ^ -(folded & 1));
    return true;
}

#endif
