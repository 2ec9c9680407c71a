#include "gateway/foreign_json.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "node/arrow.h"
#include "node/arrow_layout.h"
#include "node/node_raw.h"
#include "params/from_json.h"

enum { ATTACHMENT_MOST = 1 << 20 };

/* ---- To them ---- */

/* A text that isn't UTF-8 can't be told. */
static json_t *text_of(const char *text)
{
    json_t *json = json_string(text);
    return json ? json : json_null();
}

static json_t *real_of(double value)
{
    return isfinite(value) ? json_real(value)
                           : json_string(isnan(value) ? "NaN"
                                         : value > 0  ? "Infinity"
                                                      : "-Infinity");
}

static json_t *list_of(const dora_param *param)
{
    json_t *list = json_array();
    for (size_t i = 0; i < param->len; i++)
        json_array_append_new(list, param->kind == DORA_PARAM_INTS     ? json_integer(param->value.integers[i])
                                    : param->kind == DORA_PARAM_FLOATS ? real_of(param->value.reals[i])
                                                                       : text_of(param->value.strings[i]));
    return list;
}

static json_t *value_of(const dora_param *param)
{
    switch (param->kind) {
    case DORA_PARAM_BOOL:
        return json_boolean(param->value.boolean);
    case DORA_PARAM_INT:
    case DORA_PARAM_TIMESTAMP:
        return json_integer(param->value.integer);
    case DORA_PARAM_FLOAT:
        return real_of(param->value.real);
    case DORA_PARAM_STRING:
        return text_of(param->value.string);
    default:
        return list_of(param);
    }
}

static json_t *params_of(const dora_params *params)
{
    json_t *object = json_object();
    const dora_param *param;
    for (size_t i = 0; (param = dora_params_at(params, i)); i++)
        json_object_set_new(object, param->key, value_of(param));
    return object;
}

/* Where the payload is, to say where in it a buffer begins. */
struct payload {
    const char *data;
    size_t size;
};

static json_t *place(const struct payload *payload, const void *buffer, int64_t size)
{
    const char *at = buffer;
    if (!at || size < 0 || at < payload->data || (size_t)(at - payload->data) > payload->size ||
        (size_t)size > payload->size - (size_t)(at - payload->data))
        return json_null();
    return json_pack("[I, I]", (json_int_t)(at - payload->data), (json_int_t)size);
}

/* Bytes of a buffer of an array that arrow_read made. */
static int64_t buffer_size(const struct arrow_layout *layout, const struct ArrowArray *array, int64_t index)
{
    int64_t rows = array->length + array->offset, first = layout->validity ? 1 : 0;
    size_t size;
    if (index < first)
        return (rows + 7) / 8;
    index -= first;
    if (index < layout->rows_count)
        return arrow_rows_size(&layout->rows[index], rows, &size) < 0 ? -1 : (int64_t)size;
    index -= layout->rows_count;
    if (layout->kind == ARROW_BINARY && array->buffers[first])
        return arrow_offset_at(array->buffers[first], layout->rows[0].bits, rows);
    if (layout->kind == ARROW_VIEW && first + layout->rows_count + index < array->n_buffers - 1)
        return ((const int64_t *)array->buffers[array->n_buffers - 1])[index];
    return -1;
}

static json_t *field_of(const struct payload *payload, const struct ArrowArray *array, const struct ArrowSchema *schema)
{
    struct arrow_layout layout;
    json_t *field =
        json_pack("{s:o, s:I, s:I, s:I}", "format", text_of(schema->format), "length", (json_int_t)array->length,
                  "offset", (json_int_t)array->offset, "nulls", (json_int_t)array->null_count);
    if (schema->name && *schema->name)
        json_object_set_new(field, "name", text_of(schema->name));
    json_t *buffers = json_array(), *children = json_array();
    if (arrow_layout(schema->format, &layout) == 0)
        for (int64_t i = 0; i < array->n_buffers - (layout.kind == ARROW_VIEW); i++)
            json_array_append_new(buffers, place(payload, array->buffers[i], buffer_size(&layout, array, i)));
    for (int64_t i = 0; i < array->n_children; i++)
        json_array_append_new(children, field_of(payload, array->children[i], schema->children[i]));
    json_object_set_new(field, "buffers", buffers);
    if (array->n_children)
        json_object_set_new(field, "children", children);
    else
        json_decref(children);
    if (array->dictionary)
        json_object_set_new(field, "dictionary", field_of(payload, array->dictionary, schema->dictionary));
    return field;
}

static json_t *schema_of(const dora_event *event, int64_t *length)
{
    struct ArrowArray array;
    struct ArrowSchema schema;
    struct payload payload = {dora_event_data(event, NULL), dora_event_size(event)};
    if (dora_event_arrow(event, &array, &schema) < 0)
        return NULL;
    *length = array.length;
    json_t *field = field_of(&payload, &array, &schema);
    array.release(&array);
    schema.release(&schema);
    return field;
}

void foreign_describe(struct buf *out, const dora_event *event)
{
    const char *format = dora_event_format(event);
    size_t size = dora_event_size(event);
    int width = format[0] && !format[1] ? arrow_plain_width(format[0]) : 0;
    int64_t length = width ? (int64_t)(size / (size_t)width) : 0;
    /* One of a single buffer needs no more said of it. */
    json_t *schema = width ? NULL : schema_of(event, &length);
    json_t *root =
        json_pack("{s:I, s:I, s:o, s:I, s:o}", "sequence", (json_int_t)dora_event_sequence(event), "timestamp",
                  (json_int_t)clock_ntp64_to_ns(dora_event_timestamp(event)), "format", text_of(format), "length",
                  (json_int_t)length, "params", params_of(dora_event_params(event)));
    if (schema)
        json_object_set_new(root, "schema", schema);
    char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
    if (text)
        buf_puts(out, text);
    free(text);
    json_decref(root);
}

/* ---- From them ---- */

int foreign_read(const void *attachment, size_t len, char *format, dora_params **params)
{
    *format = 'C';
    *params = NULL;
    if (len == 0)
        return 0;
    if (len > ATTACHMENT_MOST)
        return -EBADMSG;
    json_t *root = json_loadb(attachment, len, JSON_REJECT_DUPLICATES, NULL);
    json_t *type = json_object_get(root, "format"), *object = json_object_get(root, "params");
    const char *text = json_string_value(type);
    int rc = !json_is_object(root) || (type && (!text || strlen(text) != 1 || !arrow_plain_width(*text))) ||
                     (object && !json_is_object(object))
                 ? -EBADMSG
                 : 0;
    if (rc == 0 && text)
        *format = *text;
    if (rc == 0 && object)
        rc = params_from_json(object, params, NULL);
    json_decref(root);
    return rc == -EINVAL ? -EBADMSG : rc;
}
