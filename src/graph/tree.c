#include "graph/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "graph/findings.h"

struct anchor {
    const char *name;
    struct tree *tree;
};

struct reader {
    struct graph *graph;
    const struct graph_file *file;
    yaml_parser_t parser;
    struct anchor *anchors;
    size_t anchor_count;
    size_t values;
};

static struct graph_place place(const struct reader *reader, yaml_mark_t mark)
{
    return (struct graph_place){reader->file->name, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1};
}

static void *fault(struct reader *reader, struct graph_place where, const char *hint, const char *message)
{
    finding_add(reader->graph, GRAPH_ERROR, false, where, hint, "%s", message);
    return NULL;
}

static const char *hint_for(const char *problem)
{
    if (problem && strstr(problem, "cannot start any token"))
        return "indent with spaces, never tabs, and quote texts that start with `@`, `%` or a backquote";
    if (problem && (strstr(problem, "did not find expected '-'") || strstr(problem, "did not find expected key")))
        return "the keys of one node stand in one column, and so do the `-` of one list";
    if (problem && strstr(problem, "mapping values are not allowed"))
        return "what belongs together stands in one column, and a text with a colon in it needs quotes";
    return NULL;
}

static bool next(struct reader *reader, yaml_event_t *event)
{
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR) {
        reader->graph->private->out_of_memory = true;
        return false;
    }
    yaml_mark_t mark = parser->problem_mark;
    if (parser->error == YAML_READER_ERROR) { /* gives only the offset in bytes */
        mark = (yaml_mark_t){0};
        for (size_t i = 0; i < parser->problem_offset && i < reader->file->len; i++) {
            mark.column++;
            if (reader->file->text[i] == '\n')
                mark = (yaml_mark_t){.line = mark.line + 1};
        }
    }
    char message[300];
    snprintf(message, sizeof message, "not valid YAML: %s%s%s", parser->context ? parser->context : "",
             parser->context ? ", " : "", parser->problem ? parser->problem : "unknown fault");
    fault(reader, place(reader, mark), hint_for(parser->problem), message);
    return false;
}

static bool account(struct reader *reader, size_t values, size_t depth, struct graph_place where)
{
    if (depth > TREE_DEPTH_MAX)
        return fault(reader, where, NULL, "nested too deeply: more than 64 levels");
    if (values > TREE_VALUES_MAX - reader->values)
        return fault(reader, where, NULL, "too large: more than 200000 values, aliases counted as often as used");
    reader->values += values;
    return true;
}

static struct tree *alias(struct reader *reader, const char *name, size_t depth, struct graph_place where)
{
    for (size_t i = reader->anchor_count; i-- > 0;) {
        struct tree *tree = reader->anchors[i].tree;
        if (strcmp(reader->anchors[i].name, name) != 0)
            continue;
        return account(reader, tree->values, depth + tree->height, where) ? tree : NULL;
    }
    return fault(reader, where, "an anchor `&name` must end before an alias `*name` uses it",
                 "this alias names no anchor above it");
}

static bool set_tag(struct reader *reader, struct tree *tree, const char *tag)
{
    static const char prefix[] = "tag:yaml.org,2002:";
    if (!tag || strcmp(tag, "!") == 0)
        return true;
    const char *name = strncmp(tag, prefix, sizeof prefix - 1) == 0 ? tag + sizeof prefix - 1 : "";
    if (tree->kind == TREE_SCALAR && strcmp(name, "str") == 0)
        tree->plain = false;
    else if (tree->kind == TREE_SCALAR &&
             (!strcmp(name, "int") || !strcmp(name, "float") || !strcmp(name, "bool") || !strcmp(name, "null")))
        tree->plain = true;
    else if (strcmp(name, tree->kind == TREE_MAP ? "map" : "seq") != 0 || tree->kind == TREE_SCALAR)
        return fault(reader, tree->place, "leave the tag out", "descriptors have no tags but YAML's own");
    return true;
}

static struct tree *value(struct reader *reader, yaml_event_t *event, size_t depth);

static int by_key(const void *left, const void *right)
{
    const struct tree_pair *a = left, *b = right;
    int order = strcmp(a->key->text, b->key->text);
    if (order)
        return order;
    if (a->key->place.line != b->key->place.line)
        return a->key->place.line < b->key->place.line ? -1 : 1;
    return a->key->place.column < b->key->place.column ? -1 : a->key->place.column > b->key->place.column;
}

static void check_duplicates(struct reader *reader, const struct tree *map)
{
    struct tree_pair *sorted = map->count > 1 ? graph_alloc(reader->graph, map->count * sizeof *sorted) : NULL;
    if (!sorted)
        return;
    memcpy(sorted, map->pairs, map->count * sizeof *sorted);
    qsort(sorted, map->count, sizeof *sorted, by_key);
    for (size_t i = 1; i < map->count; i++)
        if (strcmp(sorted[i - 1].key->text, sorted[i].key->text) == 0) {
            char hint[80];
            snprintf(hint, sizeof hint, "it stands in line %u already", sorted[i - 1].key->place.line);
            finding_add(reader->graph, GRAPH_ERROR, false, sorted[i].key->place, hint, "duplicate key `%s`",
                        sorted[i].key->text);
        }
}

static bool fill_list(struct reader *reader, struct tree *list, size_t depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next(reader, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        struct tree *item = value(reader, &event, depth + 1);
        struct tree **slot = item ? graph_push(reader->graph, list->items, &list->count) : NULL;
        if (!slot)
            return false;
        *slot = item;
        list->values += item->values;
        list->height = item->height >= list->height ? item->height + 1 : list->height;
    }
}

static bool fill_map(struct reader *reader, struct tree *map, size_t depth)
{
    for (;;) {
        yaml_event_t event;
        if (!next(reader, &event))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            check_duplicates(reader, map);
            return true;
        }
        struct tree *key = value(reader, &event, depth + 1);
        if (!key)
            return false;
        if (key->kind != TREE_SCALAR)
            return fault(reader, key->place, NULL, "a key must be a word, not a list or a mapping");
        if (!next(reader, &event))
            return false;
        struct tree *item = value(reader, &event, depth + 1);
        struct tree_pair *slot = item ? graph_push(reader->graph, map->pairs, &map->count) : NULL;
        if (!slot)
            return false;
        *slot = (struct tree_pair){key, item};
        map->values += key->values + item->values;
        map->height = item->height >= map->height ? item->height + 1 : map->height;
    }
}

/* Takes the event over. NULL on a fault. */
static struct tree *value(struct reader *reader, yaml_event_t *event, size_t depth)
{
    struct graph_place where = place(reader, event->start_mark);
    struct tree *tree = NULL, *result = NULL;
    const char *anchor = NULL, *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT) {
        result = alias(reader, (const char *)event->data.alias.anchor, depth, where);
        goto done;
    }
    tree = account(reader, 1, depth, where) ? graph_alloc(reader->graph, sizeof *tree) : NULL;
    if (!tree)
        goto done;
    *tree = (struct tree){.place = where, .values = 1, .height = 1};
    bool filled = true;
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        anchor = (const char *)event->data.scalar.anchor;
        tag = (const char *)event->data.scalar.tag;
        tree->kind = TREE_SCALAR;
        tree->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        tree->text = graph_text_n(reader->graph, (const char *)event->data.scalar.value, event->data.scalar.length);
        if (memchr(event->data.scalar.value, '\0', event->data.scalar.length))
            filled = fault(reader, where, NULL, "a text can't hold a NUL character");
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = (const char *)event->data.sequence_start.anchor;
        tag = (const char *)event->data.sequence_start.tag;
        tree->kind = TREE_LIST;
        filled = fill_list(reader, tree, depth);
        break;
    default: /* the parser allows nothing else here */
        anchor = (const char *)event->data.mapping_start.anchor;
        tag = (const char *)event->data.mapping_start.tag;
        tree->kind = TREE_MAP;
        filled = fill_map(reader, tree, depth);
        break;
    }
    if (!filled || !set_tag(reader, tree, tag))
        goto done;
    if (anchor) {
        struct anchor *slot = graph_push(reader->graph, reader->anchors, &reader->anchor_count);
        if (!slot)
            goto done;
        *slot = (struct anchor){graph_text(reader->graph, anchor), tree};
    }
    result = tree;
done:
    yaml_event_delete(event);
    return result;
}

struct tree *tree_read(struct graph *graph, const struct graph_file *file)
{
    struct reader reader = {.graph = graph, .file = file};
    struct tree *tree = NULL;
    if (!yaml_parser_initialize(&reader.parser)) {
        graph->private->out_of_memory = true;
        return NULL;
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)file->text, file->len);
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!next(&reader, &event)) {
            tree = NULL;
            break;
        }
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            yaml_event_delete(&event);
            break;
        case YAML_DOCUMENT_START_EVENT:
            if (tree) {
                tree = fault(&reader, place(&reader, event.start_mark),
                             "keep one dataflow a file, without `---` between", "a second document in one file");
                more = false;
            }
            yaml_event_delete(&event);
            break;
        case YAML_STREAM_END_EVENT:
            yaml_event_delete(&event);
            more = false;
            break;
        default:
            tree = value(&reader, &event, 1);
            more = tree != NULL;
        }
    }
    yaml_parser_delete(&reader.parser);
    return tree;
}
