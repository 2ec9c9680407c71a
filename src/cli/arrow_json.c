#include "cli/arrow_json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cli/arrow_scalar.h"
#include "daemon/json_text.h"
#include "node/arrow_layout.h"

/* `end`: the length of `out` from which things are left out. */
static void put_value(struct buf *out, size_t end, const struct ArrowArray *array, const struct ArrowSchema *schema,
                      int64_t row);

static void put_rows(struct buf *out, size_t end, const struct ArrowArray *array, const struct ArrowSchema *schema,
                     int64_t from, int64_t count)
{
    buf_putc(out, '[');
    for (int64_t i = 0; i < count && !out->failed; i++) {
        if (i)
            buf_putc(out, ',');
        if (out->len >= end) {
            buf_printf(out, "… %" PRId64 " more", count - i);
            break;
        }
        put_value(out, end, array, schema, from + i);
    }
    buf_putc(out, ']');
}

static size_t room(const struct buf *out, size_t end)
{
    return out->len < end ? end - out->len : 0;
}

static void put_bytes(struct buf *out, size_t end, const void *data, size_t size)
{
    size_t most = room(out, end) / 2;
    buf_putc(out, '"');
    for (size_t i = 0; i < size && i < most; i++)
        buf_printf(out, "%02x", ((const uint8_t *)data)[i]);
    buf_puts(out, size > most ? "…\"" : "\"");
}

/* Text or bytes, by the last letter of the type. */
static void put_binary(struct buf *out, size_t end, const char *format, const void *data, int64_t size)
{
    char last = format[strlen(format) - 1];
    if (last == 'u' || last == 'U')
        arrow_json_text(out, data, (size_t)size, room(out, end));
    else
        put_bytes(out, end, data, (size_t)size);
}

static void put_view(struct buf *out, size_t end, const struct ArrowArray *array, const char *format, int64_t at)
{
    int32_t view[4]; /* size, then the data itself; or prefix, block and offset */
    memcpy(view, (const char *)array->buffers[1] + at * (int64_t)sizeof view, sizeof view);
    const void *data = view[0] <= 12 ? (const void *)&view[1] : (const char *)array->buffers[2 + view[2]] + view[3];
    put_binary(out, end, format, data, view[0]);
}

static void put_struct(struct buf *out, size_t end, const struct ArrowArray *array, const struct ArrowSchema *schema,
                       int64_t at)
{
    buf_putc(out, '{');
    for (int64_t i = 0; i < array->n_children && !out->failed; i++) {
        const char *name = schema->children[i]->name;
        if (i)
            buf_putc(out, ',');
        arrow_json_text(out, name ? name : "", name ? strlen(name) : 0, SIZE_MAX);
        buf_putc(out, ':');
        put_value(out, end, array->children[i], schema->children[i], at);
    }
    buf_putc(out, '}');
}

/* Keys that are not text become text. */
static void put_map(struct buf *out, size_t end, const struct ArrowArray *pairs, const struct ArrowSchema *schema,
                    int64_t from, int64_t to)
{
    buf_putc(out, '{');
    for (int64_t i = from; i < to && !out->failed; i++) {
        if (i > from)
            buf_putc(out, ',');
        if (out->len >= end) {
            buf_printf(out, "… %" PRId64 " more", to - i);
            break;
        }
        autobuf struct buf key = {0};
        put_value(&key, SIZE_MAX, pairs->children[0], schema->children[0], pairs->offset + i);
        if (key.data && key.data[0] == '"')
            buf_add(out, key.data, key.len);
        else
            arrow_json_text(out, key.data ? key.data : "", key.len, SIZE_MAX);
        buf_putc(out, ':');
        put_value(out, end, pairs->children[1], schema->children[1], pairs->offset + i);
    }
    buf_putc(out, '}');
}

static void put_union(struct buf *out, size_t end, const struct ArrowArray *array, const struct ArrowSchema *schema,
                      int64_t at, bool is_dense)
{
    uint8_t child[ARROW_TYPE_IDS];
    arrow_union_children(schema->format, child);
    uint8_t index = child[((const int8_t *)array->buffers[0])[at]];
    put_value(out, end, array->children[index], schema->children[index],
              is_dense ? ((const int32_t *)array->buffers[1])[at] : at);
}

static void put_run(struct buf *out, size_t end, const struct ArrowArray *array, const struct ArrowSchema *schema,
                    int64_t at)
{
    const struct ArrowArray *ends = array->children[0];
    int64_t low = 0, high = ends->length - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (arrow_scalar_integer(ends->buffers[1], *schema->children[0]->format, ends->offset + middle) > at)
            high = middle;
        else
            low = middle + 1;
    }
    put_value(out, end, array->children[1], schema->children[1], low);
}

static void put_fixed(struct buf *out, size_t end, const struct ArrowArray *array, const struct ArrowSchema *schema,
                      int64_t bits, int64_t at)
{
    const void *values = array->buffers[1];
    if (schema->format[0] == 'w')
        put_bytes(out, end, (const char *)values + at * (bits / 8), (size_t)bits / 8);
    else if (array->dictionary)
        put_value(out, end, array->dictionary, schema->dictionary, arrow_scalar_integer(values, *schema->format, at));
    else
        arrow_scalar_put(out, schema->format, bits, values, at);
}

static void put_value(struct buf *out, size_t end, const struct ArrowArray *array, const struct ArrowSchema *schema,
                      int64_t row)
{
    struct arrow_layout layout;
    if (arrow_layout(schema->format, &layout) < 0)
        return buf_puts(out, "null");
    int64_t at = array->offset + row, bits = layout.rows[0].bits, from = 0, to = 0;
    const uint8_t *validity = layout.validity ? array->buffers[0] : NULL;
    if (layout.kind == ARROW_NULL || (validity && !(validity[at / 8] >> at % 8 & 1)))
        return buf_puts(out, "null");
    if (layout.kind == ARROW_BINARY || layout.kind == ARROW_LIST) {
        from = arrow_offset_at(array->buffers[1], bits, at);
        to = arrow_offset_at(array->buffers[1], bits, at + 1);
    }
    switch (layout.kind) {
    case ARROW_NULL:
        break;
    case ARROW_FIXED:
        put_fixed(out, end, array, schema, bits, at);
        break;
    case ARROW_BINARY:
        put_binary(out, end, schema->format, (const char *)array->buffers[2] + from, to - from);
        break;
    case ARROW_VIEW:
        put_view(out, end, array, schema->format, at);
        break;
    case ARROW_LIST:
        if (layout.map)
            put_map(out, end, array->children[0], schema->children[0], from, to);
        else
            put_rows(out, end, array->children[0], schema->children[0], from, to - from);
        break;
    case ARROW_LIST_VIEW:
        put_rows(out, end, array->children[0], schema->children[0], arrow_offset_at(array->buffers[1], bits, at),
                 arrow_offset_at(array->buffers[2], bits, at));
        break;
    case ARROW_FIXED_LIST:
        put_rows(out, end, array->children[0], schema->children[0], at * layout.list_size, layout.list_size);
        break;
    case ARROW_STRUCT:
        put_struct(out, end, array, schema, at);
        break;
    case ARROW_SPARSE_UNION:
    case ARROW_DENSE_UNION:
        put_union(out, end, array, schema, at, layout.kind == ARROW_DENSE_UNION);
        break;
    case ARROW_RUN_END:
        put_run(out, end, array, schema, at);
        break;
    }
}

void arrow_json(struct buf *out, const struct ArrowArray *array, const struct ArrowSchema *schema, size_t most)
{
    size_t end = most > SIZE_MAX - out->len ? SIZE_MAX : out->len + most;
    put_rows(out, end, array, schema, 0, array->length);
}

void arrow_json_text(struct buf *out, const char *text, size_t len, size_t most)
{
    size_t cut = len;
    if (len > most)
        for (cut = most; cut > 0 && (text[cut] & 0xc0) == 0x80; cut--)
            ;
    json_text_add(out, text, cut);
    if (cut < len && !out->failed) {
        out->len--;
        buf_puts(out, "…\"");
    }
}
