#include "gateway/hello.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

char *hello_from(const char *line, size_t len, const char *machine, size_t *new_len)
{
    json_t *root = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    json_t *hello = json_object_get(root, "hello");
    struct buf text = {0};
    char *dumped = NULL;
    if (json_is_object(hello) && json_object_set_new(hello, "machine", json_string(machine)) == 0)
        dumped = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (!dumped)
        return NULL;
    buf_puts(&text, dumped);
    buf_putc(&text, '\n');
    free(dumped);
    *new_len = text.len;
    return buf_take(&text);
}
