/* Any bytes as a JSON string. */
#ifndef DAEMON_JSON_TEXT_H
#define DAEMON_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends the text with quotes and escapes; what is not UTF-8 becomes U+FFFD. */
void json_text_add(struct buf *out, const char *text, size_t len);

/* Whether it is UTF-8 without control characters other than tab, line feed and carriage return. */
bool json_text_is_plain(const char *text, size_t len);

#endif
