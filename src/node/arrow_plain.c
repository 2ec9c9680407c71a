#include "node/arrow.h"

#include <errno.h>
#include <string.h>

#include "node/arrow_block.h"

static const char plain_formats[] = "c\0C\0s\0S\0i\0I\0l\0L\0e\0f\0g\0n";

int arrow_plain_width(char format)
{
    switch (format) {
    case 'c':
    case 'C':
        return 1;
    case 's':
    case 'S':
    case 'e':
        return 2;
    case 'i':
    case 'I':
    case 'f':
        return 4;
    case 'l':
    case 'L':
    case 'g':
        return 8;
    default:
        return 0;
    }
}

bool arrow_is_plain(const struct ArrowArray *array, const struct ArrowSchema *schema, const void **data, size_t *size)
{
    if (!array || !schema || !array->release || !schema->release || !schema->format || strlen(schema->format) != 1)
        return false;
    if ((schema->name && *schema->name) || schema->metadata || schema->dictionary || array->dictionary ||
        schema->n_children || array->n_children)
        return false;
    if (schema->format[0] == 'n') {
        *data = NULL;
        *size = 0;
        return array->length == 0 && array->n_buffers == 0;
    }
    int64_t width = arrow_plain_width(schema->format[0]), start, bytes;
    if (width == 0 || array->n_buffers != 2 || !array->buffers || (array->buffers[0] && array->null_count != 0))
        return false;
    if (array->length < 0 || array->offset < 0 || (array->length > 0 && !array->buffers[1]) ||
        __builtin_mul_overflow(array->length, width, &bytes) || __builtin_mul_overflow(array->offset, width, &start))
        return false;
    *data = bytes ? (const char *)array->buffers[1] + start : NULL;
    *size = (size_t)bytes;
    return true;
}

static void release_plain_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

int arrow_read_plain(char format, const void *data, size_t size, void *owner, void (*release_owner)(void *),
                     struct ArrowArray *array, struct ArrowSchema *schema)
{
    size_t width = (size_t)arrow_plain_width(format);
    if (format == 'n' ? size != 0 : width == 0 || size % width != 0 || size > INT64_MAX)
        return -EBADMSG;
    struct arrow_block *block = arrow_block_new(1, 2 * sizeof(void *), owner, release_owner);
    if (!block)
        return -ENOMEM;
    const void **buffers = arrow_block_content(block);
    buffers[1] = size ? data : arrow_nothing;
    *array = (struct ArrowArray){
        .length = width ? (int64_t)(size / width) : 0,
        .n_buffers = width ? 2 : 0,
        .buffers = width ? buffers : NULL,
        .release = arrow_block_release_array,
        .private_data = block,
    };
    *schema = (struct ArrowSchema){
        .format = memchr(plain_formats, format, sizeof plain_formats),
        .name = "",
        .flags = ARROW_FLAG_NULLABLE,
        .release = release_plain_schema,
    };
    return 0;
}
