/* JSON as an Arrow array. */
#ifndef CLI_ARROW_MAKE_H
#define CLI_ARROW_MAKE_H

#include <jansson.h>

#include "base/error.h"
#include "dora/arrow_abi.h"

/* An array with the elements of a list, or with the one value that is no list. The type is the simplest that holds them
 * all: int64, float64 (also where whole numbers stand among others), utf8, bool, list, or struct, whose fields are the
 * keys of all objects together; null where null stands or a key is missing; only nulls, or nothing: null. 0: both
 * structs are the caller's, to release; -EINVAL: the elements are of several kinds, or nested too deeply; -ENOMEM. */
int arrow_make(const json_t *value, struct ArrowArray *array, struct ArrowSchema *schema, struct error *error);

#endif
