/* What a person calls a node or a port, found; or what was meant instead. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"

enum { REST_MOST = 512 };

static const char *node_name(const void *context, size_t index)
{
    const struct dataflow *dataflow = context;
    if (index >= dataflow->count)
        return NULL;
    const struct participant *participant = dataflow->participants[index];
    return participant->is_removed || participant->is_watcher ? "" : participant->node->id;
}

static const char *output_name(const void *context, size_t index)
{
    const struct graph_node *node = context;
    return index < node->output_count ? node->outputs[index].id : NULL;
}

static const char *input_name(const void *context, size_t index)
{
    const struct graph_node *node = context;
    return index < node->input_count ? node->inputs[index].id : NULL;
}

int ports_find_node(const struct dataflow *dataflow, const char *id, struct participant **found, struct error *error)
{
    char rest[REST_MOST];
    if ((*found = population_find(dataflow, id)))
        return 0;
    suggest_rest(rest, sizeof rest, id, node_name, dataflow);
    return error_set(error, -ENOENT, "the dataflow has no node `%s`%s", id, rest);
}

/* An operator's id has a slash of its own, as a port may have: the longer name of a node goes first. */
static int find(const struct dataflow *dataflow, const char *name, struct participant **found, const char **port,
                struct error *error)
{
    const char *slash = strchr(name, '/'), *second = slash ? strchr(slash + 1, '/') : NULL;
    if (!slash || slash == name || !slash[1])
        return error_set(error, -EINVAL, "`%s` names no port: write `node/port`", name);
    autofree char *longer = second && second[1] ? strndup(name, (size_t)(second - name)) : NULL;
    autofree char *id = strndup(name, (size_t)(slash - name));
    if (!id)
        return error_set(error, -ENOMEM, "no memory to look for a port");
    if (longer && (*found = population_find(dataflow, longer))) {
        *port = second + 1;
        return 0;
    }
    *port = slash + 1;
    return ports_find_node(dataflow, id, found, error);
}

int ports_find_output(const struct dataflow *dataflow, const char *name, struct participant **publisher,
                      uint32_t *output, struct error *error)
{
    const char *port;
    int rc = find(dataflow, name, publisher, &port, error);
    if (rc < 0)
        return rc;
    const struct graph_node *node = (*publisher)->node;
    int index = wiring_output(node, port);
    if (index < 0) {
        char rest[REST_MOST];
        suggest_rest(rest, sizeof rest, port, output_name, node);
        return error_set(error, -ENOENT, "node `%s` has no output `%s`%s", node->id, port, rest);
    }
    *output = (uint32_t)index;
    return 0;
}

int ports_find_input(const struct dataflow *dataflow, const char *name, struct participant **subscriber,
                     uint32_t *input, struct error *error)
{
    const char *port;
    int rc = find(dataflow, name, subscriber, &port, error);
    if (rc < 0)
        return rc;
    const struct graph_node *node = (*subscriber)->node;
    int index = wiring_input(node, port);
    if (index < 0) {
        char rest[REST_MOST];
        suggest_rest(rest, sizeof rest, port, input_name, node);
        return error_set(error, -ENOENT, "node `%s` has no input `%s`%s", node->id, port, rest);
    }
    if (node->inputs[index].kind != GRAPH_INPUT_NODE)
        return error_set(error, -EINVAL, "input `%s` comes from dora itself, not from a node", name);
    *input = (uint32_t)index;
    return 0;
}
