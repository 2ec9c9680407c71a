#include "node/arrow_check.h"

#include <string.h>

enum { VIEW_INLINE = 12 /* bytes of text that lie in the view itself */ };

struct view {
    int32_t size, prefix, block, offset;
};

static bool is_null(const struct ArrowArray *array, int64_t row)
{
    const uint8_t *bitmap = array->buffers[0];
    return bitmap && !(bitmap[row / 8] >> row % 8 & 1);
}

/* Whether offsets 0 to `end` ascend within `size`. */
static bool check_offsets(const void *offsets, int64_t bits, int64_t end, int64_t size)
{
    int64_t last = 0;
    for (int64_t i = 0; i <= end; i++) {
        int64_t offset = arrow_offset_at(offsets, bits, i);
        if (offset < last || offset > size)
            return false;
        last = offset;
    }
    return true;
}

static bool check_list_views(const struct ArrowArray *array, int64_t bits, int64_t end)
{
    int64_t most = array->children[0]->length;
    for (int64_t i = array->offset; i < end; i++) {
        int64_t offset = arrow_offset_at(array->buffers[1], bits, i);
        int64_t size = arrow_offset_at(array->buffers[2], bits, i);
        if (offset < 0 || size < 0 || offset > most || size > most - offset)
            return false;
    }
    return true;
}

static bool check_views(const struct ArrowArray *array, int64_t end)
{
    int64_t blocks = array->n_buffers - 3;
    const int64_t *sizes = array->buffers[array->n_buffers - 1];
    for (int64_t i = array->offset; i < end; i++) {
        struct view view;
        memcpy(&view, (const char *)array->buffers[1] + i * (int64_t)sizeof view, sizeof view);
        if (is_null(array, i))
            continue;
        if (view.size < 0)
            return false;
        if (view.size > VIEW_INLINE && (view.block < 0 || view.block >= blocks || view.offset < 0 ||
                                        (int64_t)view.offset + view.size > sizes[view.block]))
            return false;
    }
    return true;
}

static int64_t integer_at(const void *values, char format, int64_t row)
{
    switch (format) {
    case 'c':
        return ((const int8_t *)values)[row];
    case 'C':
        return ((const uint8_t *)values)[row];
    case 's':
        return ((const int16_t *)values)[row];
    case 'S':
        return ((const uint16_t *)values)[row];
    case 'i':
        return ((const int32_t *)values)[row];
    case 'I':
        return ((const uint32_t *)values)[row];
    default: /* l, L: as int64_t, what is too large is negative, and refused as such */
        return ((const int64_t *)values)[row];
    }
}

static bool check_indices(const struct ArrowArray *array, char format, int64_t end)
{
    for (int64_t i = array->offset; i < end; i++) {
        int64_t index = integer_at(array->buffers[1], format, i);
        if ((index < 0 || index >= array->dictionary->length) && !is_null(array, i))
            return false;
    }
    return true;
}

/* Run ends ascend from above 0 to at least the array's end. */
static bool check_run_ends(const struct ArrowArray *array, char format, int64_t end)
{
    const struct ArrowArray *ends = array->children[0];
    if (ends->null_count > 0 || ends->length > array->children[1]->length)
        return false;
    int64_t last = 0;
    for (int64_t i = 0; i < ends->length; i++) {
        int64_t run_end = integer_at(ends->buffers[1], format, ends->offset + i);
        if (run_end <= last)
            return false;
        last = run_end;
    }
    return last >= end;
}

static bool check_union(const struct arrow_layout *layout, const struct ArrowArray *array, const char *format,
                        int64_t end)
{
    uint8_t child[ARROW_TYPE_IDS];
    arrow_union_children(format, child);
    const int8_t *ids = array->buffers[0];
    for (int64_t i = array->offset; i < end; i++) {
        int8_t id = ids[i];
        if (id < 0 || child[id] == ARROW_NO_CHILD)
            return false;
        if (layout->kind == ARROW_DENSE_UNION) {
            int32_t offset = ((const int32_t *)array->buffers[1])[i];
            if (offset < 0 || offset >= array->children[child[id]]->length)
                return false;
        }
    }
    return true;
}

static bool children_have(const struct ArrowArray *array, int64_t rows)
{
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->length < rows)
            return false;
    return true;
}

bool arrow_check(const struct arrow_layout *layout, const struct ArrowArray *array, const struct ArrowSchema *schema,
                 int64_t data_size)
{
    int64_t end = array->offset + array->length, bits = layout->rows[0].bits;
    switch (layout->kind) {
    case ARROW_NULL:
        return true;
    case ARROW_FIXED:
        return !array->dictionary || check_indices(array, schema->format[0], end);
    case ARROW_BINARY:
        return check_offsets(array->buffers[1], bits, end, data_size);
    case ARROW_VIEW:
        return check_views(array, end);
    case ARROW_LIST:
        return check_offsets(array->buffers[1], bits, end, array->children[0]->length);
    case ARROW_LIST_VIEW:
        return check_list_views(array, bits, end);
    case ARROW_FIXED_LIST: {
        int64_t rows;
        return !__builtin_mul_overflow(end, layout->list_size, &rows) && children_have(array, rows);
    }
    case ARROW_STRUCT:
        return children_have(array, end);
    case ARROW_SPARSE_UNION:
        return children_have(array, end) && check_union(layout, array, schema->format, end);
    case ARROW_DENSE_UNION:
        return check_union(layout, array, schema->format, end);
    case ARROW_RUN_END:
        return check_run_ends(array, schema->children[0]->format[0], end);
    }
    return false;
}
