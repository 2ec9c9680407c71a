/* A message's parameters as JSON; the way back is params/from_json.h. */
#ifndef CLI_PARAMS_JSON_H
#define CLI_PARAMS_JSON_H

#include "base/buf.h"
#include "dora/dora.h"

/* Appends an object: parameter → value; a timestamp is a text in ISO 8601. */
void params_json_put(struct buf *out, const dora_params *params);

#endif
