/* What zenoh programs are told of a message beside its data, and what they say of theirs (docs/machines.md).
 */
#ifndef GATEWAY_FOREIGN_JSON_H
#define GATEWAY_FOREIGN_JSON_H

#include <stddef.h>

#include "base/buf.h"
#include "dora/dora.h"

#define FOREIGN_ENCODING "application/vnd.dora.arrow"

/* Appends the JSON object of an INPUT event. */
void foreign_describe(struct buf *out, const dora_event *event);

/* What a program says of its message: `format` is a primitive type, "C" where it says nothing; `*params` is the
 * caller's, or NULL. 0, -ENOMEM, -EBADMSG: it makes no sense. */
int foreign_read(const void *attachment, size_t len, char *format, dora_params **params);

#endif
