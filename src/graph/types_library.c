#include "graph/types_library.h"

#include <stdint.h>
#include <string.h>

#include "base/suggest.h"

static const char *const arrow_types[] = {
    "Null",        "Boolean",         "Int8",          "Int16",   "Int32",   "Int64",     "UInt8",     "UInt16",
    "UInt32",      "UInt64",          "Float16",       "Float32", "Float64", "Utf8",      "LargeUtf8", "Binary",
    "LargeBinary", "Date32",          "Date64",        "Time32",  "Time64",  "Timestamp", "Duration",  "List",
    "LargeList",   "FixedSizeBinary", "FixedSizeList", "Struct",  "Map",
};

bool types_is_arrow(const char *name)
{
    for (size_t i = 0; i < sizeof arrow_types / sizeof *arrow_types; i++)
        if (strcmp(arrow_types[i], name) == 0)
            return true;
    return false;
}

size_t types_urn_base(const char *urn)
{
    return strcspn(urn, "[");
}

/* The value of a parameter in "name[k=v,…]", NULL if it is not there. */
static const char *find_param(const char *urn, const char *key, size_t key_len, size_t *len)
{
    const char *at = urn + types_urn_base(urn);
    while (*at && *at != ']') {
        at++;
        size_t item = strcspn(at, ",]");
        if (item > key_len && memcmp(at, key, key_len) == 0 && at[key_len] == '=') {
            *len = item - key_len - 1;
            return at + key_len + 1;
        }
        at += item;
    }
    return NULL;
}

bool types_urn_matches(const char *a, const char *b)
{
    size_t base = types_urn_base(a);
    if (base != types_urn_base(b) || memcmp(a, b, base) != 0)
        return false;
    const char *at = a + base;
    while (*at && *at != ']') {
        at++;
        size_t item = strcspn(at, ",]"), key = strcspn(at, "=,]");
        if (key < item) {
            size_t other_len = 0;
            const char *other = find_param(b, at, key, &other_len);
            if (other && (other_len != item - key - 1 || memcmp(other, at + key + 1, other_len) != 0))
                return false;
        }
        at += item;
    }
    return true;
}

static size_t library_count(const struct types_library *library)
{
    return types_std_count + library->user_count;
}

static const struct types_type *library_at(const struct types_library *library, size_t i)
{
    return i < types_std_count ? &types_std[i] : &library->user[i - types_std_count];
}

const struct types_type *types_library_find(const struct types_library *library, const char *urn)
{
    size_t base = types_urn_base(urn);
    for (size_t i = 0; i < library_count(library); i++) {
        const struct types_type *type = library_at(library, i);
        if (strlen(type->urn) == base && memcmp(type->urn, urn, base) == 0)
            return type;
    }
    return NULL;
}

static const char *last_part(const char *urn)
{
    const char *slash = strrchr(urn, '/');
    return slash ? slash + 1 : urn;
}

const struct types_type *types_library_find_name(const struct types_library *library, const char *name)
{
    const struct types_type *found = NULL;
    for (size_t i = 0; i < library_count(library); i++) {
        const struct types_type *type = library_at(library, i);
        if (strcmp(last_part(type->urn), name) != 0)
            continue;
        if (found)
            return NULL;
        found = type;
    }
    return found;
}

const char *types_library_suggest(const struct types_library *library, const char *urn)
{
    enum { LIMIT = 2 };
    const struct types_type *named = types_library_find_name(library, last_part(urn));
    if (named)
        return named->urn;
    const char *best = NULL;
    size_t package = (size_t)(last_part(urn) - urn), best_distance = 2 * LIMIT + 2;
    for (size_t i = 0; i < library_count(library); i++) {
        const char *candidate = library_at(library, i)->urn;
        /* A name alone is compared with names alone. */
        size_t distance = suggest_distance(urn, package ? candidate : last_part(candidate));
        if (distance > LIMIT)
            continue;
        /* Of two that are equally near, the one in the package that was named. */
        bool same_package = strncmp(urn, candidate, package) == 0 && !strchr(candidate + package, '/');
        distance = 2 * distance + !same_package;
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}
