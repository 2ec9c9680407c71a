/* A message's parameters as JSON, both ways. */
#ifndef CLI_PARAMS_JSON_H
#define CLI_PARAMS_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "dora/dora.h"

/* Appends an object: parameter → value; a timestamp is a text in ISO 8601. */
void params_json_put(struct buf *out, const dora_params *params);

/* Reads an object of true, false, numbers, texts, and lists of whole numbers, of numbers or of texts. `*params` is the
 * caller's; -EINVAL, -ENOMEM. */
int params_json_read(const json_t *object, dora_params **params, struct error *error);

#endif
