/* The memory that the structs of an imported tree share. The Arrow C data interface lets a consumer move a child out of
 * its parent and release either first, so every struct holds a reference and the last one frees it all. */
#ifndef NODE_ARROW_BLOCK_H
#define NODE_ARROW_BLOCK_H

#include <stddef.h>

#include "dora/arrow_abi.h"

/* What buffers without a byte point to: not NULL, aligned. */
extern const unsigned char arrow_nothing[64];

struct arrow_block; /* followed by its content, aligned to 8 */

/* For `references` structs, with `size` bytes of content, zeroed; NULL when out of memory. When the last is released,
 * so is the owner, if `release_owner` isn't NULL. */
struct arrow_block *arrow_block_new(size_t references, size_t size, void *owner, void (*release_owner)(void *));
void *arrow_block_content(struct arrow_block *block);
void arrow_block_discard(struct arrow_block *block); /* unused: frees it alone, not the owner; NULL is fine */

/* The `release` of structs whose private_data is a block. */
void arrow_block_release_array(struct ArrowArray *array);
void arrow_block_release_schema(struct ArrowSchema *schema);

#endif
