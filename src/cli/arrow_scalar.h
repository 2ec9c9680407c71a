/* Single values of Arrow's types of fixed width, as JSON. */
#ifndef CLI_ARROW_SCALAR_H
#define CLI_ARROW_SCALAR_H

#include <stdint.h>

#include "base/buf.h"

/* Appends the value at index `at`. `format` is of a type with elements of `bits` bits, but not fixed-size binary. */
void arrow_scalar_put(struct buf *out, const char *format, int64_t bits, const void *values, int64_t at);

/* The integer at index `at` of a type by its letter, one of cCsSiIlL. */
int64_t arrow_scalar_integer(const void *values, char format, int64_t at);

#endif
