/* What decodes must encode to the very bytes it came from. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    dora_params *params;
    if (params_decode(data, size, &params) < 0)
        return 0;
    void *bytes = malloc(size + 1);
    if (!bytes || params_encoded_size(params) != size)
        abort();
    params_encode(params, bytes);
    if (size && memcmp(bytes, data, size) != 0)
        abort();
    for (size_t i = 0; i < dora_params_count(params); i++)
        if (dora_params_get(params, dora_params_at(params, i)->key) != dora_params_at(params, i))
            abort();
    params_protects(params);
    params_flushes(params);
    free(bytes);
    dora_params_free(params);
    return 0;
}
