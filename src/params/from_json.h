/* Parameters of a message from JSON, for whoever takes them from people or from other programs. */
#ifndef PARAMS_FROM_JSON_H
#define PARAMS_FROM_JSON_H

#include <jansson.h>

#include "base/error.h"
#include "dora/dora.h"

/* Reads an object of true, false, numbers, texts, and lists of whole numbers, of numbers or of texts. `*params` is the
 * caller's; -EINVAL, -ENOMEM. */
int params_from_json(const json_t *object, dora_params **params, struct error *error);

#endif
