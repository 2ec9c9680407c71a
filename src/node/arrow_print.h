/* Arrow arrays as text, for tests: two arrays that mean the same print the same, wherever their bytes lie. */
#ifndef NODE_ARROW_PRINT_H
#define NODE_ARROW_PRINT_H

#include "base/buf.h"
#include "dora/arrow_abi.h"

enum { ARROW_PRINT_MOST = 1 << 14 /* characters, roughly: then it stops */ };

/* Numbers, "text", null, [lists], {name: structs}, type id/union value; other types as the hexadecimal of their bytes.
 */
void arrow_print(struct buf *buf, const struct ArrowArray *array, const struct ArrowSchema *schema);

/* The type, with all names, flags and metadata. */
void arrow_print_type(struct buf *buf, const struct ArrowSchema *schema);

#endif
