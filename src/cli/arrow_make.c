#include "cli/arrow_make.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "node/arrow.h"

enum kind { ONLY_NULL, BOOL, INT, FLOAT, TEXT, LIST, STRUCT };

static const char *const FORMATS[] = {
    [ONLY_NULL] = "n", [BOOL] = "b", [INT] = "l", [FLOAT] = "g", [TEXT] = "u", [LIST] = "+l", [STRUCT] = "+s",
};

/* A column: values of one type, rows of an array or of a descendant. NULL stands for what is missing. */
struct column {
    const json_t **rows;
    size_t count;
    enum kind kind;
};

/* What an array and its schema own. */
struct content {
    const void *buffers[3];
    uint8_t *validity;
    void *values; /* or offsets */
    char *text;
    struct ArrowArray *children, **pointers;
    size_t count;
};

struct names {
    struct ArrowSchema *children, **pointers;
    char *name;
    size_t count;
};

static void release_array(struct ArrowArray *array)
{
    struct content *content = array->private_data;
    for (size_t i = 0; i < content->count; i++)
        if (content->children[i].release)
            content->children[i].release(&content->children[i]);
    free(content->validity);
    free(content->values);
    free(content->text);
    free(content->children);
    free(content->pointers);
    free(content);
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    struct names *names = schema->private_data;
    for (size_t i = 0; i < names->count; i++)
        if (names->children[i].release)
            names->children[i].release(&names->children[i]);
    free(names->children);
    free(names->pointers);
    free(names->name);
    free(names);
    schema->release = NULL;
}

static enum kind kind_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return STRUCT;
    case JSON_ARRAY:
        return LIST;
    case JSON_STRING:
        return TEXT;
    case JSON_INTEGER:
        return INT;
    case JSON_REAL:
        return FLOAT;
    case JSON_TRUE:
    case JSON_FALSE:
        return BOOL;
    case JSON_NULL:
        break;
    }
    return ONLY_NULL;
}

static int find_kind(struct column *column, struct error *error)
{
    static const char *const names[] = {"null",   "true or false", "a whole number", "a number",
                                        "a text", "a list",        "an object"};
    for (size_t i = 0; i < column->count; i++) {
        enum kind kind = column->rows[i] ? kind_of(column->rows[i]) : ONLY_NULL;
        if (kind == ONLY_NULL || kind == column->kind)
            continue;
        if (column->kind == ONLY_NULL)
            column->kind = kind;
        else if ((column->kind == INT && kind == FLOAT) || (column->kind == FLOAT && kind == INT))
            column->kind = FLOAT;
        else
            return error_set(error, -EINVAL,
                             "%s stands where %s stood before it; values that belong together are all of"
                             " one kind",
                             names[kind], names[column->kind]);
    }
    return 0;
}

/* The lengths' sums: where each row begins in what lies one behind the other, and at last where it ends. */
static int fill_offsets(struct content *content, const struct column *column, size_t *total)
{
    int32_t *offsets = content->values;
    size_t sum = 0;
    for (size_t i = 0; i < column->count; i++) {
        sum += column->kind == TEXT ? json_string_length(column->rows[i]) : json_array_size(column->rows[i]);
        if (sum > INT32_MAX)
            return -ENOMEM;
        offsets[i + 1] = (int32_t)sum;
    }
    *total = sum;
    return 0;
}

static int fill_text(struct content *content, const struct column *column)
{
    size_t size = 0;
    if (fill_offsets(content, column, &size) < 0 || !(content->text = malloc(size + 1)))
        return -ENOMEM;
    const int32_t *offsets = content->values;
    for (size_t i = 0; i < column->count; i++)
        if (json_string_length(column->rows[i]))
            memcpy(content->text + offsets[i], json_string_value(column->rows[i]), json_string_length(column->rows[i]));
    content->buffers[2] = content->text;
    return 0;
}

static void fill_values(struct content *content, const struct column *column)
{
    for (size_t i = 0; i < column->count; i++) {
        const json_t *item = column->rows[i];
        if (column->kind == BOOL && json_is_true(item))
            ((uint8_t *)content->values)[i / 8] |= (uint8_t)(1 << i % 8);
        else if (column->kind == INT)
            ((int64_t *)content->values)[i] = json_integer_value(item);
        else if (column->kind == FLOAT)
            ((double *)content->values)[i] = json_number_value(item);
    }
}

static int64_t fill_validity(struct content *content, const struct column *column)
{
    int64_t nulls = 0;
    for (size_t i = 0; i < column->count; i++) {
        if (!column->rows[i] || json_is_null(column->rows[i]))
            nulls++;
        else
            content->validity[i / 8] |= (uint8_t)(1 << i % 8);
    }
    content->buffers[0] = nulls ? content->validity : NULL;
    return nulls;
}

/* All keys of the objects, in the order in which they come first: an object of them, NULL when memory is out. */
static json_t *all_keys(const struct column *column)
{
    json_t *keys = json_object();
    for (size_t i = 0; i < column->count; i++) {
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)column->rows[i], key, value) if (json_object_set_new(keys, key, json_null()) < 0)
        {
            json_decref(keys);
            return NULL;
        }
    }
    return keys;
}

static int make(struct column *column, const char *name, int depth, struct ArrowArray *array,
                struct ArrowSchema *schema, struct error *error);

static int make_list(struct column *column, int depth, struct ArrowArray *array, struct ArrowSchema *schema,
                     struct error *error)
{
    struct column items = {0};
    if (fill_offsets(array->private_data, column, &items.count) < 0)
        return -ENOMEM;
    autofree const json_t **rows = calloc(items.count + 1, sizeof *rows);
    if (!rows)
        return -ENOMEM;
    size_t at = 0;
    for (size_t i = 0; i < column->count; i++)
        for (size_t k = 0; k < json_array_size(column->rows[i]); k++)
            rows[at++] = json_array_get(column->rows[i], k);
    items.rows = rows;
    return make(&items, "item", depth, array->children[0], schema->children[0], error);
}

static int make_struct(struct column *column, json_t *keys, int depth, struct ArrowArray *array,
                       struct ArrowSchema *schema, struct error *error)
{
    autofree const json_t **rows = calloc(column->count + 1, sizeof *rows);
    if (!rows)
        return -ENOMEM;
    int rc = 0;
    size_t child = 0;
    const char *key;
    json_t *unused;
    json_object_foreach(keys, key, unused)
    {
        struct column field = {.rows = rows, .count = column->count};
        for (size_t i = 0; i < column->count; i++)
            rows[i] = json_object_get(column->rows[i], key);
        rc = make(&field, key, depth, array->children[child], schema->children[child], error);
        if (rc < 0)
            break;
        child++;
    }
    return rc;
}

static int make_children(struct column *column, int depth, struct ArrowArray *array, struct ArrowSchema *schema,
                         struct error *error)
{
    struct content *content = array->private_data;
    struct names *names = schema->private_data;
    json_t *keys = column->kind == STRUCT ? all_keys(column) : NULL;
    size_t count = column->kind == STRUCT ? json_object_size(keys) : 1;
    int rc = -ENOMEM;
    content->children = calloc(count + 1, sizeof *content->children);
    content->pointers = calloc(count + 1, sizeof *content->pointers);
    names->children = calloc(count + 1, sizeof *names->children);
    names->pointers = calloc(count + 1, sizeof *names->pointers);
    if (content->children && content->pointers && names->children && names->pointers &&
        (keys || column->kind == LIST)) {
        content->count = names->count = count;
        for (size_t i = 0; i < count; i++) {
            content->pointers[i] = &content->children[i];
            names->pointers[i] = &names->children[i];
        }
        array->n_children = schema->n_children = (int64_t)count;
        array->children = content->pointers;
        schema->children = names->pointers;
        rc = column->kind == LIST ? make_list(column, depth, array, schema, error)
                                  : make_struct(column, keys, depth, array, schema, error);
    }
    json_decref(keys);
    return rc;
}

static int fill(struct column *column, int depth, struct ArrowArray *array, struct ArrowSchema *schema,
                struct error *error)
{
    struct content *content = array->private_data;
    array->length = (int64_t)column->count;
    if (column->kind == ONLY_NULL) {
        array->null_count = array->length;
        return 0;
    }
    content->validity = calloc(column->count / 8 + 1, 1);
    content->values = column->kind == STRUCT ? NULL : calloc(column->count + 1, sizeof(int64_t));
    if (!content->validity || (!content->values && column->kind != STRUCT))
        return -ENOMEM;
    array->null_count = fill_validity(content, column);
    content->buffers[1] = content->values;
    array->buffers = content->buffers;
    array->n_buffers = column->kind == STRUCT ? 1 : column->kind == TEXT ? 3 : 2;
    if (column->kind == LIST || column->kind == STRUCT)
        return make_children(column, depth + 1, array, schema, error);
    if (column->kind == TEXT)
        return fill_text(content, column);
    fill_values(content, column);
    return 0;
}

/* A `name` of NULL: none. On failure nothing is to be released. */
static int make(struct column *column, const char *name, int depth, struct ArrowArray *array,
                struct ArrowSchema *schema, struct error *error)
{
    if (depth >= ARROW_DEPTH_MOST)
        return error_set(error, -EINVAL, "the value is nested more than %d levels deep", ARROW_DEPTH_MOST);
    int rc = find_kind(column, error);
    if (rc < 0)
        return rc;
    struct content *content = calloc(1, sizeof *content);
    struct names *names = calloc(1, sizeof *names);
    char *copy = name ? strdup(name) : NULL;
    if (!content || !names || (name && !copy)) {
        free(content);
        free(names);
        free(copy);
        return -ENOMEM;
    }
    names->name = copy;
    *array = (struct ArrowArray){.release = release_array, .private_data = content};
    *schema = (struct ArrowSchema){.format = FORMATS[column->kind],
                                   .name = copy,
                                   .flags = ARROW_FLAG_NULLABLE,
                                   .release = release_schema,
                                   .private_data = names};
    rc = fill(column, depth, array, schema, error);
    if (rc < 0) {
        release_array(array);
        release_schema(schema);
    }
    return rc;
}

int arrow_make(const json_t *value, struct ArrowArray *array, struct ArrowSchema *schema, struct error *error)
{
    struct column column = {.count = json_is_array(value) ? json_array_size(value) : 1};
    autofree const json_t **rows = calloc(column.count + 1, sizeof *rows);
    int rc = -ENOMEM;
    if (rows) {
        for (size_t i = 0; i < column.count; i++)
            rows[i] = json_is_array(value) ? json_array_get(value, i) : value;
        column.rows = rows;
        rc = make(&column, NULL, 0, array, schema, error);
    }
    return rc == -ENOMEM ? error_set(error, rc, "out of memory") : rc;
}
