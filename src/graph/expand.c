#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "graph/describe.h"
#include "graph/tree.h"

/* YAML finds a key of more than 1024 bytes only behind a question mark. */
enum { LONG_KEY = 128 };

/* A text as YAML: as it is where nothing in it could be taken for something else, else in JSON's quotes. */
static void put_text(struct buf *out, const char *text)
{
    struct tree scalar = {.kind = TREE_SCALAR, .plain = true, .text = text};
    double number;
    bool truth, old_bool = false; /* what older readers of YAML take for a bool */
    static const char *const old_bools[] = {"yes", "no", "on", "off", "y", "n"};
    for (size_t i = 0; i < sizeof old_bools / sizeof *old_bools; i++)
        old_bool |= strcasecmp(text, old_bools[i]) == 0;
    size_t safe = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-");
    if (safe == strlen(text) && *text && *text != '-' && *text != '.' && *text != '+' && !old_bool &&
        !tree_is_null(&scalar) && !tree_bool(&scalar, &truth) && !tree_number(&scalar, &number)) {
        buf_puts(out, text);
        return;
    }
    buf_putc(out, '"');
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c == '"' || *c == '\\')
            buf_printf(out, "\\%c", *c);
        else if (*c == '\n')
            buf_puts(out, "\\n");
        else if (*c < ' ' || *c == 0x7f)
            buf_printf(out, "\\x%02X", *c);
        else if (*c == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f) /* control characters of the second kind */
            buf_printf(out, "\\x%02X", *++c);
        else if (*c == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9)) { /* line breaks for YAML */
            buf_puts(out, c[2] == 0xa8 ? "\\L" : "\\P");
            c += 2;
        } else if (*c == 0xef && c[1] == 0xbb && c[2] == 0xbf) { /* a byte order mark */
            buf_puts(out, "\\uFEFF");
            c += 2;
        } else if (*c == 0xef && c[1] == 0xbf && c[2] >= 0xbe) { /* no characters at all */
            buf_puts(out, c[2] == 0xbe ? "\\uFFFE" : "\\uFFFF");
            c += 2;
        } else
            buf_putc(out, (char)*c);
    buf_putc(out, '"');
}

static void put_scalar(struct buf *out, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        put_text(out, json_string_value(value));
        break;
    case JSON_INTEGER:
        buf_printf(out, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL: {
        double number = json_real_value(value);
        buf_printf(out, number == floor(number) && fabs(number) < 1e15 ? "%.1f" : "%.15g", number);
        break;
    }
    case JSON_TRUE:
    case JSON_FALSE:
        buf_puts(out, json_is_true(value) ? "true" : "false");
        break;
    default:
        buf_puts(out, "null");
    }
}

static void put(struct buf *out, const json_t *value, int indent);

static void put_entry(struct buf *out, const json_t *value, int indent)
{
    if (json_array_size(value) + json_object_size(value) > 0) {
        buf_putc(out, '\n');
        put(out, value, indent + 2);
        return;
    }
    buf_putc(out, ' ');
    if (json_is_array(value) || json_is_object(value))
        buf_puts(out, json_is_array(value) ? "[]" : "{}");
    else
        put_scalar(out, value);
    buf_putc(out, '\n');
}

static void put(struct buf *out, const json_t *value, int indent)
{
    const char *key;
    json_t *entry;
    size_t i;
    json_array_foreach(value, i, entry)
    {
        buf_printf(out, "%*s-", indent, "");
        if (json_object_size(entry) == 0) {
            put_entry(out, entry, indent);
            continue;
        }
        /* The first key of a mapping in a list stands behind the dash: its own indentation but one space goes. */
        size_t start = out->len, extra = (size_t)indent + 1;
        put(out, entry, indent + 2);
        if (out->failed)
            return;
        memmove(out->data + start, out->data + start + extra, out->len - start - extra + 1);
        out->len -= extra;
    }
    json_object_foreach((json_t *)value, key, entry)
    {
        buf_printf(out, "%*s", indent, "");
        bool is_long = strlen(key) > LONG_KEY;
        if (is_long)
            buf_puts(out, "? ");
        put_text(out, key);
        if (is_long)
            buf_printf(out, "\n%*s", indent, "");
        buf_putc(out, ':');
        put_entry(out, entry, indent);
    }
}

int graph_expand(const struct graph *graph, struct buf *out, struct error *error)
{
    json_t *json = describe(graph);
    if (json)
        put(out, json, 0);
    bool failed = !json || out->failed;
    json_decref(json);
    return failed ? error_set(error, -ENOMEM, "out of memory") : 0;
}

int graph_json(const struct graph *graph, struct buf *out, struct error *error)
{
    json_t *json = describe(graph);
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    if (text)
        buf_puts(out, text);
    bool failed = !text || out->failed;
    free(text);
    json_decref(json);
    return failed ? error_set(error, -ENOMEM, "out of memory") : 0;
}
