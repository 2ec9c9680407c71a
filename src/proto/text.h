/* A text as a message: as libdora reads an Arrow array of type Utf8 with one element, without parameters (node/arrow.h,
 * node/publish.c). For the daemon, which sends what nodes print and has no Arrow. */
#ifndef PROTO_TEXT_H
#define PROTO_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum { TEXT_FORMAT = '+' /* message.h's format: the type is in the meta part */, TEXT_META_MOST = 32 };

/* The payload of a text of `len` bytes, at most INT32_MAX. */
size_t text_payload_size(size_t len);
void text_payload_write(void *payload, const char *text, size_t len);

/* Writes the meta part; returns its size. */
size_t text_meta_write(uint8_t meta[TEXT_META_MOST], size_t len);

#endif
