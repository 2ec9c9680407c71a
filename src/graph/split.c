/* Operators become nodes of their own. */
#include <errno.h>
#include <string.h>

#include "graph/draft.h"

/* Ports are sorted, so those of one operator stand together. */
static void take_ports(struct graph_node *to, const struct graph_node *host, const struct graph_operator *op)
{
    to->input_count = to->output_count = 0;
    for (size_t i = host->input_count; i-- > 0;)
        if (id_within(host->inputs[i].id, op->id)) {
            to->inputs = &host->inputs[i];
            to->input_count++;
        }
    for (size_t i = host->output_count; i-- > 0;)
        if (id_within(host->outputs[i].id, op->id)) {
            to->outputs = &host->outputs[i];
            to->output_count++;
        }
    to->send_stdout_as = id_within(host->send_stdout_as, op->id);
    to->send_logs_as = id_within(host->send_logs_as, op->id);
}

static void add_operator(struct graph *graph, struct graph_node *to, const struct graph_node *host,
                         struct graph_operator *op)
{
    *to = *host;
    to->id = graph_format(graph, "%s/%s", host->id, op->id);
    to->name = op->name;
    to->description = op->description;
    to->place = op->place;
    to->kind = GRAPH_NODE_OPERATOR;
    to->operators = op;
    to->operator_count = 1;
    to->is_split = true;
    to->host = host->id;
    to->build = op->build;
    to->pattern = op->pattern;
    to->min_log_level = GRAPH_LOG_UNSET;
    to->max_log_size = 0;
    take_ports(to, host, op);
}

/* Where the input's message comes from now; `first` is where the producer's nodes begin in the new list. */
static void redirect(struct graph *graph, struct graph_input *input, const struct graph_node *producer, size_t first)
{
    input->source_node = first;
    for (size_t i = 0; i < producer->operator_count; i++) {
        const struct graph_operator *op = &producer->operators[i];
        const char *output = id_within(input->source_output, op->id);
        if (!output)
            continue;
        input->source_output = output;
        if (!producer->is_lone_operator) {
            input->source = graph_format(graph, "%s/%s", producer->id, op->id);
            input->source_node = first + 1 + i;
        }
        return;
    }
}

static void redirect_all(struct graph *graph, const size_t *first)
{
    for (size_t i = 0; i < graph->node_count; i++)
        for (size_t k = 0; k < graph->nodes[i].input_count; k++) {
            struct graph_input *input = &graph->nodes[i].inputs[k];
            if (input->kind == GRAPH_INPUT_NODE && input->source_node < graph->node_count &&
                strcmp(input->source, graph->nodes[input->source_node].id) == 0)
                redirect(graph, input, &graph->nodes[input->source_node], first[input->source_node]);
        }
}

static bool is_list(const struct graph_node *node)
{
    return node->kind == GRAPH_NODE_OPERATORS && !node->is_lone_operator;
}

static void fill(struct graph *graph, struct graph_node *to)
{
    for (size_t i = 0; i < graph->node_count; i++) {
        struct graph_node *host = to++;
        *host = graph->nodes[i];
        host->is_split = host->kind == GRAPH_NODE_OPERATORS;
        if (host->is_lone_operator)
            take_ports(host, &graph->nodes[i], host->operators);
        for (size_t k = 0; is_list(host) && k < host->operator_count; k++)
            add_operator(graph, to++, &graph->nodes[i], &host->operators[k]);
        if (is_list(host)) {
            host->input_count = host->output_count = 0;
            host->send_stdout_as = host->send_logs_as = NULL;
        }
    }
}

/* When all have their ports: an operator's port may begin like another operator. They stay sorted. */
static void shorten(struct graph_node *nodes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct graph_node *node = &nodes[i];
        for (size_t k = 0; node->is_split && k < node->input_count; k++)
            node->inputs[k].id = id_within(node->inputs[k].id, node->operators->id);
        for (size_t k = 0; node->is_split && k < node->output_count; k++)
            node->outputs[k].id = id_within(node->outputs[k].id, node->operators->id);
    }
}

int graph_split(struct graph *graph)
{
    size_t count = 0;
    bool has_operators = false;
    size_t *first = graph_alloc(graph, (graph->node_count + 1) * sizeof *first);
    for (size_t i = 0; first && i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        first[i] = count;
        count += 1 + (is_list(node) ? node->operator_count : 0);
        has_operators = has_operators || (node->kind == GRAPH_NODE_OPERATORS && !node->is_split);
    }
    if (!has_operators)
        return first ? 0 : -ENOMEM;
    struct graph_node *nodes = graph_alloc(graph, (count + 1) * sizeof *nodes);
    if (!nodes)
        return -ENOMEM;
    redirect_all(graph, first);
    fill(graph, nodes);
    shorten(nodes, count);
    graph->nodes = nodes;
    graph->node_count = count;
    return graph->private->out_of_memory ? -ENOMEM : 0;
}
