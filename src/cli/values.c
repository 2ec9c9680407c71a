#include "cli/values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

static const struct {
    const char *name;
    int64_t ns;
} units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", CLOCK_MILLI},
    {"s", CLOCK_SECOND},
    {"", CLOCK_SECOND},
    {"m", 60 * CLOCK_SECOND},
    {"h", 3600 * CLOCK_SECOND},
    {"d", 24 * 3600 * CLOCK_SECOND},
};

static int64_t unit_ns(const char *name, size_t len)
{
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strlen(units[i].name) == len && memcmp(units[i].name, name, len) == 0)
            return units[i].ns;
    return 0;
}

int value_duration(const char *text, int64_t *ns, struct error *error)
{
    int64_t total = 0;
    const char *at = text;
    do {
        size_t digits = strspn(at, "0123456789");
        size_t letters = strspn(at + digits, "abcdefghijklmnopqrstuvwxyz");
        int64_t unit = unit_ns(at + digits, letters);
        if (!digits || !unit)
            return error_set(error, -EINVAL, "`%s` is not a duration; write one as 30s, 500ms, 5m, 1h or 2d", text);
        int64_t count = 0;
        for (size_t i = 0; i < digits; i++)
            if (__builtin_mul_overflow(count, 10, &count) || __builtin_add_overflow(count, at[i] - '0', &count))
                return error_set(error, -EINVAL, "the duration `%s` is too long", text);
        if (__builtin_mul_overflow(count, unit, &count) || __builtin_add_overflow(total, count, &total))
            return error_set(error, -EINVAL, "the duration `%s` is too long", text);
        at += digits + letters;
    } while (*at);
    *ns = total;
    return 0;
}

int value_bool(const char *text, bool *value, struct error *error)
{
    if (strcmp(text, "") == 0 || strcmp(text, "true") == 0)
        *value = true;
    else if (strcmp(text, "false") == 0)
        *value = false;
    else
        return error_set(error, -EINVAL, "`%s` is neither true nor false", text);
    return 0;
}

static int add_one(struct pairs *pairs, const char *text, size_t len, struct error *error)
{
    const char *equals = memchr(text, '=', len);
    if (!equals || equals == text)
        return error_set(error, -EINVAL, "`%.*s` is not of the form KEY=VALUE", (int)len, text);
    struct pair *items = reallocarray(pairs->items, pairs->count + 1, sizeof *items);
    if (!items)
        return error_sys(error, -ENOMEM, "can't keep `%.*s`", (int)len, text);
    pairs->items = items;
    autofree char *key = strndup(text, (size_t)(equals - text));
    autofree char *value = strndup(equals + 1, len - (size_t)(equals + 1 - text));
    if (!key || !value)
        return error_sys(error, -ENOMEM, "can't keep `%.*s`", (int)len, text);
    items[pairs->count++] = (struct pair){take_ptr(key), take_ptr(value)};
    return 0;
}

int pairs_add(struct pairs *pairs, const char *text, char separator, struct error *error)
{
    if (!separator)
        return add_one(pairs, text, strlen(text), error);
    while (*text) {
        size_t len = (size_t)(strchrnul(text, separator) - text);
        if (len) {
            int result = add_one(pairs, text, len, error);
            if (result < 0)
                return result;
        }
        text += len + (text[len] == separator);
    }
    return 0;
}

void pairs_free(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        free(pairs->items[i].key);
        free(pairs->items[i].value);
    }
    free(pairs->items);
    *pairs = (struct pairs){0};
}
