/* What a plain scalar is: the core schema of YAML 1.2. */
#include "graph/tree.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tree_describe(const struct tree *tree)
{
    static _Thread_local char text[100];
    if (tree->kind != TREE_SCALAR)
        return tree->kind == TREE_LIST ? "a list" : "a mapping";
    if (tree_is_null(tree))
        return "nothing";
    double number;
    bool truth;
    const char *what = tree_number(tree, &number) ? "the number" : tree_bool(tree, &truth) ? "the bool" : "the text";
    int len = (int)strnlen(tree->text, 60);
    snprintf(text, sizeof text, "%s `%.*s%s`", what, len, tree->text, tree->text[len] ? "..." : "");
    return text;
}

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
    return strcmp(text, a) == 0 || strcmp(text, b) == 0 || strcmp(text, c) == 0;
}

bool tree_is_null(const struct tree *tree)
{
    return tree->kind == TREE_SCALAR && tree->plain &&
           (!tree->text[0] || strcmp(tree->text, "~") == 0 || is_one_of(tree->text, "null", "Null", "NULL"));
}

bool tree_bool(const struct tree *tree, bool *value)
{
    if (tree->kind != TREE_SCALAR || !tree->plain)
        return false;
    *value = is_one_of(tree->text, "true", "True", "TRUE");
    return *value || is_one_of(tree->text, "false", "False", "FALSE");
}

/* Digits of `base` with nothing behind them; false also where they don't fit. */
static bool digits(const char *text, unsigned base, uint64_t *value)
{
    *value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        unsigned digit = *text >= '0' && *text <= '9'   ? (unsigned)(*text - '0')
                         : *text >= 'a' && *text <= 'f' ? (unsigned)(*text - 'a') + 10
                         : *text >= 'A' && *text <= 'F' ? (unsigned)(*text - 'A') + 10
                                                        : 99;
        if (digit >= base || *value > (UINT64_MAX - digit) / base)
            return false;
        *value = *value * base + digit;
    }
    return true;
}

bool tree_int(const struct tree *tree, int64_t *value)
{
    if (tree->kind != TREE_SCALAR || !tree->plain)
        return false;
    const char *text = tree->text;
    bool minus = *text == '-';
    text += *text == '-' || *text == '+';
    unsigned base = 10;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'o' || text[1] == 'b')) {
        base = text[1] == 'x' ? 16 : text[1] == 'o' ? 8 : 2;
        text += 2;
    } else if (text[0] == '0' && text[1]) {
        return false; /* `007` is a text */
    }
    uint64_t magnitude;
    if (!digits(text, base, &magnitude) || magnitude > (uint64_t)INT64_MAX + minus)
        return false;
    *value = minus ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool tree_number(const struct tree *tree, double *value)
{
    int64_t integer;
    if (tree_int(tree, &integer)) {
        *value = (double)integer;
        return true;
    }
    if (tree->kind != TREE_SCALAR || !tree->plain)
        return false;
    const char *text = tree->text, *unsigned_text = text + (*text == '-' || *text == '+');
    if (is_one_of(unsigned_text, ".inf", ".Inf", ".INF")) {
        *value = *text == '-' ? -INFINITY : INFINITY;
        return true;
    }
    if (is_one_of(text, ".nan", ".NaN", ".NAN")) {
        *value = NAN;
        return true;
    }
    if (unsigned_text[0] == '0' && unsigned_text[1] >= '0' && unsigned_text[1] <= '9')
        return false;
    if (!*unsigned_text || strspn(unsigned_text, "0123456789.eE+-") != strlen(unsigned_text) ||
        !strpbrk(unsigned_text, "0123456789"))
        return false;
    char *end;
    *value = strtod(text, &end);
    return *end == '\0';
}

const char *tree_number_text(struct graph *graph, double value)
{
    if (isnan(value))
        return "NaN";
    if (isinf(value))
        return value < 0 ? "-inf" : "inf";
    char text[DBL_MAX_10_EXP + 32];
    int precision = 0;
    do
        snprintf(text, sizeof text, "%.*e", precision, value);
    while (strtod(text, NULL) != value && ++precision < 17);
    /* `precision` digits after the first; the exponent says where the point goes. */
    int exponent = atoi(strchr(text, 'e') + 1);
    int decimals = precision - exponent;
    if (decimals >= 0)
        return graph_format(graph, "%.*f", decimals, value);
    char plain[DBL_MAX_10_EXP + 32] = "";
    size_t at = 0;
    for (const char *c = text; *c != 'e'; c++)
        if (*c != '.')
            plain[at++] = *c;
    for (int i = 0; i < -decimals; i++)
        plain[at++] = '0';
    return graph_text_n(graph, plain, at);
}
