#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "graph/keys.h"

static json_t *reference(const struct key_table *table)
{
    return json_pack("{s:s+}", "$ref", "#/$defs/", table->name);
}

static json_t *list_of(json_t *items)
{
    return json_pack("{s:s, s:o}", "type", "array", "items", items);
}

static json_t *map_of(json_t *values)
{
    return json_pack("{s:s, s:o}", "type", "object", "additionalProperties", values);
}

static json_t *choice(const char *const *choices)
{
    json_t *list = json_array();
    for (size_t i = 0; list && choices[i]; i++)
        if (json_array_append_new(list, json_string(choices[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:o}", "enum", list);
}

static json_t *plain(const char *type)
{
    return json_pack("{s:s}", "type", type);
}

static json_t *at_least(const char *type, int minimum)
{
    return json_pack("{s:s, s:i}", "type", type, "minimum", minimum);
}

static json_t *either(json_t *a, json_t *b)
{
    return json_pack("{s:[o, o]}", "anyOf", a, b);
}

static json_t *shape(const struct key *key)
{
    switch (key->type) {
    case KEY_TEXT:
        return key->choices ? choice(key->choices) : plain("string");
    case KEY_BOOL:
        return plain("boolean");
    case KEY_UINT32:
    case KEY_UINT64:
        return at_least("integer", 0);
    case KEY_NUMBER:
        return plain("number");
    case KEY_SECONDS:
        return at_least("number", 0);
    case KEY_INTERVAL:
        return json_pack("{s:s, s:i}", "type", "number", "exclusiveMinimum", 0);
    case KEY_BYTES:
        return json_pack("{s:[s, s]}", "type", "integer", "string");
    case KEY_CHOICE:
        return choice(key->choices);
    case KEY_LEVEL:
        return json_pack("{s:s, s:s}", "type", "string", "pattern",
                         "^([Ee][Rr][Rr][Oo][Rr]|[Ww][Aa][Rr][Nn]|[Ii][Nn][Ff][Oo]|[Dd][Ee][Bb][Uu][Gg]|"
                         "[Tt][Rr][Aa][Cc][Ee]|[Ss][Tt][Dd][Oo][Uu][Tt])$");
    case KEY_IDS:
        return list_of(json_pack("{s:s, s:s}", "type", "string", "pattern", "^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$"));
    case KEY_CORES:
        return list_of(at_least("integer", 0));
    case KEY_TEXT_MAP:
        return map_of(plain("string"));
    case KEY_TEXTS_MAP:
        return map_of(list_of(plain("string")));
    case KEY_ENV:
        return map_of(json_pack("{s:[s, s, s]}", "type", "boolean", "number", "string"));
    case KEY_INPUTS:
        return map_of(either(plain("string"), reference(key->table)));
    case KEY_FRAMING_MAP:
        return map_of(choice(key->choices));
    case KEY_BLOCK:
        return reference(key->table);
    case KEY_BLOCKS:
        return list_of(reference(key->table));
    case KEY_TEXTS:
        return either(plain("string"), list_of(plain("string")));
    case KEY_PYTHON:
        return either(plain("string"), reference(key->table));
    }
    return NULL;
}

static json_t *mapping(const struct key_table *table)
{
    json_t *properties = json_object(), *required = json_array();
    bool failed = false;
    for (size_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        json_t *property = shape(key);
        failed |= json_object_set_new(property, "description", json_string(key->description)) < 0;
        failed |= json_object_set_new(properties, key->name, property) < 0;
        if (key_is_required(table, key))
            failed |= json_array_append_new(required, json_string(key->name)) < 0;
    }
    json_t *object = json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties, "required", required,
                               "additionalProperties", table->flags & TABLE_OPEN ? 1 : 0);
    if (!failed)
        return object;
    json_decref(object);
    return NULL;
}

int graph_schema(struct buf *out, struct error *error)
{
    static const struct key_table *const tables[] = {
        &keys_debug,           &keys_type_rule, &keys_node, &keys_deploy,     &keys_input,    &keys_operator,
        &keys_single_operator, &keys_python,    &keys_ros2, &keys_ros2_topic, &keys_ros2_qos, &keys_ros2_transport};
    json_t *schema = mapping(&keys_dataflow), *definitions = json_object();
    bool failed = false;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        failed |= json_object_set_new(definitions, tables[i]->name, mapping(tables[i])) < 0;
    failed |= json_object_set_new(schema, "$schema", json_string("https://json-schema.org/draft/2020-12/schema")) < 0;
    failed |= json_object_set_new(schema, "title", json_string("dora dataflow")) < 0;
    failed |= json_object_set_new(schema, "$defs", definitions) < 0;
    char *text = failed ? NULL : json_dumps(schema, JSON_INDENT(2));
    if (text) {
        buf_puts(out, text);
        buf_putc(out, '\n');
    }
    failed |= !text || out->failed;
    free(text);
    json_decref(schema);
    return failed ? error_set(error, -ENOMEM, "out of memory") : 0;
}
