/* Whether the content of an array's buffers stays within its other buffers and its children. */
#ifndef NODE_ARROW_CHECK_H
#define NODE_ARROW_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "dora/arrow_abi.h"
#include "node/arrow_layout.h"

/* The structs and the sizes of buffers are sound, and children and dictionary have been checked before. `data_size` is
 * that of the data of binary and text. */
bool arrow_check(const struct arrow_layout *layout, const struct ArrowArray *array, const struct ArrowSchema *schema,
                 int64_t data_size);

#endif
