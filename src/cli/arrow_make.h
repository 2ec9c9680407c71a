/* JSON as an Arrow array. */
#ifndef CLI_ARROW_MAKE_H
#define CLI_ARROW_MAKE_H

#include <jansson.h>

#include "base/error.h"
#include "dora/arrow_abi.h"

/* An array with the elements of a list, or with the one value that is no list: int64, float64 (also where whole numbers
 * stand among others), utf8 or bool, with null where null stands; only nulls, or nothing: null. 0: both structs are the
 * caller's, to release; -EINVAL: the elements are of several kinds, or lists or objects; -ENOMEM. */
int arrow_make(const json_t *value, struct ArrowArray *array, struct ArrowSchema *schema, struct error *error);

#endif
