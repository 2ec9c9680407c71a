/* Watchers: processes that listen to topics, or publish on one, and are no nodes of the graph. To the rest of the
 * daemon each is a dynamic node with ports named by topics, of which the dataflow knows nothing and for which it
 * doesn't wait.
 */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/part.h"
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

static struct participant *add(struct dataflow *dataflow, const struct graph_node *node, struct graph *graph,
                               struct error *error)
{
    if (graph->private->out_of_memory) {
        graph_free(graph);
        error_set(error, -ENOMEM, "no memory to watch a topic");
        return NULL;
    }
    struct participant *watcher = population_add(dataflow, node, graph, error);
    if (watcher)
        watcher->is_watcher = true;
    return watcher;
}

/* The watcher, or NULL where making it has failed. */
static struct participant *checked(struct participant *watcher, int rc, struct error *error)
{
    if (rc == 0)
        return watcher;
    if (rc == -ENOMEM)
        error_set(error, rc, "no memory to watch a topic");
    population_remove(watcher);
    return NULL;
}

int watcher_admit(struct participant *watcher, char config[PROTO_CONFIG_TEXT_MOST], struct error *error)
{
    int rc = participant_make_token(watcher, error);
    if (rc < 0)
        return rc;
    proto_config_print(config, watcher->dataflow->daemon->socket_name, watcher->token);
    alarm_set(watcher->alarm, come_patience);
    return 0;
}

static int admit(struct participant *watcher, char config[PROTO_CONFIG_TEXT_MOST], struct error *error)
{
    if (!watcher)
        return error->code;
    int rc = watcher_admit(watcher, config, error);
    if (rc < 0)
        population_remove(watcher);
    return rc;
}

struct participant *watcher_listen(struct dataflow *dataflow, const char *const *topics, size_t count,
                                   uint64_t queue_size, enum graph_queue_policy policy, struct error *error)
{
    struct graph *graph;
    struct graph_node *node = make_node(&graph, dataflow, error);
    if (!node)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct graph_input *input = graph_push(graph, node->inputs, &node->input_count);
        if (input)
            *input = (struct graph_input){.id = graph_text(graph, topics[i]),
                                          .kind = GRAPH_INPUT_NODE,
                                          .queue_size = queue_size,
                                          .queue_policy = policy};
    }
    struct participant *watcher = add(dataflow, node, graph, error);
    int rc = 0;
    for (uint32_t i = 0; i < count && watcher && rc == 0; i++) {
        struct participant *publisher;
        uint32_t output;
        rc = ports_find_output(dataflow, topics[i], &publisher, &output, error);
        if (rc == 0)
            rc = part_refuse_output(publisher, output, error);
        if (rc == 0)
            rc = wiring_connect(publisher, output, watcher, i);
    }
    return watcher ? checked(watcher, rc, error) : NULL;
}

struct participant *watcher_stand_for(struct participant *publisher, uint32_t output, const char *topic,
                                      struct error *error)
{
    struct graph *graph;
    struct graph_node *node = make_node(&graph, publisher->dataflow, error);
    struct graph_output *own = node ? graph_push(graph, node->outputs, &node->output_count) : NULL;
    if (own)
        own->id = graph_text(graph, topic);
    struct participant *watcher = node ? add(publisher->dataflow, node, graph, error) : NULL;
    if (!watcher)
        return NULL;
    watcher->stands_for = publisher;
    watcher->stands_for_output = output;
    int rc = 0;
    for (uint32_t i = 0; i < publisher->out_count; i++) {
        const struct wire *wire = publisher->out[i];
        for (uint32_t k = 0; k < wire->edge_count && rc == 0; k++)
            if (wire->edges[k].output == output && !wire->states[k].is_down)
                rc =
                    wiring_add(watcher, wire->subscriber, wiring_edge(0, wire->subscriber->node, wire->edges[k].input));
    }
    return checked(watcher, rc, error);
}

int watcher_open(struct dataflow *dataflow, const char *const *topics, size_t count, uint64_t queue_size,
                 char config[PROTO_CONFIG_TEXT_MOST], struct error *error)
{
    return admit(watcher_listen(dataflow, topics, count, queue_size, GRAPH_DROP_OLDEST, error), config, error);
}

int watcher_publish(struct dataflow *dataflow, const char *topic, char config[PROTO_CONFIG_TEXT_MOST],
                    struct error *error)
{
    struct participant *publisher;
    uint32_t output;
    int rc = ports_find_output(dataflow, topic, &publisher, &output, error);
    if (rc == 0)
        rc = part_refuse_node(publisher, error);
    return rc < 0 ? rc : admit(watcher_stand_for(publisher, output, topic, error), config, error);
}

int watcher_feed(struct dataflow *dataflow, const char *name, char config[PROTO_CONFIG_TEXT_MOST], struct error *error)
{
    struct participant *subscriber;
    uint32_t input;
    struct graph *graph;
    int rc = ports_find_input(dataflow, name, &subscriber, &input, error);
    if (rc == 0)
        rc = part_refuse_node(subscriber, error);
    if (rc < 0)
        return rc;
    struct graph_node *node = make_node(&graph, dataflow, error);
    struct graph_output *own = node ? graph_push(graph, node->outputs, &node->output_count) : NULL;
    if (own)
        own->id = graph_text(graph, name);
    struct participant *watcher = node ? add(dataflow, node, graph, error) : NULL;
    if (!watcher)
        return error->code;
    return admit(checked(watcher, wiring_add(watcher, subscriber, wiring_edge(0, subscriber->node, input)), error),
                 config, error);
}
