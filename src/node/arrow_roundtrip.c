/* A module for tests in other languages: an array through bytes and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "node/arrow.h"

__attribute__((visibility("default"))) int arrow_roundtrip(const struct ArrowArray *array,
                                                           const struct ArrowSchema *schema, struct ArrowArray *out,
                                                           struct ArrowSchema *out_schema, size_t *payload_len);

/* 0, or the negative errno of the step that failed, with a line on standard error. `*out` owns its memory. */
int arrow_roundtrip(const struct ArrowArray *array, const struct ArrowSchema *schema, struct ArrowArray *out,
                    struct ArrowSchema *out_schema, size_t *payload_len)
{
    struct error error = ERROR_INIT;
    size_t meta_len;
    int rc = arrow_measure(array, schema, payload_len, &meta_len, &error);
    if (rc < 0) {
        fprintf(stderr, "%s\n", error.message);
        return rc;
    }
    void *payload = NULL, *meta = malloc(meta_len);
    if (!meta || posix_memalign(&payload, ARROW_ALIGN, *payload_len ? *payload_len : 1) != 0) {
        free(meta);
        return -ENOMEM;
    }
    arrow_write(array, schema, payload, meta);
    rc = arrow_read(payload, *payload_len, meta, meta_len, payload, free, out, out_schema);
    if (rc < 0)
        free(payload);
    free(meta);
    return rc;
}
