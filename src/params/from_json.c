#include "params/from_json.h"

#include <errno.h>
#include <stdlib.h>

/* What all items of a list are; false: nothing that a parameter can be. */
static bool list_kind(const json_t *list, dora_param_kind *kind)
{
    size_t texts = 0, integers = 0, reals = 0, count = json_array_size(list);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        texts += json_is_string(item);
        integers += json_is_integer(item);
        reals += json_is_real(item);
    }
    *kind = texts ? DORA_PARAM_STRINGS : reals ? DORA_PARAM_FLOATS : DORA_PARAM_INTS;
    return texts == count || integers + reals == count;
}

static int set_list(dora_params *params, dora_param *param, const json_t *list)
{
    param->len = json_array_size(list);
    union {
        int64_t integer;
        double real;
        const char *string;
    } *values = calloc(param->len + 1, sizeof *values);
    if (!values)
        return -ENOMEM;
    for (size_t i = 0; i < param->len; i++) {
        const json_t *item = json_array_get(list, i);
        if (param->kind == DORA_PARAM_STRINGS)
            values[i].string = json_string_value(item);
        else if (param->kind == DORA_PARAM_FLOATS)
            values[i].real = json_number_value(item);
        else
            values[i].integer = json_integer_value(item);
    }
    param->value.integers = &values->integer;
    if (param->kind == DORA_PARAM_FLOATS)
        param->value.reals = &values->real;
    else if (param->kind == DORA_PARAM_STRINGS)
        param->value.strings = &values->string;
    int rc = dora_params_set(params, param);
    free(values);
    return rc;
}

static int set(dora_params *params, const char *key, const json_t *value)
{
    dora_param param = {.key = key};
    switch (json_typeof(value)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return dora_params_set_bool(params, key, json_is_true(value));
    case JSON_INTEGER:
        return dora_params_set_int(params, key, json_integer_value(value));
    case JSON_REAL:
        return dora_params_set_float(params, key, json_real_value(value));
    case JSON_STRING:
        return dora_params_set_string(params, key, json_string_value(value));
    case JSON_ARRAY:
        return list_kind(value, &param.kind) ? set_list(params, &param, value) : -EINVAL;
    default:
        return -EINVAL;
    }
}

int params_from_json(const json_t *object, dora_params **out, struct error *error)
{
    dora_params *params = dora_params_new();
    int rc = params ? 0 : -ENOMEM;
    const char *key = "";
    json_t *value;
    if (rc == 0)
        json_object_foreach((json_t *)object, key, value) if ((rc = set(params, key, value)) < 0) break;
    if (rc == 0) {
        *out = params;
        return 0;
    }
    dora_params_free(params);
    return rc == -EINVAL ? error_set(error, rc,
                                     "parameter `%s`: it has to be true, false, a number, a text, or a list of"
                                     " numbers or of texts",
                                     key)
                         : error_set(error, rc, "out of memory");
}
