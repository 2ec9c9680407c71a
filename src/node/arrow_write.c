#include "node/arrow.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "node/arrow_layout.h"
#include "proto/wire.h"

/* Measuring and writing are one walk over the tree; to measure, the pointers are NULL. */
struct out {
    struct wire_out payload, meta;
    uint64_t fields, blocks;
    struct error *error;
};

/* The rows of an array that its parent needs, counted without the array's own offset. */
struct window {
    int64_t from, length;
};

static int put_field(struct out *out, const struct ArrowArray *array, const struct ArrowSchema *schema,
                     struct window window, int depth);

static int fault(struct out *out, const char *what)
{
    return error_set(out->error, -EINVAL, "the Arrow array %s", what);
}

static int put_buffer(struct out *out, const void *data, size_t size)
{
    static const uint8_t zeros[ARROW_ALIGN];
    if (size > SIZE_MAX / 2 - out->payload.used)
        return fault(out, "is larger than memory");
    if (size > 0 && !data)
        return fault(out, "has a buffer that is NULL, but elements in it");
    wire_put(&out->payload, data, size);
    wire_put(&out->payload, zeros, -out->payload.used % ARROW_ALIGN);
    return 0;
}

/* Row `row` of a buffer; of bits, `row` is a multiple of 8. */
static const void *row_at(const void *buffer, int64_t bits, int64_t row)
{
    return buffer ? (const uint8_t *)buffer + row * bits / 8 : NULL;
}

/* The offsets of `length` rows from `start`, rebased to begin with 0, behind `lead` rows of nothing; `*values` is what
 * they span. */
static int put_offsets(struct out *out, const void *offsets, int64_t bits, int64_t start, int64_t length, int64_t lead,
                       struct window *values)
{
    static const int64_t zeros[8];
    *values = (struct window){0, 0};
    wire_put(&out->payload, zeros, (size_t)(lead * bits / 8));
    if (length == 0)
        return put_buffer(out, zeros, (size_t)bits / 8);
    if (!offsets)
        return fault(out, "has no offsets");
    int64_t first = arrow_offset_at(offsets, bits, start), last = arrow_offset_at(offsets, bits, start + length);
    if (first < 0 || last < first)
        return fault(out, "has offsets that are negative or descend");
    *values = (struct window){first, last - first};
    uint8_t *copy = out->payload.bytes ? out->payload.bytes + out->payload.used : NULL;
    int rc = put_buffer(out, row_at(offsets, bits, start), (size_t)((length + 1) * (bits / 8)));
    if (rc < 0 || !copy || first == 0)
        return rc;
    for (int64_t i = 0; i <= length; i++) {
        if (bits == 32)
            ((int32_t *)(void *)copy)[i] -= (int32_t)first;
        else
            ((int64_t *)(void *)copy)[i] -= first;
    }
    return 0;
}

/* The blocks of a view array; whole, as finding out which parts the views use would cost more than it saves. */
static int put_blocks(struct out *out, const struct ArrowArray *array)
{
    int64_t count = array->n_buffers - 3;
    const int64_t *sizes = array->buffers[array->n_buffers - 1];
    if (count > 0 && !sizes)
        return fault(out, "is a view without the sizes of its data");
    wire_put_number(&out->meta, (uint64_t)count);
    out->blocks += (uint64_t)count;
    for (int64_t i = 0; i < count; i++) {
        if (sizes[i] < 0)
            return fault(out, "is a view of data with a negative size");
        wire_put_number(&out->meta, (uint64_t)sizes[i]);
        int rc = put_buffer(out, array->buffers[2 + i], (size_t)sizes[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Bytes of the metadata of a schema: a number of pairs of texts, each number and length an int32. */
static int metadata_size(const char *metadata, size_t *size)
{
    int32_t pairs, len;
    memcpy(&pairs, metadata, sizeof pairs);
    if (pairs < 0)
        return -EINVAL;
    *size = sizeof pairs;
    for (int64_t i = 0; i < 2 * (int64_t)pairs; i++) {
        memcpy(&len, metadata + *size, sizeof len);
        if (len < 0)
            return -EINVAL;
        *size += sizeof len + (size_t)len;
    }
    return 0;
}

/* Sees to it that what the rest reads of the two structs is there. */
static int check_field(struct out *out, const struct ArrowArray *array, const struct ArrowSchema *schema, int depth,
                       struct arrow_layout *layout)
{
    if (depth >= ARROW_DEPTH_MOST)
        return error_set(out->error, -EINVAL, "the Arrow array is nested more than %d levels deep", ARROW_DEPTH_MOST);
    if (!array || !schema)
        return fault(out, array ? "has no schema" : "is NULL");
    if (!array->release || !schema->release)
        return fault(out, array->release ? "has a schema that was released" : "was released");
    if (!schema->format || arrow_layout(schema->format, layout) < 0)
        return error_set(out->error, -EINVAL, "the Arrow array is of an unknown type, format '%s'",
                         schema->format ? schema->format : "(NULL)");
    int64_t end;
    if (array->length < 0 || array->offset < 0 || __builtin_add_overflow(array->length, array->offset, &end))
        return fault(out, "has a length or offset out of range");
    if (array->null_count < -1 || array->null_count > array->length)
        return fault(out, "has a null count out of range");
    bool enough =
        layout->kind == ARROW_VIEW ? array->n_buffers >= layout->buffers : array->n_buffers == layout->buffers;
    if (!enough || (array->n_buffers > 0 && !array->buffers))
        return error_set(out->error, -EINVAL, "the Arrow array has %" PRId64 " buffers, its format '%s' %" PRId64,
                         array->n_buffers, schema->format, layout->buffers);
    if (array->n_children != schema->n_children || array->n_children < 0)
        return error_set(out->error, -EINVAL, "the Arrow array has %" PRId64 " children, its schema %" PRId64,
                         array->n_children, schema->n_children);
    if (array->n_children > 0 && (!array->children || !schema->children))
        return fault(out, "has children that are NULL");
    for (int64_t i = 0; i < array->n_children; i++)
        if (!array->children[i] || !schema->children[i] || !schema->children[i]->format)
            return error_set(out->error, -EINVAL, "child %" PRId64 " of the Arrow array is NULL", i);
    if (!array->dictionary != !schema->dictionary)
        return fault(out, "and its schema disagree whether there is a dictionary");
    const char *what = arrow_family_fault(layout, schema);
    if (what)
        return fault(out, what);
    if (layout->kind == ARROW_RUN_END && array->children[0]->null_count > 0)
        return fault(out, "has run ends that are null");
    for (int i = 0; i < layout->rows_count; i++) {
        size_t size;
        if (arrow_rows_size(&layout->rows[i], end, &size) < 0)
            return fault(out, "has more elements than memory");
    }
    return 0;
}

static int put_type(struct out *out, const struct ArrowSchema *schema, bool validity)
{
    size_t metadata = 0;
    if (schema->metadata && metadata_size(schema->metadata, &metadata) < 0)
        return fault(out, "has metadata with a negative length");
    wire_put_byte(&out->meta,
                  (uint8_t)((schema->name ? ARROW_HAS_NAME : 0) | (schema->metadata ? ARROW_HAS_METADATA : 0) |
                            (schema->dictionary ? ARROW_HAS_DICTIONARY : 0) | (validity ? ARROW_HAS_VALIDITY : 0)));
    wire_put_text(&out->meta, schema->format);
    if (schema->name)
        wire_put_text(&out->meta, schema->name);
    if (schema->metadata) {
        wire_put_number(&out->meta, metadata);
        wire_put(&out->meta, schema->metadata, metadata);
    }
    wire_put_number(&out->meta, (uint64_t)schema->flags);
    wire_put_number(&out->meta, (uint64_t)schema->n_children);
    return 0;
}

static int put_children(struct out *out, const struct ArrowArray *array, const struct ArrowSchema *schema,
                        struct window window, bool whole, int depth)
{
    for (int64_t i = 0; i < array->n_children; i++) {
        if (whole)
            window = (struct window){0, array->children[i]->length};
        int rc = put_field(out, array->children[i], schema->children[i], window, depth + 1);
        if (rc < 0) {
            const char *name = schema->children[i]->name;
            error_add(out->error, "child %" PRId64 " (%s)", i, name ? name : "");
            return rc;
        }
    }
    return 0;
}

static int put_field(struct out *out, const struct ArrowArray *array, const struct ArrowSchema *schema,
                     struct window window, int depth)
{
    struct arrow_layout layout;
    int rc = check_field(out, array, schema, depth, &layout);
    if (rc < 0)
        return rc;
    if (window.from > array->length || window.length > array->length - window.from)
        return error_set(out->error, -EINVAL,
                         "the Arrow array has %" PRId64 " elements, where its parent needs %" PRId64 " behind %" PRId64,
                         array->length, window.length, window.from);

    /* Rows before the window that come along: of bitmaps, those in its first byte; of run ends, all. */
    bool validity = layout.validity && array->buffers[0] && array->null_count != 0 && window.length > 0;
    bool bits = window.length > 0 && (validity || (layout.rows_count > 0 && layout.rows[0].bits == 1));
    int64_t start = array->offset + window.from;
    int64_t lead = layout.kind == ARROW_RUN_END ? start : bits ? start % 8 : 0;
    int64_t skip = start - lead, rows = lead + window.length;

    out->fields++;
    rc = put_type(out, schema, validity);
    wire_put_number(&out->meta, (uint64_t)window.length);
    wire_put_number(&out->meta, (uint64_t)lead);
    if (rc == 0 && validity)
        rc = put_buffer(out, row_at(array->buffers[0], 1, skip), (size_t)(rows + 7) / 8);

    struct window values = {skip, rows};
    for (int i = 0; rc == 0 && i < layout.rows_count; i++) {
        const struct arrow_rows *row = &layout.rows[i];
        const void *buffer = array->buffers[layout.validity + i];
        size_t size;
        if (row->beyond)
            rc = put_offsets(out, buffer, row->bits, start, window.length, lead, &values);
        else if ((rc = arrow_rows_size(row, rows, &size)) == 0)
            rc = put_buffer(out, row_at(buffer, row->bits, skip), size);
    }
    if (rc < 0)
        return rc;

    bool whole = false;
    switch (layout.kind) {
    case ARROW_BINARY:
        wire_put_number(&out->meta, (uint64_t)values.length);
        rc = put_buffer(out, row_at(array->buffers[2], 8, values.from), (size_t)values.length);
        break;
    case ARROW_VIEW:
        rc = put_blocks(out, array);
        break;
    case ARROW_FIXED_LIST:
        if (__builtin_mul_overflow(skip, layout.list_size, &values.from) ||
            __builtin_mul_overflow(rows, layout.list_size, &values.length))
            rc = fault(out, "has more elements than memory");
        break;
    case ARROW_LIST_VIEW:
    case ARROW_DENSE_UNION:
    case ARROW_RUN_END:
        whole = true;
        break;
    default:
        break;
    }
    if (rc == 0 && array->dictionary) {
        rc = put_field(out, array->dictionary, schema->dictionary, (struct window){0, array->dictionary->length},
                       depth + 1);
        if (rc < 0)
            error_add(out->error, "dictionary");
    }
    return rc < 0 ? rc : put_children(out, array, schema, values, whole, depth);
}

static int put_tree(struct out *out, const struct ArrowArray *array, const struct ArrowSchema *schema)
{
    return put_field(out, array, schema, (struct window){0, array ? array->length : 0}, 0);
}

static void put_totals(struct wire_out *meta, const struct out *out)
{
    wire_put_number(meta, out->fields);
    wire_put_number(meta, out->blocks);
}

int arrow_measure(const struct ArrowArray *array, const struct ArrowSchema *schema, size_t *payload, size_t *meta,
                  struct error *error)
{
    struct out out = {.error = error};
    int rc = put_tree(&out, array, schema);
    if (rc < 0)
        return rc;
    put_totals(&out.meta, &out);
    *payload = out.payload.used;
    *meta = out.meta.used;
    return 0;
}

void arrow_write(const struct ArrowArray *array, const struct ArrowSchema *schema, void *payload, void *meta)
{
    /* The totals come first, so they need a walk of their own. */
    struct out out = {0};
    put_tree(&out, array, schema);
    struct wire_out totals = {.bytes = meta};
    put_totals(&totals, &out);
    out = (struct out){.payload.bytes = payload, .meta.bytes = (uint8_t *)meta + totals.used};
    put_tree(&out, array, schema);
}
