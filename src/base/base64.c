#include "base/base64.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_write(const void *data, size_t size)
{
    const uint8_t *in = data;
    char *text = malloc((size + 2) / 3 * 4 + 1), *out = text;
    if (!text)
        return NULL;
    for (size_t i = 0; i < size; i += 3) {
        size_t left = size - i;
        uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (left > 2 ? in[i + 2] : 0);
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = left > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = left > 2 ? digits[bits & 63] : '=';
    }
    *out = '\0';
    return text;
}

void *base64_read(const char *text, size_t *size)
{
    size_t len = strlen(text);
    size_t padding = len > 0 && text[len - 1] == '=' ? 1 + (len > 1 && text[len - 2] == '=') : 0;
    uint8_t values[256];
    uint8_t *data = len % 4 == 0 ? malloc(len / 4 * 3 + 1) : NULL;
    if (!data)
        return NULL;
    memset(values, 0xff, sizeof values);
    for (uint8_t i = 0; i < 64; i++)
        values[(uint8_t)digits[i]] = i;
    uint32_t bits = 0;
    *size = 0;
    for (size_t i = 0; i < len; i++) {
        uint8_t value = i >= len - padding ? 0 : values[(uint8_t)text[i]];
        if (value > 63) {
            free(data);
            return NULL;
        }
        bits = bits << 6 | value;
        if (i % 4 != 3)
            continue;
        data[(*size)++] = (uint8_t)(bits >> 16);
        data[(*size)++] = (uint8_t)(bits >> 8);
        data[(*size)++] = (uint8_t)bits;
    }
    *size -= padding;
    return data;
}
