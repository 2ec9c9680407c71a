#include "daemon/json_text.h"

#include <stdint.h>

/* Bytes of the UTF-8 character at `text`, 0 if there is none. */
static size_t character(const unsigned char *text, size_t len)
{
    unsigned char first = text[0];
    if (first < 0x80)
        return 1;
    size_t size = first >= 0xc2 && first <= 0xdf   ? 2
                  : (first & 0xf0) == 0xe0         ? 3
                  : first >= 0xf0 && first <= 0xf4 ? 4
                                                   : 0;
    if (!size || size > len)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    /* Longer than need be, surrogates, beyond U+10FFFF. */
    unsigned char second = text[1];
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f))
        return 0;
    return size;
}

static void escape(struct buf *out, unsigned char c)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c < sizeof letters && letters[c])
        buf_printf(out, "\\%c", letters[c]);
    else
        buf_printf(out, "\\u%04x", c);
}

void json_text_add(struct buf *out, const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + len, *plain = at;
    buf_putc(out, '"');
    while (at < end) {
        size_t size = character(at, (size_t)(end - at));
        if (size && *at >= 0x20 && *at != '"' && *at != '\\') {
            at += size;
            continue;
        }
        buf_add(out, plain, (size_t)(at - plain));
        if (size)
            escape(out, *at);
        else
            buf_puts(out, "\xef\xbf\xbd");
        plain = ++at;
    }
    buf_add(out, plain, (size_t)(at - plain));
    buf_putc(out, '"');
}

bool json_text_is_plain(const char *text, size_t len)
{
    const unsigned char *at = (const unsigned char *)text, *end = at + len;
    while (at < end) {
        size_t size = character(at, (size_t)(end - at));
        if (!size || (*at < 0x20 && *at != '\t' && *at != '\n' && *at != '\r') || *at == 0x7f)
            return false;
        at += size;
    }
    return true;
}
