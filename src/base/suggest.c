#include "base/suggest.h"

#include <stdint.h>
#include <string.h>

enum { NAME_MAX_LEN = 128 };

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

const char *suggest(const char *name, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t limit = strlen(name) < 4 ? 1 : strlen(name) < 8 ? 2 : 3;
    size_t best_distance = limit + 1;
    for (size_t i = 0; i < count; i++) {
        size_t distance = suggest_distance(name, candidates[i]);
        if (distance < best_distance) {
            best = candidates[i];
            best_distance = distance;
        }
    }
    return best;
}
