/* A growable run of bytes, always followed by a NUL, for building text and messages.
 *
 * Appending never fails half-way: when memory runs out the buffer keeps what it had, `failed` is set, and every later
 * append is a no-op, so that a writer checks once, at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data; /* NULL until the first append */
    size_t len, cap;
    bool failed;
};

void buf_free(struct buf *buf);
void buf_clear(struct buf *buf); /* forgets the content, keeps the memory; clears `failed` */

/* Room for `len` more bytes behind the content, not yet counted in `len`; NULL when out of memory. */
char *buf_reserve(struct buf *buf, size_t len);
void buf_add(struct buf *buf, const void *data, size_t len);
void buf_puts(struct buf *buf, const char *text);
void buf_putc(struct buf *buf, char c);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text, owned by the caller (free()), or NULL when out of memory; the buffer is empty afterwards. */
char *buf_take(struct buf *buf);

#define autobuf __attribute__((cleanup(buf_free)))

#endif
