/* Names of Arrow's types. */
#include <string.h>

#include "cli/arrow_json.h"

static const struct {
    const char *format, *name;
} names[] = {
    {"n", "null"},
    {"b", "bool"},
    {"c", "int8"},
    {"C", "uint8"},
    {"s", "int16"},
    {"S", "uint16"},
    {"i", "int32"},
    {"I", "uint32"},
    {"l", "int64"},
    {"L", "uint64"},
    {"e", "float16"},
    {"f", "float32"},
    {"g", "float64"},
    {"z", "binary"},
    {"Z", "large_binary"},
    {"u", "utf8"},
    {"U", "large_utf8"},
    {"vz", "binary_view"},
    {"vu", "utf8_view"},
    {"tdD", "date32"},
    {"tdm", "date64"},
    {"tts", "time32[s]"},
    {"ttm", "time32[ms]"},
    {"ttu", "time64[us]"},
    {"ttn", "time64[ns]"},
    {"tDs", "duration[s]"},
    {"tDm", "duration[ms]"},
    {"tDu", "duration[us]"},
    {"tDn", "duration[ns]"},
    {"tiM", "interval[months]"},
    {"tiD", "interval[days, ms]"},
    {"tin", "interval[months, days, ns]"},
};

static const struct {
    const char *format, *name;
} nested[] = {
    {"+l", "list"},    {"+L", "large_list"},       {"+vl", "list_view"},      {"+vL", "large_list_view"},
    {"+m", "map"},     {"+s", "struct"},           {"+r", "run_end_encoded"}, {"+us:", "union"},
    {"+ud:", "union"}, {"+w:", "fixed_size_list"},
};

static void put_nested(struct buf *out, const char *name, const struct ArrowSchema *schema)
{
    bool has_names = strcmp(name, "struct") == 0 || strcmp(name, "union") == 0;
    buf_printf(out, "%s<", name);
    for (int64_t i = 0; i < schema->n_children; i++) {
        const struct ArrowSchema *child = schema->children[i];
        buf_puts(out, i ? ", " : "");
        if (has_names)
            buf_printf(out, "%s: ", child->name ? child->name : "");
        arrow_json_type(out, child);
    }
    if (strcmp(name, "fixed_size_list") == 0)
        buf_printf(out, ", %s", schema->format + 3);
    buf_putc(out, '>');
}

static const char *plain_name(const char *format)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(format, names[i].format) == 0)
            return names[i].name;
    return NULL;
}

void arrow_json_type(struct buf *out, const struct ArrowSchema *schema)
{
    const char *format = schema->format, *plain = plain_name(format);
    if (schema->dictionary) {
        buf_puts(out, "dictionary<");
        arrow_json_type(out, schema->dictionary);
        buf_putc(out, '>');
        return;
    }
    if (plain) {
        buf_puts(out, plain);
        return;
    }
    for (size_t i = 0; i < sizeof nested / sizeof *nested; i++) {
        const char *known = nested[i].format;
        size_t len = strlen(known);
        if (known[len - 1] == ':' ? strncmp(format, known, len) == 0 : strcmp(format, known) == 0) {
            put_nested(out, nested[i].name, schema);
            return;
        }
    }
    if (strncmp(format, "ts", 2) == 0 && strlen(format) >= 4)
        buf_printf(out, "timestamp[%s%s%s]", format[2] == 's' ? "s" : (char[]){format[2], 's', '\0'},
                   format[4] ? ", " : "", format + 4);
    else if (strncmp(format, "d:", 2) == 0)
        buf_printf(out, "decimal(%s)", format + 2);
    else if (strncmp(format, "w:", 2) == 0)
        buf_printf(out, "fixed_size_binary(%s)", format + 2);
    else
        buf_puts(out, format);
}
