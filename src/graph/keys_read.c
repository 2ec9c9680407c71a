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

static void wrong(struct graph *graph, const struct tree *tree, const char *what, const char *expected,
                  const char *hint)
{
    finding_add(graph, GRAPH_ERROR, false, tree->place, hint, "%s must be %s, not %s", what, expected,
                tree_describe(tree));
}

bool keys_is(struct graph *graph, const struct tree *tree, enum tree_kind kind, const char *what)
{
    if (tree->kind == kind)
        return true;
    wrong(graph, tree, what, kind == TREE_MAP ? "a mapping" : "a list", NULL);
    return false;
}

const char *keys_text(struct graph *graph, const struct tree *tree, const char *what)
{
    if (tree->kind == TREE_SCALAR && !tree_is_null(tree))
        return tree->text;
    wrong(graph, tree, what, "a text", NULL);
    return NULL;
}

bool key_is_required(const struct key_table *table, const struct key *key)
{
    return key->flags & KEY_REQUIRED || (table->flags & TABLE_NEEDS_FIRST && key == table->keys);
}

static size_t find(const struct key_table *table, const char *name)
{
    size_t i = 0;
    while (i < table->count && strcmp(table->keys[i].name, name) != 0)
        i++;
    return i;
}

const struct tree *keys_given(const struct keys_given *given, const struct key_table *table, const char *name)
{
    size_t i = find(table, name);
    return i < table->count ? given->value[i] : NULL;
}

bool keys_is_meant(const struct keys_given *given, const struct key_table *table, const char *name)
{
    size_t i = find(table, name);
    return i < table->count && given->is_meant[i];
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

static void store(void *at, const void *value, size_t size)
{
    if (at)
        memcpy(at, value, size);
}

/* These store a value, or say what it should have been. */

static const char *read_whole_number(const struct key *key, const struct tree *tree, void *at)
{
    int64_t value;
    bool narrow = key->type == KEY_UINT32;
    if (!tree_int(tree, &value) || value < 0 || (narrow && value > UINT32_MAX))
        return narrow ? "a whole number from 0 to 4294967295" : "a whole number, 0 or more";
    if (narrow)
        store(at, &(uint32_t){(uint32_t)value}, sizeof(uint32_t));
    else
        store(at, &(uint64_t){(uint64_t)value}, sizeof(uint64_t));
    return NULL;
}

static const char *read_duration(const struct key *key, const struct tree *tree, void *at)
{
    double seconds;
    bool may_be_zero = key->type == KEY_SECONDS;
    if (!tree_number(tree, &seconds) || !(seconds < 9e9) || !(may_be_zero ? seconds >= 0 : seconds > 0))
        return may_be_zero ? "a finite number of seconds, 0 or more, below 9e9"
                           : "a finite, positive number of seconds, below 9e9";
    int64_t ns = llround(seconds * 1e9);
    if (ns == 0 && seconds > 0) /* 0 often means something else */
        ns = 1;
    store(at, &ns, sizeof ns);
    return NULL;
}

static const char *read_bytes(const struct tree *tree, void *at)
{
    double value;
    if (tree->kind != TREE_SCALAR || !bytes(tree->text, &value) || value >= 9e18)
        return "a number of bytes, with or without one of the units B, KB, MB, GB, as in `50MB`";
    store(at, &(uint64_t){(uint64_t)value}, sizeof(uint64_t));
    return NULL;
}

static const char *read_bool(const struct tree *tree, void *at)
{
    bool value;
    if (!tree_bool(tree, &value))
        return "`true` or `false`";
    store(at, &value, sizeof value);
    return NULL;
}

static const char *read_level(const struct tree *tree, void *at)
{
    enum graph_log_level level = tree->kind == TREE_SCALAR ? graph_log_level_parse(tree->text) : GRAPH_LOG_UNSET;
    if (level == GRAPH_LOG_UNSET)
        return "one of `error`, `warn`, `info`, `debug`, `trace`, `stdout`";
    store(at, &level, sizeof level);
    return NULL;
}

static const char *read_text(struct graph *graph, const struct key *key, const struct tree *tree, void *at)
{
    if (tree->kind != TREE_SCALAR)
        return "a text";
    unsigned chosen = 0;
    while (key->choices && key->choices[chosen] && strcmp(key->choices[chosen], tree->text) != 0)
        chosen++;
    if (key->choices && !key->choices[chosen])
        return choice_list(graph, key->choices);
    if (key->type == KEY_TEXT)
        store(at, &tree->text, sizeof tree->text);
    else
        store(at, &chosen, sizeof chosen);
    return NULL;
}

static const char *read_shape(const struct tree *tree, enum tree_kind kind, void *at)
{
    if (tree->kind != kind)
        return kind == TREE_MAP ? "a mapping" : "a list";
    store(at, &tree, sizeof tree);
    return NULL;
}

static const char *read_value(struct graph *graph, const struct key *key, const struct tree *tree, void *at)
{
    double number;
    switch (key->type) {
    case KEY_TEXT:
    case KEY_CHOICE:
        return read_text(graph, key, tree, at);
    case KEY_BOOL:
        return read_bool(tree, at);
    case KEY_UINT32:
    case KEY_UINT64:
        return read_whole_number(key, tree, at);
    case KEY_NUMBER:
        return tree_number(tree, &number) ? NULL : "a number";
    case KEY_SECONDS:
    case KEY_INTERVAL:
        return read_duration(key, tree, at);
    case KEY_BYTES:
        return read_bytes(tree, at);
    case KEY_LEVEL:
        return read_level(tree, at);
    case KEY_IDS:
    case KEY_CORES:
    case KEY_BLOCKS:
        return read_shape(tree, TREE_LIST, at);
    case KEY_TEXT_MAP:
    case KEY_TEXTS_MAP:
    case KEY_ENV:
    case KEY_INPUTS:
    case KEY_FRAMING_MAP:
    case KEY_BLOCK:
        return read_shape(tree, TREE_MAP, at);
    case KEY_TEXTS:
        return read_shape(tree, tree->kind == TREE_LIST ? TREE_LIST : TREE_SCALAR, at) ? "a text or a list of texts"
                                                                                       : NULL;
    case KEY_PYTHON:
        return read_shape(tree, tree->kind == TREE_MAP ? TREE_MAP : TREE_SCALAR, at) ? "a text or a mapping" : NULL;
    }
    return NULL;
}

/* The index of the key that is probably meant, else `table->count`. */
static size_t unknown(struct graph *graph, const struct tree *key, const struct key_table *table)
{
    for (const struct key_old *old = table->old; old && old->name; old++)
        if (strcmp(old->name, key->text) == 0) {
            finding_add(graph, GRAPH_ERROR, false, key->place, old->hint,
                        "`%s` is a spelling of older versions of dora", key->text);
            return table->count;
        }
    const char *names[KEYS_MAX];
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->keys[i].name;
    finding_add(graph, table->flags & TABLE_OPEN ? GRAPH_WARNING : GRAPH_ERROR, false, key->place,
                keys_suggest(graph, key->text, names, table->count), "%s has no key `%s`", table->what, key->text);
    /* In an open table the misspelt key is only a warning: what is required there is still missing. */
    bool is_error = !(table->flags & TABLE_OPEN) && !findings_are_many(graph);
    const char *meant = is_error ? suggest(key->text, names, table->count) : NULL;
    return meant ? find(table, meant) : table->count;
}

static const char *suggest_choice(struct graph *graph, const struct key *key, const struct tree *tree)
{
    size_t count = 0;
    if (tree->kind != TREE_SCALAR || !key->choices)
        return NULL;
    while (key->choices[count])
        count++;
    return keys_suggest(graph, tree->text, key->choices, count);
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
        size_t i = find(table, name->text);
        if (i == table->count) {
            size_t meant = unknown(graph, name, table);
            if (meant < table->count) {
                seen[meant] = true;
                if (given)
                    given->is_meant[meant] = true;
            }
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
        const char *expected = read_value(graph, key, value, at);
        if (expected)
            wrong(graph, value, graph_format(graph, "`%s`", key->name), expected, suggest_choice(graph, key, value));
    }
    for (size_t i = 0; i < table->count; i++)
        if (key_is_required(table, &table->keys[i]) && !seen[i])
            finding_add(graph, GRAPH_ERROR, false, tree->place, NULL, "%s needs `%s`", table->what,
                        table->keys[i].name);
    return true;
}
