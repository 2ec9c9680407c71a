#include "node/params.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/wire.h"

static void put_value(struct wire_out *out, const dora_param *param)
{
    switch (param->kind) {
    case DORA_PARAM_BOOL:
        wire_put_byte(out, param->value.boolean);
        return;
    case DORA_PARAM_INT:
    case DORA_PARAM_TIMESTAMP:
        wire_put_signed(out, param->value.integer);
        return;
    case DORA_PARAM_FLOAT:
        wire_put(out, &param->value.real, sizeof param->value.real);
        return;
    case DORA_PARAM_STRING:
        wire_put_text(out, param->value.string);
        return;
    case DORA_PARAM_INTS:
        wire_put_number(out, param->len);
        for (size_t i = 0; i < param->len; i++)
            wire_put_signed(out, param->value.integers[i]);
        return;
    case DORA_PARAM_FLOATS:
        wire_put_number(out, param->len);
        wire_put(out, param->value.reals, param->len * sizeof *param->value.reals);
        return;
    case DORA_PARAM_STRINGS:
        wire_put_number(out, param->len);
        for (size_t i = 0; i < param->len; i++)
            wire_put_text(out, param->value.strings[i]);
        return;
    }
}

static bool is_list(dora_param_kind kind)
{
    return kind == DORA_PARAM_INTS || kind == DORA_PARAM_FLOATS || kind == DORA_PARAM_STRINGS;
}

static void put_params(struct wire_out *out, const dora_params *params)
{
    if (!params || params->count == 0)
        return;
    size_t elements = 0;
    for (size_t i = 0; i < params->count; i++)
        if (is_list(params->items[i].param.kind))
            elements += params->items[i].param.len;
    wire_put_number(out, params->count);
    wire_put_number(out, elements);
    for (size_t i = 0; i < params->count; i++) {
        const dora_param *param = &params->items[i].param;
        wire_put_byte(out, (uint8_t)param->kind);
        wire_put_text(out, param->key);
        put_value(out, param);
    }
}

size_t params_encoded_size(const dora_params *params)
{
    struct wire_out out = {0};
    put_params(&out, params);
    return out.used;
}

void params_encode(const dora_params *params, void *bytes)
{
    put_params(&(struct wire_out){.bytes = bytes}, params);
}

/* One element of a list: all kinds take the same room. */
union slot {
    int64_t integer;
    double real;
    const char *string;
};

/* What is left of the room for lists that the encoding announced. */
struct slots {
    union slot *at;
    size_t left;
};

static bool get_real(struct wire_in *in, double *real)
{
    const void *bytes;
    if (!wire_get(in, sizeof *real, &bytes))
        return false;
    memcpy(real, bytes, sizeof *real);
    return true;
}

static bool get_list(struct wire_in *in, struct slots *slots, dora_param *param)
{
    uint64_t len;
    if (!wire_get_number(in, &len) || len > slots->left)
        return false;
    union slot *list = slots->at;
    for (uint64_t i = 0; i < len; i++) {
        bool good = param->kind == DORA_PARAM_INTS     ? wire_get_signed(in, &list[i].integer)
                    : param->kind == DORA_PARAM_FLOATS ? get_real(in, &list[i].real)
                                                       : wire_get_text(in, &list[i].string);
        if (!good)
            return false;
    }
    slots->at += len;
    slots->left -= len;
    param->len = len;
    param->value.integers = &list->integer;
    return true;
}

static bool get_value(struct wire_in *in, struct slots *slots, dora_param *param)
{
    uint8_t byte;
    switch (param->kind) {
    case DORA_PARAM_BOOL:
        if (!wire_get_byte(in, &byte) || byte > 1)
            return false;
        param->value.boolean = byte;
        return true;
    case DORA_PARAM_INT:
    case DORA_PARAM_TIMESTAMP:
        return wire_get_signed(in, &param->value.integer);
    case DORA_PARAM_FLOAT:
        return get_real(in, &param->value.real);
    case DORA_PARAM_STRING:
        if (!wire_get_text(in, &param->value.string))
            return false;
        param->len = strlen(param->value.string);
        return true;
    case DORA_PARAM_INTS:
    case DORA_PARAM_FLOATS:
    case DORA_PARAM_STRINGS:
        return get_list(in, slots, param);
    }
    return false;
}

static bool get_param(struct wire_in *in, struct slots *slots, dora_param *param)
{
    uint8_t kind;
    if (!wire_get_byte(in, &kind) || !wire_get_text(in, &param->key))
        return false;
    param->kind = (dora_param_kind)kind;
    return get_value(in, slots, param);
}

static void cleanup_params(dora_params **params)
{
    dora_params_free(*params);
}

int params_decode(const void *bytes, size_t len, dora_params **out)
{
    uint64_t count = 0, elements = 0;
    struct wire_in in = {bytes, len ? (const uint8_t *)bytes + len : bytes};
    if (len > 0 && (!wire_get_number(&in, &count) || count == 0 || !wire_get_number(&in, &elements)))
        return -EBADMSG;
    size_t rest = (size_t)(in.end - in.at);
    /* An entry takes at least three bytes (kind, key, value), an element one. */
    if (count > rest / 3 || elements > rest)
        return -EBADMSG;
    __attribute__((cleanup(cleanup_params))) dora_params *params =
        params_alloc(count, elements * sizeof(union slot) + rest);
    if (!params)
        return -ENOMEM;
    struct slots slots = {(union slot *)&params->first[count], elements};
    uint8_t *copy = (uint8_t *)(slots.at + elements);
    if (rest)
        memcpy(copy, in.at, rest);
    in = (struct wire_in){copy, copy + rest};
    for (size_t i = 0; i < count; i++) {
        struct params_item *item = &params->items[i];
        *item = (struct params_item){0};
        if (!get_param(&in, &slots, &item->param) || (i > 0 && strcmp(item[-1].param.key, item->param.key) >= 0))
            return -EBADMSG;
        params->count++;
    }
    if (in.at != in.end || slots.left > 0)
        return -EBADMSG;
    *out = take_ptr(params);
    return 0;
}
