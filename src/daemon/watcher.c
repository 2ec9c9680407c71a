/* Watchers: processes that listen to topics, or publish on one, and are no nodes of the graph. To the rest of the
 * daemon each is a dynamic node with ports named by topics, of which the dataflow knows nothing and for which it
 * doesn't wait.
 */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "graph/model.h"

/* How long whoever asked has to connect. */
static const int64_t come_patience = 30 * CLOCK_SECOND;

static struct graph_node *make_node(struct graph **graph, const struct dataflow *dataflow, struct error *error)
{
    *graph = graph_new();
    struct graph_node *node = *graph ? graph_push(*graph, (*graph)->nodes, &(*graph)->node_count) : NULL;
    if (!node) {
        graph_free(*graph);
        error_set(error, -ENOMEM, "no memory to watch a topic");
        return NULL;
    }
    /* No node's id has a slash. */
    node->id = graph_format(*graph, "dora/watch-%u", dataflow->last_participant);
    node->kind = GRAPH_NODE_DYNAMIC;
    node->min_log_level = GRAPH_LOG_UNSET;
    return node;
}

static int admit(struct participant *watcher, char config[PROTO_CONFIG_TEXT_MOST], struct error *error)
{
    int rc = participant_make_token(watcher, error);
    if (rc < 0)
        return rc;
    proto_config_print(config, watcher->dataflow->daemon->socket_name, watcher->token);
    alarm_set(watcher->alarm, come_patience);
    return 0;
}

int watcher_open(struct dataflow *dataflow, const char *const *topics, size_t count, uint64_t queue_size,
                 char config[PROTO_CONFIG_TEXT_MOST], struct error *error)
{
    struct graph *graph;
    struct graph_node *node = make_node(&graph, dataflow, error);
    if (!node)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        struct graph_input *input = graph_push(graph, node->inputs, &node->input_count);
        if (input)
            *input = (struct graph_input){
                .id = graph_text(graph, topics[i]), .kind = GRAPH_INPUT_NODE, .queue_size = queue_size};
    }
    if (graph->private->out_of_memory) {
        graph_free(graph);
        return error_set(error, -ENOMEM, "no memory to watch a topic");
    }
    struct participant *watcher = population_add(dataflow, node, graph, error);
    if (!watcher)
        return -ENOMEM;
    watcher->is_watcher = true;
    int rc = 0;
    for (uint32_t i = 0; i < count && rc == 0; i++) {
        struct participant *publisher;
        uint32_t output;
        rc = ports_find_output(dataflow, topics[i], &publisher, &output, error);
        if (rc == 0 && wiring_connect(publisher, output, watcher, i) < 0)
            rc = error_set(error, -ENOMEM, "no memory to watch a topic");
    }
    if (rc == 0)
        rc = admit(watcher, config, error);
    if (rc < 0)
        population_remove(watcher);
    return rc;
}

int watcher_publish(struct dataflow *dataflow, const char *topic, char config[PROTO_CONFIG_TEXT_MOST],
                    struct error *error)
{
    struct participant *publisher;
    uint32_t output;
    struct graph *graph;
    int rc = ports_find_output(dataflow, topic, &publisher, &output, error);
    if (rc < 0)
        return rc;
    struct graph_node *node = make_node(&graph, dataflow, error);
    if (!node)
        return -ENOMEM;
    struct graph_output *own = graph_push(graph, node->outputs, &node->output_count);
    if (own)
        own->id = graph_text(graph, topic);
    if (graph->private->out_of_memory) {
        graph_free(graph);
        return error_set(error, -ENOMEM, "no memory to publish on a topic");
    }
    struct participant *watcher = population_add(dataflow, node, graph, error);
    if (!watcher)
        return -ENOMEM;
    watcher->is_watcher = true;
    watcher->stands_for = publisher;
    watcher->stands_for_output = output;
    for (uint32_t i = 0; i < publisher->out_count; i++) {
        const struct wire *wire = publisher->out[i];
        for (uint32_t k = 0; k < wire->edge_count && rc == 0; k++)
            if (wire->edges[k].output == output && !wire->states[k].is_down)
                rc =
                    wiring_add(watcher, wire->subscriber, wiring_edge(0, wire->subscriber->node, wire->edges[k].input));
    }
    if (rc < 0)
        error_set(error, rc, "no memory to publish on a topic");
    else
        rc = admit(watcher, config, error);
    if (rc < 0)
        population_remove(watcher);
    return rc;
}
