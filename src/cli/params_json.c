#include "cli/params_json.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "cli/arrow_json.h"

static void put_value(struct buf *out, const dora_param *param)
{
    switch (param->kind) {
    case DORA_PARAM_BOOL:
        buf_puts(out, param->value.boolean ? "true" : "false");
        break;
    case DORA_PARAM_INT:
        buf_printf(out, "%" PRId64, param->value.integer);
        break;
    case DORA_PARAM_FLOAT:
        arrow_json_double(out, param->value.real);
        break;
    case DORA_PARAM_STRING:
        arrow_json_text(out, param->value.string, param->len, SIZE_MAX);
        break;
    case DORA_PARAM_TIMESTAMP:
        arrow_json_time(out, param->value.integer);
        break;
    default:
        buf_putc(out, '[');
        for (size_t i = 0; i < param->len; i++) {
            buf_puts(out, i ? "," : "");
            if (param->kind == DORA_PARAM_INTS)
                buf_printf(out, "%" PRId64, param->value.integers[i]);
            else if (param->kind == DORA_PARAM_FLOATS)
                arrow_json_double(out, param->value.reals[i]);
            else
                arrow_json_text(out, param->value.strings[i], strlen(param->value.strings[i]), SIZE_MAX);
        }
        buf_putc(out, ']');
    }
}

void params_json_put(struct buf *out, const dora_params *params)
{
    const dora_param *param;
    buf_putc(out, '{');
    for (size_t i = 0; (param = dora_params_at(params, i)); i++) {
        buf_puts(out, i ? "," : "");
        arrow_json_text(out, param->key, strlen(param->key), SIZE_MAX);
        buf_putc(out, ':');
        put_value(out, param);
    }
    buf_putc(out, '}');
}
