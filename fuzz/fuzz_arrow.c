/* Input: u16 length of the type part, type part, payload. What can be read can be printed, sent on, and read again with
 * the same meaning. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "node/arrow.h"
#include "node/arrow_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *exact(size_t size)
{
    void *memory;
    if (posix_memalign(&memory, ARROW_ALIGN, size ? size : 1) != 0)
        abort();
    return memory;
}

static char *text_of(const struct ArrowArray *array, const struct ArrowSchema *schema)
{
    struct buf buf = {0};
    arrow_print_type(&buf, schema);
    arrow_print(&buf, array, schema);
    char *text = buf_take(&buf);
    if (!text)
        abort();
    return text;
}

/* Sends the array through bytes; takes it over, and returns what comes back as text. */
static char *resend(struct ArrowArray *array, struct ArrowSchema *schema)
{
    size_t payload_len, meta_len;
    if (arrow_measure(array, schema, &payload_len, &meta_len, NULL) < 0)
        abort();
    void *payload = exact(payload_len), *meta = exact(meta_len);
    arrow_write(array, schema, payload, meta);
    array->release(array);
    schema->release(schema);
    if (arrow_read(payload, payload_len, meta, meta_len, payload, free, array, schema) < 0)
        abort();
    free(meta);
    char *text = text_of(array, schema);
    array->release(array);
    schema->release(schema);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint16_t meta_len;
    if (size < sizeof meta_len)
        return 0;
    memcpy(&meta_len, data, sizeof meta_len);
    data += sizeof meta_len;
    size -= sizeof meta_len;
    if (meta_len > size)
        return 0;
    void *payload = exact(size - meta_len), *meta = exact(meta_len);
    memcpy(meta, data, meta_len);
    memcpy(payload, data + meta_len, size - meta_len);
    struct ArrowArray array;
    struct ArrowSchema schema;
    int rc = arrow_read(payload, size - meta_len, meta, meta_len, payload, free, &array, &schema);
    free(meta);
    if (rc < 0) {
        free(payload);
        return 0;
    }
    char *before = text_of(&array, &schema), *after = resend(&array, &schema);
    if (strcmp(before, after) != 0)
        abort();
    free(before);
    free(after);
    return 0;
}
