/* What memory an Arrow type takes, by its format string: the one place that knows the types one by one. */
#ifndef NODE_ARROW_LAYOUT_H
#define NODE_ARROW_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dora/arrow_abi.h"

enum arrow_kind {
    ARROW_NULL,
    ARROW_FIXED,     /* so many bits an element */
    ARROW_BINARY,    /* offsets, data; text too */
    ARROW_VIEW,      /* views of 16 bytes, blocks of data, sizes of the blocks */
    ARROW_LIST,      /* offsets into a child; maps too */
    ARROW_LIST_VIEW, /* offsets and sizes, in any order */
    ARROW_FIXED_LIST,
    ARROW_STRUCT,
    ARROW_SPARSE_UNION,
    ARROW_DENSE_UNION,
    ARROW_RUN_END,
};

/* The buffers of an array in order: validity if the type has one, `rows[0]` and `rows[1]`, which grow with the length,
 * and then what is peculiar to binary and view. */
struct arrow_layout {
    enum arrow_kind kind;
    bool validity;
    bool map;
    int rows_count;
    struct arrow_rows {
        int64_t bits;   /* for each row */
        int64_t beyond; /* rows more than the array has: 1 for offsets */
    } rows[2];
    int64_t buffers;    /* n_buffers; of views the least */
    int64_t n_children; /* -1: any number */
    int64_t list_size;  /* of a fixed-size list */
};

/* -EINVAL: no format of the Arrow C data interface. */
int arrow_layout(const char *format, struct arrow_layout *layout);

/* Bytes of `count` rows, `count` >= 0; -EINVAL when they are more than an int64_t can count. */
int arrow_rows_size(const struct arrow_rows *rows, int64_t count, size_t *size);

enum { ARROW_TYPE_IDS = 128, ARROW_NO_CHILD = 255 };

/* The child of each type id of a union's format, ARROW_NO_CHILD where there is none. Returns the number of ids, -EINVAL
 * when they are malformed. */
int arrow_union_children(const char *format, uint8_t child[ARROW_TYPE_IDS]);

/* What is wrong with the children and dictionary that a schema with this layout has, NULL if nothing. They are not NULL
 * themselves. */
const char *arrow_family_fault(const struct arrow_layout *layout, const struct ArrowSchema *schema);

static inline int64_t arrow_offset_at(const void *offsets, int64_t bits, int64_t index)
{
    return bits == 32 ? ((const int32_t *)offsets)[index] : ((const int64_t *)offsets)[index];
}

#endif
