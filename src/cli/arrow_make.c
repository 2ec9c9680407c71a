#include "cli/arrow_make.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum kind { ONLY_NULL, BOOL, INT, FLOAT, TEXT };

struct content {
    const void *buffers[3];
    uint8_t *validity;
    void *values; /* or offsets */
    char *text;
};

static void release_array(struct ArrowArray *array)
{
    struct content *content = array->private_data;
    free(content->validity);
    free(content->values);
    free(content->text);
    free(content);
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static size_t length_of(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : 1;
}

static const json_t *element(const json_t *value, size_t index)
{
    return json_is_array(value) ? json_array_get(value, index) : value;
}

static int find_kind(const json_t *value, enum kind *kind, struct error *error)
{
    *kind = ONLY_NULL;
    for (size_t i = 0; i < length_of(value); i++) {
        const json_t *item = element(value, i);
        if (json_is_null(item))
            continue;
        if (json_is_array(item) || json_is_object(item))
            return error_set(error, -EINVAL, "element %zu is %s; only numbers, texts, true, false and null can be sent",
                             i, json_is_array(item) ? "a list" : "an object");
        enum kind this = json_is_boolean(item) ? BOOL : json_is_integer(item) ? INT : json_is_real(item) ? FLOAT : TEXT;
        if (*kind == ONLY_NULL || *kind == this)
            *kind = this;
        else if ((*kind == INT && this == FLOAT) || (*kind == FLOAT && this == INT))
            *kind = FLOAT;
        else
            return error_set(error, -EINVAL, "element %zu is of another kind than those before it", i);
    }
    return 0;
}

static int fill_text(struct content *content, const json_t *value, size_t length)
{
    int32_t *offsets = content->values;
    size_t size = 0;
    for (size_t i = 0; i < length; i++)
        size += json_string_length(element(value, i));
    if (size > INT32_MAX || !(content->text = malloc(size + 1)))
        return -ENOMEM;
    for (size_t i = 0, at = 0; i < length; i++) {
        size_t len = json_string_length(element(value, i));
        if (len)
            memcpy(content->text + at, json_string_value(element(value, i)), len);
        at += len;
        offsets[i + 1] = (int32_t)at;
    }
    content->buffers[2] = content->text;
    return 0;
}

static int64_t fill_validity(struct content *content, const json_t *value, size_t length)
{
    int64_t nulls = 0;
    for (size_t i = 0; i < length; i++) {
        if (json_is_null(element(value, i)))
            nulls++;
        else
            content->validity[i / 8] |= (uint8_t)(1 << i % 8);
    }
    content->buffers[0] = nulls ? content->validity : NULL;
    return nulls;
}

static void fill_values(struct content *content, enum kind kind, const json_t *value, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        const json_t *item = element(value, i);
        if (kind == BOOL && json_is_true(item))
            ((uint8_t *)content->values)[i / 8] |= (uint8_t)(1 << i % 8);
        else if (kind == INT)
            ((int64_t *)content->values)[i] = json_integer_value(item);
        else if (kind == FLOAT)
            ((double *)content->values)[i] = json_number_value(item);
    }
}

int arrow_make(const json_t *value, struct ArrowArray *array, struct ArrowSchema *schema, struct error *error)
{
    static const char *const formats[] = {[ONLY_NULL] = "n", [BOOL] = "b", [INT] = "l", [FLOAT] = "g", [TEXT] = "u"};
    enum kind kind;
    int rc = find_kind(value, &kind, error);
    if (rc < 0)
        return rc;
    size_t length = length_of(value);
    struct content *content = calloc(1, sizeof *content);
    if (!content)
        return error_set(error, -ENOMEM, "out of memory");
    *array = (struct ArrowArray){.length = (int64_t)length, .release = release_array, .private_data = content};
    *schema = (struct ArrowSchema){.format = formats[kind], .flags = ARROW_FLAG_NULLABLE, .release = release_schema};
    if (kind == ONLY_NULL) {
        array->null_count = (int64_t)length;
        return 0;
    }
    content->validity = calloc(length / 8 + 1, 1);
    content->values = calloc(length + 1, sizeof(int64_t));
    if (!content->validity || !content->values || (kind == TEXT && fill_text(content, value, length) < 0)) {
        release_array(array);
        return error_set(error, -ENOMEM, "out of memory");
    }
    array->null_count = fill_validity(content, value, length);
    fill_values(content, kind, value, length);
    content->buffers[1] = content->values;
    array->buffers = content->buffers;
    array->n_buffers = kind == TEXT ? 3 : 2;
    return 0;
}
