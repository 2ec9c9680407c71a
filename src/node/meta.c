#include "node/meta.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "proto/wire.h"

int meta_split(const void *bytes, size_t len, struct meta *meta)
{
    uint32_t params_len;
    *meta = (struct meta){0};
    if (len == 0)
        return 0;
    if (len < sizeof params_len)
        return -EBADMSG;
    memcpy(&params_len, bytes, sizeof params_len);
    len -= sizeof params_len;
    if (params_len > len)
        return -EBADMSG;
    meta->params = (const char *)bytes + sizeof params_len;
    meta->params_len = params_len;
    meta->type = (const char *)meta->params + params_len;
    meta->type_len = len - params_len;
    return 0;
}

int meta_format(const struct meta *meta, const char **format, size_t *len)
{
    struct wire_in in = {meta->type, (const uint8_t *)meta->type + meta->type_len};
    uint64_t number;
    uint8_t what;
    if (!wire_get_number(&in, &number) || !wire_get_number(&in, &number) || !wire_get_byte(&in, &what) ||
        !wire_get_text(&in, format))
        return -EBADMSG;
    *len = (size_t)((const char *)in.at - *format) - 1;
    return 0;
}
