/* Which node feeds which. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "daemon/reporter.h"

static int compare_output(const void *id, const void *output)
{
    return strcmp(id, ((const struct graph_output *)output)->id);
}

static int compare_input(const void *id, const void *input)
{
    return strcmp(id, ((const struct graph_input *)input)->id);
}

int wiring_output(const struct graph_node *node, const char *id)
{
    const struct graph_output *found =
        node->output_count ? bsearch(id, node->outputs, node->output_count, sizeof *node->outputs, compare_output)
                           : NULL;
    return found ? (int)(found - node->outputs) : -ENOENT;
}

int wiring_input(const struct graph_node *node, const char *id)
{
    const struct graph_input *found =
        node->input_count ? bsearch(id, node->inputs, node->input_count, sizeof *node->inputs, compare_input) : NULL;
    return found ? (int)(found - node->inputs) : -ENOENT;
}

struct link_edge wiring_edge(uint32_t output, const struct graph_node *node, uint32_t index)
{
    const struct graph_input *input = &node->inputs[index];
    uint64_t limit = input->queue_size ? input->queue_size : 1;
    return (struct link_edge){output, index, limit > RING_CAPACITY_MOST ? RING_CAPACITY_MOST : (uint32_t)limit,
                              input->queue_policy == GRAPH_BACKPRESSURE ? LINK_BACKPRESSURE : LINK_DROP_OLDEST};
}

/* Room for one more in a list that is doubled at powers of two. */
static bool make_room(struct wire ***list, uint32_t count)
{
    if (count & (count - 1))
        return true;
    struct wire **longer = reallocarray(*list, count ? 2 * (size_t)count : 1, sizeof *longer);
    if (longer)
        *list = longer;
    return longer;
}

static bool add_edge(struct wire *wire, struct link_edge edge)
{
    uint32_t count = wire->edge_count;
    if ((count & (count - 1)) == 0) {
        size_t room = count ? 2 * (size_t)count : 1;
        struct link_edge *edges = reallocarray(wire->edges, room, sizeof *edges);
        if (edges)
            wire->edges = edges;
        struct edge_state *states = reallocarray(wire->states, room, sizeof *states);
        if (states)
            wire->states = states;
        if (!edges || !states)
            return false;
    }
    wire->edges[count] = edge;
    wire->states[count] = (struct edge_state){0};
    wire->edge_count++;
    return true;
}

/* The wire between the two that still takes an edge, for it is not up; or NULL. */
static struct wire *find_open(const struct participant *publisher, const struct participant *subscriber)
{
    for (uint32_t i = subscriber->in_count; i-- > 0;) {
        struct wire *wire = subscriber->in[i];
        if (wire->publisher == publisher && !wire->link && wire->edge_count < LINK_EDGES_MOST)
            return wire;
    }
    return NULL;
}

int wiring_add(struct participant *publisher, struct participant *subscriber, struct link_edge edge)
{
    struct wire *wire = find_open(publisher, subscriber);
    if (wire)
        return add_edge(wire, edge) ? 0 : -ENOMEM;
    wire = calloc(1, sizeof *wire);
    if (!wire || !add_edge(wire, edge) || !make_room(&publisher->out, publisher->out_count) ||
        !make_room(&subscriber->in, subscriber->in_count)) {
        if (wire) {
            free(wire->edges);
            free(wire->states);
        }
        free(wire);
        return -ENOMEM;
    }
    wire->publisher = publisher;
    wire->subscriber = subscriber;
    wire->segment = -1;
    publisher->out[publisher->out_count++] = wire;
    subscriber->in[subscriber->in_count++] = wire;
    return 0;
}

int wiring_connect(struct participant *publisher, uint32_t output, struct participant *subscriber, uint32_t input)
{
    const struct dataflow *dataflow = publisher->dataflow;
    int rc = wiring_add(publisher, subscriber, wiring_edge(output, subscriber->node, input));
    for (uint32_t i = 0; i < dataflow->count && rc == 0; i++) {
        struct participant *other = dataflow->participants[i];
        if (other->stands_for == publisher && other->stands_for_output == output && !other->is_removed)
            rc = wiring_add(other, subscriber, wiring_edge(0, subscriber->node, input));
    }
    if (rc == 0)
        rc = reporter_connect_output(publisher, output, subscriber, input);
    if (rc == 0 && publisher->outputs_closed[output])
        wiring_close_input(subscriber, input);
    return rc;
}

/* Takes the pointer out; the order of the others stays. The list keeps its room, of which there is never less than
 * make_room counts on. */
static void take_out(struct wire **list, uint32_t *count, const struct wire *wire)
{
    uint32_t i = 0;
    while (list[i] != wire)
        i++;
    memmove(&list[i], &list[i + 1], (--*count - i) * sizeof *list);
}

void wiring_free(struct wire *wire)
{
    wire_down(wire);
    take_out(wire->publisher->out, &wire->publisher->out_count, wire);
    take_out(wire->subscriber->in, &wire->subscriber->in_count, wire);
    free(wire->edges);
    free(wire->states);
    free(wire);
}

static int lay_inputs(struct participant *participant,
                      struct participant *(*find)(struct dataflow *, size_t input, const struct graph_node *node),
                      struct error *error)
{
    const struct graph_node *node = participant->node;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const struct graph_input *input = &node->inputs[i];
        if (input->kind == GRAPH_INPUT_LOGS && reporter_connect_logs(participant, i) < 0)
            return error_set(error, -ENOMEM, "no memory for the dataflow's links");
        if (input->kind != GRAPH_INPUT_NODE)
            continue;
        struct participant *publisher = find(participant->dataflow, i, node);
        /* A node that replaces another, and feeds itself, means itself. */
        if (publisher == participant->replaces && publisher)
            publisher = participant;
        int output = publisher ? wiring_output(publisher->node, input->source_output) : -ENOENT;
        if (output < 0)
            return error_set(error, -EINVAL, "input `%s` of node `%s`: there is no output `%s/%s`", input->id, node->id,
                             input->source, input->source_output);
        if (wiring_connect(publisher, (uint32_t)output, participant, i) < 0)
            return error_set(error, -ENOMEM, "no memory for the dataflow's links");
    }
    return 0;
}

static struct participant *find_by_index(struct dataflow *dataflow, size_t input, const struct graph_node *node)
{
    size_t index = node->inputs[input].source_node;
    return index < dataflow->count ? dataflow->participants[index] : NULL;
}

static struct participant *find_by_name(struct dataflow *dataflow, size_t input, const struct graph_node *node)
{
    return population_find(dataflow, node->inputs[input].source);
}

int wiring_lay(struct dataflow *dataflow, struct error *error)
{
    int rc = 0;
    for (uint32_t i = 0; i < dataflow->count && rc == 0; i++)
        rc = lay_inputs(dataflow->participants[i], find_by_index, error);
    return rc;
}

int wiring_lay_inputs(struct participant *participant, struct error *error)
{
    return lay_inputs(participant, find_by_name, error);
}

bool wiring_find(const struct participant *publisher, uint32_t output, const struct participant *subscriber,
                 uint32_t input, struct wire **found, uint32_t *edge)
{
    for (uint32_t i = 0; i < subscriber->in_count; i++) {
        struct wire *wire = subscriber->in[i];
        for (uint32_t k = 0; wire->publisher == publisher && k < wire->edge_count; k++)
            if (wire->edges[k].output == output && wire->edges[k].input == input && !wire->states[k].is_down) {
                *found = wire;
                *edge = k;
                return true;
            }
    }
    return false;
}

void wiring_disconnect(struct wire *wire, uint32_t edge)
{
    wire->states[edge].is_down = true;
    if (wire->link)
        wire_edge_down(wire, edge);
    else
        wire_down(wire);
    if (wire->edge_count == 0)
        wiring_free(wire);
}

bool wiring_source(const struct participant *subscriber, uint32_t input, const struct participant **publisher,
                   uint32_t *output)
{
    for (uint32_t i = 0; i < subscriber->in_count; i++) {
        const struct wire *wire = subscriber->in[i];
        for (uint32_t k = 0; k < wire->edge_count && !wire->publisher->is_watcher; k++)
            if (wire->edges[k].input == input && !wire->states[k].is_down) {
                *publisher = wire->publisher;
                *output = wire->edges[k].output;
                return true;
            }
    }
    return false;
}
