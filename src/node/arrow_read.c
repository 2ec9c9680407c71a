#include "node/arrow.h"

#include <errno.h>
#include <string.h>

#include "node/arrow_block.h"
#include "node/arrow_check.h"
#include "node/arrow_layout.h"
#include "proto/wire.h"

/* The least bytes of a field: what, format and its NUL, flags, n_children, length, offset. */
enum { FIELD_LEAST = 7, BUFFERS_MOST = 3 /* of a field, without the blocks of views */ };

/* The memory of the structs below the two outermost, handed out from front to back. */
struct pool {
    struct ArrowArray *arrays, **array_children;
    struct ArrowSchema *schemas, **schema_children;
    const void **buffers;
    int64_t *sizes;
    uint64_t fields, blocks; /* left to hand out */
};

struct in {
    struct wire_in meta; /* the copy */
    const uint8_t *payload;
    size_t used, len;
    struct pool pool;
    struct arrow_block *array_block, *schema_block;
};

static bool get_size(struct wire_in *meta, int64_t *number)
{
    uint64_t value;
    if (!wire_get_number(meta, &value) || value > INT64_MAX)
        return false;
    *number = (int64_t)value;
    return true;
}

/* The next buffer of the payload. */
static bool get_buffer(struct in *in, size_t size, const void **buffer)
{
    size_t left = in->len - in->used;
    if (size > left)
        return false;
    *buffer = size ? in->payload + in->used : arrow_nothing;
    size_t padding = -size % ARROW_ALIGN;
    in->used += size + (padding < left - size ? padding : left - size);
    return true;
}

static bool is_metadata(const char *metadata, size_t size)
{
    struct wire_in in = {(const uint8_t *)metadata, (const uint8_t *)metadata + size};
    const void *bytes;
    int32_t pairs, len;
    if (!wire_get(&in, sizeof pairs, &bytes))
        return false;
    memcpy(&pairs, bytes, sizeof pairs);
    if (pairs < 0)
        return false;
    for (int64_t i = 0; i < 2 * (int64_t)pairs; i++) {
        if (!wire_get(&in, sizeof len, &bytes))
            return false;
        memcpy(&len, bytes, sizeof len);
        if (len < 0 || !wire_get(&in, (uint64_t)len, &bytes))
            return false;
    }
    return in.at == in.end;
}

static bool get_type(struct in *in, struct ArrowSchema *schema, uint8_t *what)
{
    uint64_t size, flags;
    const void *metadata;
    *schema = (struct ArrowSchema){.release = arrow_block_release_schema, .private_data = in->schema_block};
    if (!wire_get_byte(&in->meta, what) || *what >= 2 * ARROW_HAS_VALIDITY ||
        !wire_get_text(&in->meta, &schema->format) ||
        ((*what & ARROW_HAS_NAME) && !wire_get_text(&in->meta, &schema->name)))
        return false;
    if (*what & ARROW_HAS_METADATA) {
        if (!wire_get_number(&in->meta, &size) || !wire_get(&in->meta, size, &metadata) || !is_metadata(metadata, size))
            return false;
        schema->metadata = metadata;
    }
    if (!wire_get_number(&in->meta, &flags) || !get_size(&in->meta, &schema->n_children))
        return false;
    schema->flags = (int64_t)flags;
    return true;
}

/* The blocks of a view array, and the buffer of their sizes. */
static bool get_blocks(struct in *in, struct ArrowArray *array)
{
    uint64_t count;
    if (!wire_get_number(&in->meta, &count) || count > in->pool.blocks)
        return false;
    int64_t *sizes = in->pool.sizes;
    in->pool.sizes += count;
    in->pool.blocks -= count;
    for (uint64_t i = 0; i < count; i++)
        if (!get_size(&in->meta, &sizes[i]) || !get_buffer(in, (size_t)sizes[i], &array->buffers[array->n_buffers++]))
            return false;
    array->buffers[array->n_buffers++] = count ? (const void *)sizes : arrow_nothing;
    return true;
}

static int64_t count_nulls(const uint8_t *validity, int64_t from, int64_t to)
{
    int64_t nulls = to - from;
    while (from < to) {
        uint64_t word;
        if (from % 64 == 0 && to - from >= 64) {
            memcpy(&word, validity + from / 8, sizeof word);
            nulls -= __builtin_popcountll(word);
            from += 64;
        } else {
            nulls -= validity[from / 8] >> from % 8 & 1;
            from++;
        }
    }
    return nulls;
}

static bool get_array(struct in *in, const struct arrow_layout *layout, uint8_t what, struct ArrowArray *array,
                      int64_t *data_size)
{
    *array = (struct ArrowArray){
        .buffers = in->pool.buffers, .release = arrow_block_release_array, .private_data = in->array_block};
    int64_t end;
    if (!get_size(&in->meta, &array->length) || !get_size(&in->meta, &array->offset) ||
        __builtin_add_overflow(array->length, array->offset, &end))
        return false;
    if (layout->validity)
        array->buffers[array->n_buffers++] = NULL;
    else if (what & ARROW_HAS_VALIDITY)
        return false;
    if (what & ARROW_HAS_VALIDITY) {
        const struct arrow_rows bitmap = {.bits = 1};
        size_t size;
        if (arrow_rows_size(&bitmap, end, &size) < 0 || !get_buffer(in, size, &array->buffers[0]))
            return false;
        array->null_count = count_nulls(array->buffers[0], array->offset, end);
    } else if (layout->kind == ARROW_NULL) {
        array->null_count = array->length;
    }
    for (int i = 0; i < layout->rows_count; i++) {
        size_t size;
        if (arrow_rows_size(&layout->rows[i], end, &size) < 0 ||
            !get_buffer(in, size, &array->buffers[array->n_buffers++]))
            return false;
    }
    if (layout->kind == ARROW_BINARY &&
        (!get_size(&in->meta, data_size) || !get_buffer(in, (size_t)*data_size, &array->buffers[array->n_buffers++])))
        return false;
    if (layout->kind == ARROW_VIEW && !get_blocks(in, array))
        return false;
    in->pool.buffers += array->n_buffers;
    return true;
}

/* Hands out the structs of dictionary and children. */
static bool take_family(struct pool *pool, uint8_t what, struct ArrowArray *array, struct ArrowSchema *schema)
{
    bool dictionary = what & ARROW_HAS_DICTIONARY;
    if ((uint64_t)schema->n_children > pool->fields || dictionary > pool->fields - (uint64_t)schema->n_children)
        return false;
    pool->fields -= (uint64_t)schema->n_children + dictionary;
    if (dictionary) {
        array->dictionary = pool->arrays++;
        schema->dictionary = pool->schemas++;
    }
    array->n_children = schema->n_children;
    array->children = pool->array_children;
    schema->children = pool->schema_children;
    for (int64_t i = 0; i < schema->n_children; i++) {
        *pool->array_children++ = pool->arrays++;
        *pool->schema_children++ = pool->schemas++;
    }
    return true;
}

static bool get_field(struct in *in, struct ArrowArray *array, struct ArrowSchema *schema, int depth)
{
    struct arrow_layout layout;
    uint8_t what;
    int64_t data_size = 0;
    if (depth >= ARROW_DEPTH_MOST || !get_type(in, schema, &what) || arrow_layout(schema->format, &layout) < 0 ||
        !get_array(in, &layout, what, array, &data_size) || !take_family(&in->pool, what, array, schema))
        return false;
    if (array->dictionary && !get_field(in, array->dictionary, schema->dictionary, depth + 1))
        return false;
    for (int64_t i = 0; i < array->n_children; i++)
        if (!get_field(in, array->children[i], schema->children[i], depth + 1))
            return false;
    return !arrow_family_fault(&layout, schema) && arrow_check(&layout, array, schema, data_size);
}

/* Two blocks with room for all fields below the outermost, and for the bytes of the type part; all of it is pointers
 * and numbers of 8 bytes but the bytes, which come last. */
static int make_pool(struct in *in, void *owner, void (*release_owner)(void *))
{
    struct pool *pool = &in->pool;
    size_t fields = pool->fields, blocks = pool->blocks, bytes = (size_t)(in->meta.end - in->meta.at);
    size_t buffers = BUFFERS_MOST * (fields + 1) + blocks;
    in->array_block = arrow_block_new(fields + 1,
                                      fields * (sizeof *pool->arrays + sizeof *pool->array_children) +
                                          buffers * sizeof *pool->buffers + blocks * sizeof *pool->sizes,
                                      owner, release_owner);
    in->schema_block = arrow_block_new(
        fields + 1, fields * (sizeof *pool->schemas + sizeof *pool->schema_children) + bytes, NULL, NULL);
    if (!in->array_block || !in->schema_block)
        return -ENOMEM;
    pool->arrays = arrow_block_content(in->array_block);
    pool->array_children = (struct ArrowArray **)(pool->arrays + fields);
    pool->buffers = (const void **)(pool->array_children + fields);
    pool->sizes = (int64_t *)(pool->buffers + buffers);
    pool->schemas = arrow_block_content(in->schema_block);
    pool->schema_children = (struct ArrowSchema **)(pool->schemas + fields);
    uint8_t *copy = memcpy(pool->schema_children + fields, in->meta.at, bytes);
    in->meta = (struct wire_in){copy, copy + bytes};
    return 0;
}

int arrow_read(const void *payload, size_t payload_len, const void *meta, size_t meta_len, void *owner,
               void (*release_owner)(void *), struct ArrowArray *array, struct ArrowSchema *schema)
{
    if (meta_len == 0)
        return -EBADMSG;
    struct in in = {.meta = {meta, (const uint8_t *)meta + meta_len}, .payload = payload, .len = payload_len};
    if (!wire_get_number(&in.meta, &in.pool.fields) || in.pool.fields == 0 || in.pool.fields > meta_len / FIELD_LEAST ||
        !wire_get_number(&in.meta, &in.pool.blocks) || in.pool.blocks > meta_len)
        return -EBADMSG;
    in.pool.fields--; /* the outermost is the caller's */
    int rc = make_pool(&in, owner, release_owner);
    struct ArrowArray root;
    struct ArrowSchema root_schema;
    if (rc == 0 && (!get_field(&in, &root, &root_schema, 0) || in.meta.at != in.meta.end || in.pool.fields > 0 ||
                    in.pool.blocks > 0))
        rc = -EBADMSG;
    if (rc < 0) {
        arrow_block_discard(in.array_block);
        arrow_block_discard(in.schema_block);
        return rc;
    }
    *array = root;
    *schema = root_schema;
    return 0;
}
