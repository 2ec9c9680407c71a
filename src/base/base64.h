/* Base64 (RFC 4648), for what is no text in a control message. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

/* NUL-terminated, to be freed; NULL: no memory. */
char *base64_write(const void *data, size_t size);
/* The bytes, to be freed; NULL: no memory, or that is no Base64. `*size` is how many. */
void *base64_read(const char *text, size_t *size);

#endif
