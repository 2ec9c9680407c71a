#include "node/arrow_print.h"

#include <inttypes.h>
#include <string.h>

#include "node/arrow_layout.h"

static void print_value(struct buf *buf, const struct ArrowArray *array, const struct ArrowSchema *schema, int64_t row);

static void print_rows(struct buf *buf, const struct ArrowArray *array, const struct ArrowSchema *schema, int64_t from,
                       int64_t count)
{
    buf_putc(buf, '[');
    for (int64_t i = 0; i < count && buf->len < ARROW_PRINT_MOST; i++) {
        buf_puts(buf, i ? ", " : "");
        print_value(buf, array, schema, from + i);
    }
    buf_putc(buf, ']');
}

static void print_bytes(struct buf *buf, const void *data, size_t size)
{
    for (size_t i = 0; i < size && buf->len < ARROW_PRINT_MOST; i++)
        buf_printf(buf, "%02x", ((const uint8_t *)data)[i]);
}

/* Text that is plain ASCII as it is, anything else as bytes. */
static void print_text(struct buf *buf, const void *data, int64_t size)
{
    for (int64_t i = 0; i < size; i++)
        if (((const uint8_t *)data)[i] < ' ' || ((const uint8_t *)data)[i] > '~')
            return print_bytes(buf, data, (size_t)size);
    buf_putc(buf, '"');
    buf_add(buf, data, size < ARROW_PRINT_MOST ? (size_t)size : ARROW_PRINT_MOST);
    buf_putc(buf, '"');
}

static void print_fixed(struct buf *buf, const void *values, const char *format, int64_t bits, int64_t at)
{
    float single;
    const char *value = (const char *)values + at * bits / 8;
    if (bits == 1)
        buf_puts(buf, ((const uint8_t *)values)[at / 8] >> at % 8 & 1 ? "true" : "false");
    else if (strcmp(format, "f") == 0)
        memcpy(&single, value, sizeof single), buf_printf(buf, "%g", (double)single);
    else if (strcmp(format, "g") == 0)
        buf_printf(buf, "%g", *(const double *)(const void *)value);
    else if (bits == 8)
        buf_printf(buf, "%d", *value);
    else if (bits == 16 && *format != 'w')
        buf_printf(buf, "%d", *(const int16_t *)(const void *)value);
    else if (bits == 32 && *format != 'w')
        buf_printf(buf, "%" PRId32, *(const int32_t *)(const void *)value);
    else if (bits == 64 && *format != 'w')
        buf_printf(buf, "%" PRId64, *(const int64_t *)(const void *)value);
    else
        print_bytes(buf, value, (size_t)bits / 8);
}

static int64_t index_at(const void *values, const char *format, int64_t at)
{
    switch (*format) {
    case 'c':
        return ((const int8_t *)values)[at];
    case 'C':
        return ((const uint8_t *)values)[at];
    case 's':
        return ((const int16_t *)values)[at];
    case 'S':
        return ((const uint16_t *)values)[at];
    case 'i':
        return ((const int32_t *)values)[at];
    case 'I':
        return ((const uint32_t *)values)[at];
    default:
        return ((const int64_t *)values)[at];
    }
}

static void print_view(struct buf *buf, const struct ArrowArray *array, int64_t at)
{
    int32_t view[4]; /* size, then text, or prefix, block and offset */
    memcpy(view, (const char *)array->buffers[1] + at * 16, sizeof view);
    if (view[0] <= 12)
        print_text(buf, &view[1], view[0]);
    else
        print_text(buf, (const char *)array->buffers[2 + view[2]] + view[3], view[0]);
}

static void print_struct(struct buf *buf, const struct ArrowArray *array, const struct ArrowSchema *schema, int64_t at)
{
    buf_putc(buf, '{');
    for (int64_t i = 0; i < array->n_children && buf->len < ARROW_PRINT_MOST; i++) {
        const char *name = schema->children[i]->name;
        buf_printf(buf, "%s%s: ", i ? ", " : "", name ? name : "");
        print_value(buf, array->children[i], schema->children[i], at);
    }
    buf_putc(buf, '}');
}

static void print_union(struct buf *buf, const struct ArrowArray *array, const struct ArrowSchema *schema, int64_t at,
                        bool dense)
{
    uint8_t child[ARROW_TYPE_IDS];
    arrow_union_children(schema->format, child);
    int8_t id = ((const int8_t *)array->buffers[0])[at];
    buf_printf(buf, "%d/", id);
    print_value(buf, array->children[child[id]], schema->children[child[id]],
                dense ? ((const int32_t *)array->buffers[1])[at] : at);
}

static void print_run(struct buf *buf, const struct ArrowArray *array, const struct ArrowSchema *schema, int64_t at)
{
    const struct ArrowArray *ends = array->children[0];
    int64_t run = 0;
    while (index_at(ends->buffers[1], schema->children[0]->format, ends->offset + run) <= at)
        run++;
    print_value(buf, array->children[1], schema->children[1], run);
}

static void print_value(struct buf *buf, const struct ArrowArray *array, const struct ArrowSchema *schema, int64_t row)
{
    struct arrow_layout layout;
    arrow_layout(schema->format, &layout);
    int64_t at = array->offset + row, bits = layout.rows[0].bits, from;
    const uint8_t *validity = layout.validity ? array->buffers[0] : NULL;
    if (layout.kind == ARROW_NULL || (validity && !(validity[at / 8] >> at % 8 & 1)))
        return buf_puts(buf, "null");
    switch (layout.kind) {
    case ARROW_NULL:
        break;
    case ARROW_FIXED:
        if (array->dictionary)
            print_value(buf, array->dictionary, schema->dictionary, index_at(array->buffers[1], schema->format, at));
        else
            print_fixed(buf, array->buffers[1], schema->format, bits, at);
        break;
    case ARROW_BINARY:
        from = arrow_offset_at(array->buffers[1], bits, at);
        print_text(buf, (const char *)array->buffers[2] + from,
                   arrow_offset_at(array->buffers[1], bits, at + 1) - from);
        break;
    case ARROW_VIEW:
        print_view(buf, array, at);
        break;
    case ARROW_LIST:
        from = arrow_offset_at(array->buffers[1], bits, at);
        print_rows(buf, array->children[0], schema->children[0], from,
                   arrow_offset_at(array->buffers[1], bits, at + 1) - from);
        break;
    case ARROW_LIST_VIEW:
        print_rows(buf, array->children[0], schema->children[0], arrow_offset_at(array->buffers[1], bits, at),
                   arrow_offset_at(array->buffers[2], bits, at));
        break;
    case ARROW_FIXED_LIST:
        print_rows(buf, array->children[0], schema->children[0], at * layout.list_size, layout.list_size);
        break;
    case ARROW_STRUCT:
        print_struct(buf, array, schema, at);
        break;
    case ARROW_SPARSE_UNION:
    case ARROW_DENSE_UNION:
        print_union(buf, array, schema, at, layout.kind == ARROW_DENSE_UNION);
        break;
    case ARROW_RUN_END:
        print_run(buf, array, schema, at);
        break;
    }
}

void arrow_print(struct buf *buf, const struct ArrowArray *array, const struct ArrowSchema *schema)
{
    print_rows(buf, array, schema, 0, array->length);
}

static size_t metadata_size(const char *metadata)
{
    int32_t pairs, len;
    memcpy(&pairs, metadata, sizeof pairs);
    size_t size = sizeof pairs;
    for (int64_t i = 0; i < 2 * (int64_t)pairs; i++) {
        memcpy(&len, metadata + size, sizeof len);
        size += sizeof len + (size_t)len;
    }
    return size;
}

void arrow_print_type(struct buf *buf, const struct ArrowSchema *schema)
{
    buf_printf(buf, "%s", schema->format);
    if (schema->name)
        buf_printf(buf, " '%s'", schema->name);
    buf_printf(buf, " %" PRIx64, (uint64_t)schema->flags);
    if (schema->metadata) {
        buf_putc(buf, ' ');
        print_bytes(buf, schema->metadata, metadata_size(schema->metadata));
    }
    if (schema->dictionary) {
        buf_putc(buf, '<');
        arrow_print_type(buf, schema->dictionary);
        buf_putc(buf, '>');
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        buf_puts(buf, i ? ", " : "(");
        arrow_print_type(buf, schema->children[i]);
    }
    if (schema->n_children)
        buf_putc(buf, ')');
}
