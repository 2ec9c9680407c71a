#include "node/arrow_layout.h"

#include <errno.h>
#include <string.h>

/* A format of fixed text, and its layout. */
struct known {
    const char *format;
    enum arrow_kind kind;
    int64_t bits; /* of an element, an offset, a view */
};

static const struct known known[] = {
    {"n", ARROW_NULL, 0},     {"b", ARROW_FIXED, 1},        {"c", ARROW_FIXED, 8},    {"C", ARROW_FIXED, 8},
    {"s", ARROW_FIXED, 16},   {"S", ARROW_FIXED, 16},       {"i", ARROW_FIXED, 32},   {"I", ARROW_FIXED, 32},
    {"l", ARROW_FIXED, 64},   {"L", ARROW_FIXED, 64},       {"e", ARROW_FIXED, 16},   {"f", ARROW_FIXED, 32},
    {"g", ARROW_FIXED, 64},   {"z", ARROW_BINARY, 32},      {"u", ARROW_BINARY, 32},  {"Z", ARROW_BINARY, 64},
    {"U", ARROW_BINARY, 64},  {"vz", ARROW_VIEW, 128},      {"vu", ARROW_VIEW, 128},  {"tdD", ARROW_FIXED, 32},
    {"tdm", ARROW_FIXED, 64}, {"tts", ARROW_FIXED, 32},     {"ttm", ARROW_FIXED, 32}, {"ttu", ARROW_FIXED, 64},
    {"ttn", ARROW_FIXED, 64}, {"tDs", ARROW_FIXED, 64},     {"tDm", ARROW_FIXED, 64}, {"tDu", ARROW_FIXED, 64},
    {"tDn", ARROW_FIXED, 64}, {"tiM", ARROW_FIXED, 32},     {"tiD", ARROW_FIXED, 64}, {"tin", ARROW_FIXED, 128},
    {"+l", ARROW_LIST, 32},   {"+L", ARROW_LIST, 64},       {"+m", ARROW_LIST, 32},   {"+vl", ARROW_LIST_VIEW, 32},
    {"+s", ARROW_STRUCT, 0},  {"+vL", ARROW_LIST_VIEW, 64}, {"+r", ARROW_RUN_END, 0},
};

/* Reads digits, "" excluded, up to `most`. */
static bool get_number(const char **at, int64_t most, int64_t *number)
{
    const char *start = *at;
    for (*number = 0; **at >= '0' && **at <= '9'; ++*at) {
        *number = *number * 10 + (**at - '0');
        if (*number > most)
            return false;
    }
    return *at > start;
}

/* "d:precision,scale[,bits]" behind the colon. */
static bool get_decimal(const char *at, int64_t *bits)
{
    int64_t precision, scale;
    *bits = 128;
    if (!get_number(&at, 76, &precision) || precision == 0 || *at++ != ',')
        return false;
    if (*at == '-')
        at++;
    if (!get_number(&at, INT32_MAX, &scale) || (*at == ',' && (++at, !get_number(&at, 256, bits))))
        return false;
    return *at == '\0' && (*bits == 32 || *bits == 64 || *bits == 128 || *bits == 256);
}

static void set_kind(struct arrow_layout *layout, enum arrow_kind kind, int64_t bits)
{
    *layout = (struct arrow_layout){.kind = kind, .validity = true, .rows_count = 1, .rows[0].bits = bits};
    switch (kind) {
    case ARROW_NULL:
        layout->validity = false;
        layout->rows_count = 0;
        break;
    case ARROW_FIXED:
        break;
    case ARROW_BINARY:
        layout->rows[0].beyond = 1;
        layout->buffers = 1;
        break;
    case ARROW_VIEW:
        layout->buffers = 1;
        break;
    case ARROW_LIST:
        layout->rows[0].beyond = 1;
        layout->n_children = 1;
        break;
    case ARROW_LIST_VIEW:
        layout->rows_count = 2;
        layout->rows[1].bits = bits;
        layout->n_children = 1;
        break;
    case ARROW_FIXED_LIST:
        layout->rows_count = 0;
        layout->n_children = 1;
        break;
    case ARROW_STRUCT:
        layout->rows_count = 0;
        layout->n_children = -1;
        break;
    case ARROW_DENSE_UNION:
        layout->rows_count = 2;
        layout->rows[1].bits = 32;
        __attribute__((fallthrough));
    case ARROW_SPARSE_UNION:
        layout->validity = false;
        layout->rows[0].bits = 8;
        layout->n_children = -1;
        break;
    case ARROW_RUN_END:
        layout->validity = false;
        layout->rows_count = 0;
        layout->n_children = 2;
        break;
    }
    layout->buffers += layout->validity + layout->rows_count;
}

int arrow_layout(const char *format, struct arrow_layout *layout)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(format, known[i].format) == 0) {
            set_kind(layout, known[i].kind, known[i].bits);
            layout->map = strcmp(format, "+m") == 0;
            return 0;
        }
    }
    if (strlen(format) < strlen("w:1"))
        return -EINVAL;
    int64_t number;
    const char *at = format + 2;
    uint8_t child[ARROW_TYPE_IDS];
    if (strncmp(format, "ts", 2) == 0 && *at && strchr("smun", *at) && at[1] == ':') {
        set_kind(layout, ARROW_FIXED, 64);
    } else if (strncmp(format, "d:", 2) == 0 && get_decimal(at, &number)) {
        set_kind(layout, ARROW_FIXED, number);
    } else if (strncmp(format, "w:", 2) == 0 && get_number(&at, INT32_MAX, &number) && !*at) {
        set_kind(layout, ARROW_FIXED, number * 8);
    } else if (strncmp(format, "+w:", 3) == 0 && (at++, get_number(&at, INT32_MAX, &number)) && !*at) {
        set_kind(layout, ARROW_FIXED_LIST, 0);
        layout->list_size = number;
    } else if (strncmp(format, "+us:", 4) == 0 && arrow_union_children(format, child) >= 0) {
        set_kind(layout, ARROW_SPARSE_UNION, 0);
    } else if (strncmp(format, "+ud:", 4) == 0 && arrow_union_children(format, child) >= 0) {
        set_kind(layout, ARROW_DENSE_UNION, 0);
    } else {
        return -EINVAL;
    }
    return 0;
}

int arrow_rows_size(const struct arrow_rows *rows, int64_t count, size_t *size)
{
    int64_t bits;
    if (__builtin_add_overflow(count, rows->beyond, &count) || __builtin_mul_overflow(count, rows->bits, &bits))
        return -EINVAL;
    *size = (size_t)bits / 8 + (bits % 8 != 0);
    return 0;
}

int arrow_union_children(const char *format, uint8_t child[ARROW_TYPE_IDS])
{
    const char *at = format + strlen("+us:");
    memset(child, ARROW_NO_CHILD, ARROW_TYPE_IDS);
    if (!*at)
        return 0;
    for (int count = 0;; at++) {
        int64_t id;
        if (!get_number(&at, ARROW_TYPE_IDS - 1, &id) || child[id] != ARROW_NO_CHILD)
            return -EINVAL;
        child[id] = (uint8_t)count++;
        if (*at != ',')
            return *at ? -EINVAL : count;
    }
}

static bool is_one_of(const char *format, const char *letters)
{
    return format[0] && !format[1] && strchr(letters, format[0]);
}

const char *arrow_family_fault(const struct arrow_layout *layout, const struct ArrowSchema *schema)
{
    uint8_t child[ARROW_TYPE_IDS];
    if (layout->n_children >= 0 && schema->n_children != layout->n_children)
        return "has a number of children that its type doesn't have";
    if (layout->kind == ARROW_SPARSE_UNION || layout->kind == ARROW_DENSE_UNION)
        if (arrow_union_children(schema->format, child) != schema->n_children)
            return "is a union with another number of children than type ids";
    if (schema->dictionary && !is_one_of(schema->format, "cCsSiIlL"))
        return "has a dictionary, but is not of an integer type";
    if (layout->kind == ARROW_RUN_END &&
        (!is_one_of(schema->children[0]->format, "sil") || schema->children[0]->dictionary))
        return "has run ends that are not int16, int32 or int64";
    if (layout->map && (strcmp(schema->children[0]->format, "+s") != 0 || schema->children[0]->n_children != 2))
        return "is a map whose entries are not pairs of key and value";
    return NULL;
}
