#include "coordinator/placement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/suggest.h"

enum { NAMED_MOST = 12 };

bool placement_fits(const struct graph_node *node, const json_t *labels)
{
    for (size_t i = 0; i < node->label_count; i++) {
        const char *value = json_string_value(json_object_get(labels, node->labels[i].key));
        if (!value || strcmp(value, node->labels[i].value) != 0)
            return false;
    }
    return true;
}

static void list_machines(const struct placement_machine *machines, size_t count, struct buf *out)
{
    if (count == 0)
        buf_puts(out, "none is there");
    for (size_t i = 0; i < count && i < NAMED_MOST; i++) {
        const char *key, *before = " (";
        json_t *value, *labels = (json_t *)machines[i].labels;
        buf_printf(out, "%s`%s`", i ? ", " : "there are ", machines[i].name);
        json_object_foreach(labels, key, value)
        {
            buf_printf(out, "%s%s=%s", before, key, json_string_value(value));
            before = ", ";
        }
        if (json_object_size(labels))
            buf_putc(out, ')');
    }
    if (count > NAMED_MOST)
        buf_printf(out, " and %zu more", count - NAMED_MOST);
}

static int refuse(const struct graph_node *node, const struct placement_machine *machines, size_t count,
                  struct error *error)
{
    autobuf struct buf there = {0}, labels = {0};
    const char *names[64], *near = NULL;
    size_t named = 0;
    for (; named < count && named < sizeof names / sizeof *names; named++)
        names[named] = machines[named].name;
    list_machines(machines, count, &there);
    for (size_t i = 0; i < node->label_count; i++)
        buf_printf(&labels, "%s%s=%s", i ? ", " : "", node->labels[i].key, node->labels[i].value);
    if (node->machine)
        near = suggest(node->machine, names, named);
    if (node->machine)
        return error_set(error, -ENOENT, "node `%s` is to run on machine `%s`, which isn't there: %s%s%s%s", node->id,
                         node->machine, there.data ? there.data : "", near ? "; did you mean `" : "", near ? near : "",
                         near ? "`?" : "");
    if (node->label_count)
        return error_set(error, -ENOENT, "node `%s` needs a machine with the labels %s, and none has them: %s",
                         node->id, labels.data ? labels.data : "", there.data ? there.data : "");
    return error_set(error, -ENOENT,
                     "node `%s` says nothing of where to run, and the coordinator's own machine has no daemon: %s",
                     node->id, there.data ? there.data : "");
}

/* Whether `one` is to be taken before `other`; both have the labels. */
static bool is_better(const struct placement_machine *machines, const size_t *nodes, size_t one, size_t other)
{
    if (machines[one].is_here != machines[other].is_here)
        return machines[one].is_here;
    if (nodes[one] != nodes[other])
        return nodes[one] < nodes[other];
    return strcmp(machines[one].name, machines[other].name) < 0;
}

static size_t choose(const struct graph_node *node, const struct placement_machine *machines, size_t count,
                     const size_t *nodes)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++) {
        bool fits = node->machine       ? strcmp(node->machine, machines[i].name) == 0
                    : node->label_count ? placement_fits(node, machines[i].labels)
                                        : machines[i].is_here;
        if (fits && (best == count || is_better(machines, nodes, i, best)))
            best = i;
    }
    return best;
}

int placement_make(const struct graph *graph, const struct placement_machine *machines, size_t count, size_t *where,
                   struct error *error)
{
    autofree size_t *nodes = calloc(count + 1, sizeof *nodes);
    if (!nodes)
        return error_set(error, -ENOMEM, "no memory to place the nodes");
    for (size_t i = 0; i < graph->node_count; i++) {
        where[i] = choose(&graph->nodes[i], machines, count, nodes);
        if (where[i] == count)
            return refuse(&graph->nodes[i], machines, count, error);
        nodes[where[i]]++;
    }
    return 0;
}
