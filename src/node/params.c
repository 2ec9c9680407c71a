#include "node/params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_FIRST = 4 };

dora_params *params_alloc(size_t capacity, size_t extra)
{
    dora_params *params = malloc(sizeof *params + capacity * sizeof *params->first + extra);
    if (params)
        *params = (dora_params){.capacity = capacity, .items = params->first};
    return params;
}

dora_params *dora_params_new(void)
{
    return params_alloc(CAPACITY_FIRST, 0);
}

void dora_params_free(dora_params *params)
{
    if (!params)
        return;
    for (size_t i = 0; i < params->count; i++)
        free(params->items[i].memory);
    if (params->items != params->first)
        free(params->items);
    free(params);
}

const dora_params *params_empty(void)
{
    static const dora_params empty;
    return &empty;
}

size_t dora_params_count(const dora_params *params)
{
    return params->count;
}

const dora_param *dora_params_at(const dora_params *params, size_t index)
{
    return index < params->count ? &params->items[index].param : NULL;
}

/* Where `key` is, or would be put. */
static size_t find(const dora_params *params, const char *key, bool *found)
{
    size_t low = 0, high = params->count;
    *found = false;
    while (low < high && !*found) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(key, params->items[middle].param.key);
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
        if (order == 0) {
            low = middle;
            *found = true;
        }
    }
    return low;
}

const dora_param *dora_params_get(const dora_params *params, const char *key)
{
    bool found;
    size_t index = find(params, key, &found);
    return found ? &params->items[index].param : NULL;
}

/* Bytes of a string or list, without pointers. */
static size_t value_size(const dora_param *param)
{
    size_t size = 0;
    switch (param->kind) {
    case DORA_PARAM_STRING:
        return param->len + 1;
    case DORA_PARAM_INTS:
    case DORA_PARAM_FLOATS:
        return param->len * 8;
    case DORA_PARAM_STRINGS:
        for (size_t i = 0; i < param->len; i++)
            size += strlen(param->value.strings[i]) + 1;
        return size;
    default:
        return 0;
    }
}

static bool is_list(dora_param_kind kind)
{
    return kind == DORA_PARAM_INTS || kind == DORA_PARAM_FLOATS || kind == DORA_PARAM_STRINGS;
}

static bool is_valid(const dora_param *param)
{
    if (!param->key)
        return false;
    switch (param->kind) {
    case DORA_PARAM_BOOL:
    case DORA_PARAM_INT:
    case DORA_PARAM_FLOAT:
    case DORA_PARAM_TIMESTAMP:
        return true;
    case DORA_PARAM_STRING:
        return param->value.string && strlen(param->value.string) == param->len;
    case DORA_PARAM_INTS:
        return param->value.integers || param->len == 0;
    case DORA_PARAM_FLOATS:
        return param->value.reals || param->len == 0;
    case DORA_PARAM_STRINGS:
        for (size_t i = 0; i < param->len; i++)
            if (!param->value.strings || !param->value.strings[i])
                return false;
        return true;
    }
    return false;
}

/* Copies `size` bytes to `*at` and moves it behind them. */
static void *put(char **at, const void *data, size_t size)
{
    void *start = *at;
    if (size)
        memcpy(start, data, size);
    *at += size;
    return start;
}

/* A copy of `param` that lies in one block: first what needs alignment, then text. */
static int copy_param(const dora_param *param, struct params_item *item)
{
    size_t pointers = param->kind == DORA_PARAM_STRINGS ? param->len * sizeof(char *) : 0;
    size_t key_size = strlen(param->key) + 1;
    char *at = malloc(pointers + value_size(param) + key_size);
    if (!at)
        return -ENOMEM;
    *item = (struct params_item){.param = *param, .memory = at};
    dora_param *copy = &item->param;
    if (!is_list(param->kind) && param->kind != DORA_PARAM_STRING)
        copy->len = 0;
    if (param->kind == DORA_PARAM_STRING) {
        copy->value.string = put(&at, param->value.string, value_size(param));
    } else if (param->kind == DORA_PARAM_STRINGS) {
        const char **strings = (const char **)(void *)at;
        at += pointers;
        for (size_t i = 0; i < param->len; i++)
            strings[i] = put(&at, param->value.strings[i], strlen(param->value.strings[i]) + 1);
        copy->value.strings = strings;
    } else if (is_list(param->kind)) {
        copy->value.integers = put(&at, param->value.integers, value_size(param));
    }
    copy->key = put(&at, param->key, key_size);
    return 0;
}

static int make_room(dora_params *params)
{
    if (params->count < params->capacity)
        return 0;
    size_t capacity = params->capacity ? params->capacity * 2 : CAPACITY_FIRST;
    struct params_item *items = malloc(capacity * sizeof *items);
    if (!items)
        return -ENOMEM;
    memcpy(items, params->items, params->count * sizeof *items);
    if (params->items != params->first)
        free(params->items);
    params->items = items;
    params->capacity = capacity;
    return 0;
}

int dora_params_set(dora_params *params, const dora_param *param)
{
    if (!params || !param || !is_valid(param))
        return -EINVAL;
    struct params_item item;
    int rc = copy_param(param, &item);
    if (rc < 0)
        return rc;
    bool found;
    size_t index = find(params, param->key, &found);
    if (found) {
        free(params->items[index].memory);
    } else {
        if (make_room(params) < 0) {
            free(item.memory);
            return -ENOMEM;
        }
        memmove(&params->items[index + 1], &params->items[index], (params->count - index) * sizeof item);
        params->count++;
    }
    params->items[index] = item;
    return 0;
}

int dora_params_set_bool(dora_params *params, const char *key, bool value)
{
    return dora_params_set(params, &(dora_param){.key = key, .kind = DORA_PARAM_BOOL, .value.boolean = value});
}

int dora_params_set_int(dora_params *params, const char *key, int64_t value)
{
    return dora_params_set(params, &(dora_param){.key = key, .kind = DORA_PARAM_INT, .value.integer = value});
}

int dora_params_set_float(dora_params *params, const char *key, double value)
{
    return dora_params_set(params, &(dora_param){.key = key, .kind = DORA_PARAM_FLOAT, .value.real = value});
}

int dora_params_set_string(dora_params *params, const char *key, const char *value)
{
    if (!value)
        return -EINVAL;
    return dora_params_set(
        params, &(dora_param){.key = key, .kind = DORA_PARAM_STRING, .len = strlen(value), .value.string = value});
}

bool params_protects(const dora_params *params)
{
    return params && params->count > 0 &&
           (dora_params_get(params, "request_id") || dora_params_get(params, "goal_id") ||
            dora_params_get(params, "goal_status"));
}

bool params_flushes(const dora_params *params)
{
    const dora_param *flush = params ? dora_params_get(params, "flush") : NULL;
    return flush && flush->kind == DORA_PARAM_BOOL && flush->value.boolean;
}
