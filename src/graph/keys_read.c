#include "graph/keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/suggest.h"
#include "graph/findings.h"

const char *keys_suggest(struct graph *graph, const char *name, const char *const *candidates, size_t count)
{
    if (findings_are_many(graph))
        return NULL;
    const char *near = suggest(name, candidates, count);
    return near ? graph_format(graph, "did you mean `%s`?", near) : NULL;
}

static void wrong(struct graph *graph, const struct tree *tree, const char *what, const char *expected)
{
    finding_add(graph, GRAPH_ERROR, false, tree->place, NULL, "%s must be %s, not %s", what, expected,
                tree_describe(tree));
}

bool keys_is(struct graph *graph, const struct tree *tree, enum tree_kind kind, const char *what)
{
    if (tree->kind == kind)
        return true;
    wrong(graph, tree, what, kind == TREE_MAP ? "a mapping" : "a list");
    return false;
}

const char *keys_text(struct graph *graph, const struct tree *tree, const char *what)
{
    if (tree->kind == TREE_SCALAR && !tree_is_null(tree))
        return tree->text;
    wrong(graph, tree, what, "a text");
    return NULL;
}

const struct tree *keys_given(const struct keys_given *given, const struct key_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->keys[i].name, name) == 0)
            return given->value[i];
    return NULL;
}

/* "50MB": a number and a unit of powers of 1024; false where it is neither. */
static bool bytes(const char *text, double *value)
{
    static const struct {
        const char *name;
        double factor;
    } units[] = {{"", 1},        {"B", 1},        {"K", 1 << 10}, {"KB", 1 << 10},
                 {"M", 1 << 20}, {"MB", 1 << 20}, {"G", 1 << 30}, {"GB", 1 << 30}};
    size_t len = strspn(text, "0123456789.");
    if (len == 0 || strspn(text, ".") == len)
        return false;
    char *end;
    *value = strtod(text, &end);
    if (end != text + len) /* "1.2.3", or an exponent: no unit begins with E */
        return false;
    end += strspn(end, " ");
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcasecmp(end, units[i].name) == 0) {
            *value *= units[i].factor;
            return true;
        }
    return false;
}

static const char *choice_list(struct graph *graph, const char *const *choices)
{
    const char *list = "one of";
    for (size_t i = 0; choices[i]; i++)
        list = graph_format(graph, "%s%s`%s`", list, i ? ", " : " ", choices[i]);
    return list;
}

/* Reads one value by its key, or adds a finding where it is not of the key's type. */
static void read_value(struct graph *graph, const struct key *key, const struct tree *tree, void *at)
{
    const char *what = graph_format(graph, "`%s`", key->name), *expected = NULL;
    int64_t integer;
    double number;
    bool truth;
    switch (key->type) {
    case KEY_TEXT:
    case KEY_CHOICE: {
        const char *text = keys_text(graph, tree, what);
        size_t count = 0, chosen = 0;
        if (!text)
            return;
        for (; key->choices && key->choices[count]; count++)
            chosen = strcmp(key->choices[count], text) == 0 ? count + 1 : chosen;
        if (key->choices && !chosen) {
            finding_add(graph, GRAPH_ERROR, false, tree->place, keys_suggest(graph, text, key->choices, count),
                        "%s must be %s, not %s", what, choice_list(graph, key->choices), tree_describe(tree));
            return;
        }
        if (at && key->type == KEY_TEXT)
            *(const char **)at = text;
        else if (at)
            *(unsigned *)at = (unsigned)chosen - 1;
        return;
    }
    case KEY_BOOL:
        if (tree_bool(tree, &truth)) {
            if (at)
                *(bool *)at = truth;
            return;
        }
        expected = "`true` or `false`";
        break;
    case KEY_UINT32:
        if (tree_int(tree, &integer) && integer >= 0 && integer <= UINT32_MAX) {
            if (at)
                *(uint32_t *)at = (uint32_t)integer;
            return;
        }
        expected = "a whole number from 0 to 4294967295";
        break;
    case KEY_UINT64:
        if (tree_int(tree, &integer) && integer >= 0) {
            if (at)
                *(uint64_t *)at = (uint64_t)integer;
            return;
        }
        expected = "a whole number, 0 or more";
        break;
    case KEY_NUMBER:
        if (tree_number(tree, &number))
            return;
        expected = "a number";
        break;
    case KEY_SECONDS:
    case KEY_INTERVAL:
        if (tree_number(tree, &number) && number < 9e9 && (key->type == KEY_SECONDS ? number >= 0 : number > 0)) {
            int64_t ns = llround(number * 1e9);
            if (at)
                *(int64_t *)at = ns || number == 0 ? ns : 1;
            return;
        }
        expected = key->type == KEY_SECONDS ? "a finite number of seconds, 0 or more, below 9e9"
                                            : "a finite, positive number of seconds, below 9e9";
        break;
    case KEY_BYTES:
        if (tree->kind == TREE_SCALAR && bytes(tree->text, &number) && number < 9e18) {
            if (at)
                *(uint64_t *)at = (uint64_t)number;
            return;
        }
        expected = "a number of bytes, with or without one of the units B, KB, MB, GB, as in `50MB`";
        break;
    case KEY_LEVEL: {
        enum graph_log_level level = tree->kind == TREE_SCALAR ? graph_log_level_parse(tree->text) : GRAPH_LOG_UNSET;
        if (level != GRAPH_LOG_UNSET) {
            if (at)
                *(enum graph_log_level *)at = level;
            return;
        }
        expected = "one of `error`, `warn`, `info`, `debug`, `trace`, `stdout`";
        break;
    }
    case KEY_TEXTS:
    case KEY_IDS:
    case KEY_CORES:
    case KEY_BLOCKS:
        if (keys_is(graph, tree, TREE_LIST, what) && at)
            *(const struct tree **)at = tree;
        return;
    case KEY_PYTHON:
        if ((tree->kind == TREE_MAP || keys_text(graph, tree, what)) && at)
            *(const struct tree **)at = tree;
        return;
    case KEY_TEXT_MAP:
    case KEY_TEXTS_MAP:
    case KEY_ENV:
    case KEY_INPUTS:
    case KEY_FRAMING_MAP:
    case KEY_BLOCK:
        if (keys_is(graph, tree, TREE_MAP, what) && at)
            *(const struct tree **)at = tree;
        return;
    }
    wrong(graph, tree, what, expected);
}

static void unknown(struct graph *graph, const struct tree *key, const struct key_table *table)
{
    for (const struct key_old *old = table->old; old && old->name; old++)
        if (strcmp(old->name, key->text) == 0) {
            finding_add(graph, GRAPH_ERROR, false, key->place, old->hint,
                        "`%s` is a spelling of older versions of dora", key->text);
            return;
        }
    const char *names[KEYS_MAX];
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->keys[i].name;
    finding_add(graph, table->open ? GRAPH_WARNING : GRAPH_ERROR, false, key->place,
                keys_suggest(graph, key->text, names, table->count), "%s has no key `%s`", table->what, key->text);
}

static void later(struct graph *graph, struct graph_place place, const struct key_table *table, const struct key *key)
{
    /* A table that is named after its key, such as "`deploy`", says where the key stands. */
    int len = table->what[0] == '`' ? (int)strlen(table->what) - 2 : 0;
    finding_add(graph, GRAPH_WARNING, false, place, NULL, "`%.*s%s%s` has no effect yet in this version", len,
                table->what + (len > 0), len ? "." : "", key->name);
}

bool keys_read(struct graph *graph, const struct tree *tree, const struct key_table *table, void *target,
               struct keys_given *given, bool quiet)
{
    if (!keys_is(graph, tree, TREE_MAP, table->what))
        return false;
    bool seen[KEYS_MAX] = {false};
    for (size_t p = 0; p < tree->count; p++) {
        const struct tree *name = tree->pairs[p].key, *value = tree->pairs[p].value;
        size_t i = 0;
        while (i < table->count && strcmp(table->keys[i].name, name->text) != 0)
            i++;
        if (i == table->count) {
            unknown(graph, name, table);
            continue;
        }
        if (tree_is_null(value))
            continue;
        const struct key *key = &table->keys[i];
        seen[i] = true;
        if (given)
            given->value[i] = value;
        if (key->flags & KEY_LATER && !quiet)
            later(graph, name->place, table, key);
        void *at = target && key->offset != SIZE_MAX ? (char *)target + key->offset : NULL;
        read_value(graph, key, value, at);
    }
    for (size_t i = 0; i < table->count; i++)
        if (table->keys[i].flags & KEY_REQUIRED && !seen[i])
            finding_add(graph, GRAPH_ERROR, false, tree->place, NULL, "%s needs `%s`", table->what,
                        table->keys[i].name);
    return true;
}
