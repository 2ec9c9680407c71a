#include "graph/draft.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "graph/findings.h"

/* NULL also where `map` is none: that has been found wrong already. */
static const struct tree *get(const struct tree *map, const char *key)
{
    for (size_t i = 0; map->kind == TREE_MAP && i < map->count; i++)
        if (strcmp(map->pairs[i].key->text, key) == 0 && !tree_is_null(map->pairs[i].value))
            return map->pairs[i].value;
    return NULL;
}

static json_t *to_json(const struct tree *tree)
{
    int64_t integer;
    double number;
    bool truth;
    if (tree->kind == TREE_SCALAR) {
        if (tree_is_null(tree))
            return json_null();
        if (tree_bool(tree, &truth))
            return json_boolean(truth);
        if (tree_int(tree, &integer))
            return json_integer(integer);
        if (tree_number(tree, &number) && number - number == 0)
            return json_real(number);
        return json_string(tree->text);
    }
    json_t *json = tree->kind == TREE_LIST ? json_array() : json_object();
    for (size_t i = 0; i < tree->count; i++) {
        int failed = tree->kind == TREE_LIST
                         ? json_array_append_new(json, to_json(tree->items[i]))
                         : json_object_set_new(json, tree->pairs[i].key->text, to_json(tree->pairs[i].value));
        if (failed) {
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

/* Checks one block and the blocks in it. */
static void check(struct graph *graph, const struct tree *tree, const struct key_table *table)
{
    if (!keys_read(graph, tree, table, NULL, NULL, true))
        return;
    for (size_t i = 0; i < table->count; i++) {
        const struct key *key = &table->keys[i];
        const struct tree *value = key->table ? get(tree, key->name) : NULL;
        if (value && key->type == KEY_BLOCK && value->kind == TREE_MAP)
            check(graph, value, key->table);
        else if (value && key->type == KEY_BLOCKS && value->kind == TREE_LIST)
            for (size_t k = 0; k < value->count; k++)
                check(graph, value->items[k], key->table);
    }
}

static void need(struct graph *graph, const struct tree *ros2, const char *with, const char *key)
{
    if (get(ros2, with) && !get(ros2, key))
        finding_add(graph, GRAPH_ERROR, false, get(ros2, with)->place, NULL, "`ros2` with `%s` needs `%s` too", with,
                    key);
}

void ros2_read(struct load *load, struct draft *draft)
{
    struct graph *graph = load->graph;
    const struct tree *ros2 = draft->ros2;
    size_t before = graph->error_count;
    check(graph, ros2, &keys_ros2);
    if (!get(ros2, "topic") + !get(ros2, "topics") + !get(ros2, "service") + !get(ros2, "action") != 3)
        finding_add(graph, GRAPH_ERROR, false, ros2->place, NULL,
                    "`ros2` needs exactly one of `topic`, `topics`, `service` and `action`");
    need(graph, ros2, "topic", "message_type");
    need(graph, ros2, "service", "service_type");
    need(graph, ros2, "service", "role");
    need(graph, ros2, "action", "action_type");
    need(graph, ros2, "action", "role");
    const struct tree *transport = get(ros2, "transport"), *kind = transport ? get(transport, "kind") : NULL;
    if (kind && kind->kind == TREE_SCALAR) {
        bool zenoh = strcmp(kind->text, "zenoh") == 0;
        if (zenoh && !get(transport, "compatibility"))
            finding_add(graph, GRAPH_ERROR, false, kind->place,
                        "add `compatibility: humble` or `compatibility: rep2016`",
                        "the transport `zenoh` needs `compatibility`");
        if (!zenoh && (get(transport, "compatibility") || get(transport, "config_uri")))
            finding_add(graph, GRAPH_ERROR, false, kind->place, NULL,
                        "`compatibility` and `config_uri` go with the transport `zenoh` alone");
    }
    if (graph->error_count > before)
        return;
    json_t *json = to_json(ros2);
    char *text = json ? json_dumps(json, JSON_REAL_PRECISION(15)) : NULL;
    if (text)
        draft->node.ros2 = graph_text(graph, text);
    else
        graph->private->out_of_memory = true;
    free(text);
    json_decref(json);
}
