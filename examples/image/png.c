#include "png.h"

#include <errno.h>
#include <stdio.h>

/* A chunk is length, name, content and a CRC of name and content; one is written piece by piece. */
struct chunk {
    FILE *file;
    uint32_t crc;
};

static void put(struct chunk *chunk, const void *data, size_t len)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < len; i++) {
        chunk->crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            chunk->crc = chunk->crc >> 1 ^ (chunk->crc & 1 ? 0xedb88320 : 0);
    }
    fwrite(data, 1, len, chunk->file);
}

static void put32(struct chunk *chunk, uint32_t value)
{
    unsigned char bytes[4] = {value >> 24 & 255, value >> 16 & 255, value >> 8 & 255, value & 255};
    put(chunk, bytes, 4);
}

static void begin(struct chunk *chunk, const char *name, uint32_t len)
{
    put32(chunk, len);
    chunk->crc = 0xffffffff;
    put(chunk, name, 4);
}

static void end(struct chunk *chunk)
{
    put32(chunk, ~chunk->crc);
}

/* The sum that ends a zlib stream. */
static uint32_t adler(uint32_t sum, const unsigned char *bytes, size_t len)
{
    uint32_t a = sum & 0xffff, b = sum >> 16;
    for (size_t i = 0; i < len; i++) {
        a = (a + bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    return b << 16 | a;
}

/* Each row of the image, one byte of filter type before it, is a stored block of the zlib stream. */
static void put_rows(struct chunk *chunk, const unsigned char *rgb, uint32_t width, uint32_t height)
{
    uint16_t len = (uint16_t)(1 + 3 * width);
    uint32_t sum = 1;
    put(chunk, "\x78\x01", 2);
    for (uint32_t y = 0; y < height; y++) {
        unsigned char head[] = {y + 1 == height, len & 255, len >> 8, ~len & 255, ~len >> 8 & 255, 0};
        const unsigned char *row = rgb + (size_t)3 * width * y;
        put(chunk, head, sizeof head);
        put(chunk, row, len - 1u);
        sum = adler(adler(sum, head + 5, 1), row, len - 1u);
    }
    put32(chunk, sum);
}

int png_write(const char *path, const unsigned char *rgb, uint32_t width, uint32_t height)
{
    if (width == 0 || height == 0 || width > 21844 || height > 21844) /* a stored block holds 65535 bytes */
        return -EINVAL;
    struct chunk chunk = {fopen(path, "wb"), 0};
    if (!chunk.file)
        return -errno;
    fwrite("\x89PNG\r\n\x1a\n", 1, 8, chunk.file);
    begin(&chunk, "IHDR", 13);
    put32(&chunk, width);
    put32(&chunk, height);
    put(&chunk, "\x08\x02\0\0\0", 5); /* 8 bits of red, green and blue */
    end(&chunk);
    begin(&chunk, "IDAT", 2 + height * (6 + 3 * width) + 4);
    put_rows(&chunk, rgb, width, height);
    end(&chunk);
    begin(&chunk, "IEND", 0);
    end(&chunk);
    int failed = ferror(chunk.file);
    return fclose(chunk.file) != 0 || failed ? -EIO : 0;
}
