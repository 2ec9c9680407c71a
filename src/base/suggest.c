#include "base/suggest.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 128, LISTED_MOST = 8 };

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
    size_t rows = strlen(a), cols = strlen(b);
    if (rows > NAME_MAX_LEN || cols > NAME_MAX_LEN)
        return SIZE_MAX;
    /* Three rows of the optimal string alignment table: a swap looks two rows back. */
    size_t table[3][NAME_MAX_LEN + 1];
    for (size_t j = 0; j <= cols; j++)
        table[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t *row = table[i % 3], *up = table[(i + 2) % 3], *up2 = table[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= cols; j++) {
            row[j] = min(min(up[j], row[j - 1]) + 1, up[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = min(row[j], up2[j - 2] + 1);
        }
    }
    return table[rows % 3][cols];
}

/* So many edits may a name be away and still be meant. */
static size_t limit_of(const char *name)
{
    return strlen(name) < 4 ? 1 : strlen(name) < 8 ? 2 : 3;
}

const char *suggest(const char *name, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = limit_of(name) + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = suggest_distance(name, candidates[i]);
        if (distance < best_distance) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    return best;
}

static void add(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void add(char *text, size_t size, const char *format, ...)
{
    size_t len = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + len, size - len, format, args);
    va_end(args);
}

void suggest_rest(char *text, size_t size, const char *name, suggest_name *names, const void *context)
{
    const char *best = NULL, *candidate;
    size_t best_distance = limit_of(name) + 1, count = 0;
    for (size_t i = 0; (candidate = names(context, i)); i++) {
        size_t distance = *candidate ? suggest_distance(name, candidate) : SIZE_MAX;
        count += *candidate != '\0';
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    *text = '\0';
    if (best)
        return add(text, size, "; did you mean `%s`?", best);
    if (count == 0)
        return add(text, size, "; there are none");
    add(text, size, count == 1 ? "; there is only" : "; there are");
    size_t shown = 0;
    for (size_t i = 0; (candidate = names(context, i)) && shown < LISTED_MOST; i++) {
        if (!*candidate)
            continue;
        const char *before = shown == 0 ? " " : shown + 1 == count ? " and " : ", ";
        add(text, size, "%s`%s`", before, candidate);
        shown++;
    }
    if (shown < count)
        add(text, size, " and %zu more", count - shown);
}
