/* Any bytes as a JSON string. */
#ifndef DAEMON_JSON_TEXT_H
#define DAEMON_JSON_TEXT_H

#include <stddef.h>

#include "base/buf.h"

/* Appends the text with quotes and escapes; what is not UTF-8 becomes U+FFFD. */
void json_text_add(struct buf *out, const char *text, size_t len);

#endif
