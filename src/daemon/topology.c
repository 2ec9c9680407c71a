/* What one changes in a dataflow that runs: nodes are added and replaced, inputs connected and disconnected. */
#include "daemon/dataflow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "daemon/part.h"
#include "daemon/reporter.h"

/* ---- Adding ---- */

int topology_refusal(const struct dataflow *dataflow, struct error *error)
{
    if (!dataflow->has_started)
        return error_set(error, -EPERM, "the dataflow has not started yet");
    if (dataflow->step != STOP_NONE)
        return error_set(error, -EPERM, "the dataflow is being stopped");
    return 0;
}

/* The running nodes as a descriptor, so that the new one can be checked against them. Their own inputs don't matter,
 * and may come from nodes that are gone. */
static int describe(const struct dataflow *dataflow, const char *without, struct buf *text, struct error *error)
{
    autofree struct graph_node *nodes = calloc(dataflow->count + 1, sizeof *nodes);
    if (!nodes)
        return error_set(error, -ENOMEM, "no memory to add a node");
    struct graph graph = *dataflow->graph;
    graph.nodes = nodes;
    graph.node_count = 0;
    for (uint32_t i = 0; i < dataflow->count; i++) {
        const struct participant *participant = dataflow->participants[i];
        if (participant->is_watcher || participant->is_removed || participant->is_new ||
            (without && strcmp(participant->node->id, without) == 0))
            continue;
        struct graph_node *node = &nodes[graph.node_count++];
        *node = *participant->node;
        node->input_count = 0;
    }
    if (graph.node_count == 0)
        return buf_puts(text, "nodes:\n"), 0;
    return graph_expand(&graph, text, error);
}

/* Appends the node's YAML as the last item of the list. */
static void append_node(struct buf *text, const char *yaml)
{
    /* A file that begins with a document marker or comments is as good. */
    if (strncmp(yaml, "---\n", 4) == 0)
        yaml += 4;
    buf_puts(text, "  -\n");
    while (*yaml) {
        size_t len = strcspn(yaml, "\n");
        if (len)
            buf_puts(text, "    ");
        buf_add(text, yaml, len);
        buf_putc(text, '\n');
        yaml += len + (yaml[len] == '\n');
    }
}

static int first_fault(const struct graph *graph, uint32_t lines_before, struct error *error)
{
    for (size_t i = 0; i < graph->finding_count; i++) {
        const struct graph_finding *finding = &graph->findings[i];
        if (finding->severity != GRAPH_ERROR)
            continue;
        if (finding->place.line > lines_before)
            error_set(error, -EINVAL, "line %u: %s%s%s", finding->place.line - lines_before, finding->message,
                      finding->hint ? "; " : "", finding->hint ? finding->hint : "");
        else
            error_set(error, -EINVAL, "%s%s%s", finding->message, finding->hint ? "; " : "",
                      finding->hint ? finding->hint : "");
        return -EINVAL;
    }
    return 0;
}

static int read_node(const struct dataflow *dataflow, const char *yaml, const char *without, struct graph **graph,
                     struct buf *warnings, struct error *error)
{
    autobuf struct buf text = {0};
    int rc = describe(dataflow, without, &text, error);
    if (rc < 0)
        return rc;
    uint32_t lines = 1;
    for (size_t i = 0; i < text.len; i++)
        lines += text.data[i] == '\n';
    size_t before = 0;
    for (uint32_t i = 0; i < dataflow->count; i++) {
        const struct participant *other = dataflow->participants[i];
        before += !other->is_watcher && !other->is_removed && !other->is_new &&
                  !(without && strcmp(other->node->id, without) == 0);
    }
    append_node(&text, yaml);
    if (text.failed)
        return error_set(error, -ENOMEM, "no memory to add a node");
    *graph = graph_parse(text.data, text.len, dataflow->graph->path, NULL, error);
    if (!*graph)
        return error->code < 0 ? error->code : -ENOMEM;
    rc = (*graph)->error_count     ? first_fault(*graph, lines, error)
         : graph_split(*graph) < 0 ? error_set(error, -ENOMEM, "no memory to add a node")
                                   : 0;
    if (rc == 0 && (*graph)->node_count != before + 1)
        rc =
            error_set(error, -EINVAL,
                      "this is not one node: add nodes one by one, modules not at all, and operators as nodes with one "
                      "`operator`");
    if (rc < 0)
        graph_free(take_ptr(*graph));
    else
        description_warnings(*graph, lines, warnings);
    return rc;
}

/* Whether one node can take the other's place: the same inputs, and at least its outputs. */
static int check_ports(const struct graph_node *old, const struct graph_node *node, struct error *error)
{
    for (size_t i = 0; i < old->input_count || i < node->input_count; i++) {
        const struct graph_node *more = old->input_count >= node->input_count ? old : node;
        const struct graph_node *less = more == old ? node : old;
        if (wiring_input(less, more->inputs[i].id) < 0)
            return error_set(error, -EINVAL, "the new node must have the same inputs: `%s` is on one side only",
                             more->inputs[i].id);
    }
    for (size_t i = 0; i < old->output_count; i++)
        if (wiring_output(node, old->outputs[i].id) < 0)
            return error_set(error, -EINVAL, "the new node lacks the output `%s`", old->outputs[i].id);
    return 0;
}

/* Whether what the node listens to comes to this machine. */
static int check_sources(const struct dataflow *dataflow, const struct graph_node *node, struct error *error)
{
    int rc = 0;
    for (size_t i = 0; i < node->input_count && rc == 0; i++) {
        const struct graph_input *input = &node->inputs[i];
        const struct participant *publisher =
            input->kind == GRAPH_INPUT_NODE ? population_find(dataflow, input->source) : NULL;
        int output = publisher ? wiring_output(publisher->node, input->source_output) : -ENOENT;
        if (output >= 0)
            rc = part_refuse_output(publisher, (uint32_t)output, error);
    }
    return rc;
}

/* Who listens to the old node listens to the new one too. */
static int inherit(const struct participant *old, struct participant *participant, struct error *error)
{
    for (uint32_t i = 0; i < old->out_count; i++) {
        const struct wire *wire = old->out[i];
        for (uint32_t k = 0; k < wire->edge_count; k++) {
            const char *id = old->node->outputs[wire->edges[k].output].id;
            if (wire->states[k].is_down || wire->subscriber == old)
                continue;
            struct link_edge edge = wire->edges[k];
            edge.output = (uint32_t)wiring_output(participant->node, id);
            if (wiring_add(participant, wire->subscriber, edge) < 0 ||
                reporter_connect_output(participant, edge.output, wire->subscriber, edge.input) < 0)
                return error_set(error, -ENOMEM, "no memory for the dataflow's links");
        }
    }
    for (uint32_t i = 0; i < old->dataflow->count; i++) {
        struct participant *other = old->dataflow->participants[i];
        if (other->stands_for == old) {
            other->stands_for = participant;
            other->stands_for_output =
                (uint32_t)wiring_output(participant->node, old->node->outputs[other->stands_for_output].id);
        }
    }
    return 0;
}

int topology_add(struct dataflow *dataflow, const char *yaml, const char *directory, const char *replaces,
                 struct participant **added, struct buf *warnings, struct error *error)
{
    struct graph *graph = NULL;
    struct participant *old = NULL;
    int rc = topology_refusal(dataflow, error);
    if (rc == 0 && replaces)
        rc = ports_find_node(dataflow, replaces, &old, error);
    if (rc < 0)
        return rc;
    if (old && (rc = part_refuse_node(old, error)) < 0)
        return rc;
    if (old && (old->halt != HALT_NONE || old->is_dynamic))
        return error_set(error, -EPERM, "node `%s` %s", replaces,
                         old->is_dynamic ? "is dynamic: start another process instead" : "is being stopped");
    rc = read_node(dataflow, yaml, replaces, &graph, warnings, error);
    if (rc < 0)
        return rc;
    const struct graph_node *node = &graph->nodes[graph->node_count - 1];
    rc = !old ? 0
         : strcmp(node->id, replaces) != 0
             ? error_set(error, -EINVAL, "the new node must have the id `%s`, not `%s`", replaces, node->id)
             : check_ports(old->node, node, error);
    if (rc == 0 && !old && population_find(dataflow, node->id))
        rc = error_set(error, -EEXIST, "the dataflow has a node `%s` already", node->id);
    if (rc == 0)
        rc = check_sources(dataflow, node, error);
    if (rc < 0) {
        graph_free(graph);
        return rc;
    }
    struct participant *participant = population_add(dataflow, node, graph, error);
    if (!participant)
        return -ENOMEM;
    participant->is_new = !participant->is_dynamic;
    participant->replaces = old;
    participant->directory = directory ? strdup(directory) : NULL;
    rc = wiring_lay_inputs(participant, error);
    if (rc == 0 && old)
        rc = inherit(old, participant, error);
    if (rc < 0) {
        participant->state = PARTICIPANT_ENDED;
        dataflow->to_end -= !participant->is_dynamic;
        population_remove(participant);
        return rc;
    }
    *added = participant;
    dataflow->is_json_old = true;
    health_start(dataflow); /* it may be the first that wants to be looked after */
    if (!participant->is_dynamic)
        participant_spawn(participant);
    return 0;
}

/* ---- Connecting ---- */

/* What both changes begin with: an output, an input, and the edge between them, NULL for none. */
struct ends {
    struct participant *publisher, *subscriber;
    uint32_t output, input, edge;
    struct wire *wire;
};

static int find_ends(const struct dataflow *dataflow, const char *source, const char *target, struct ends *ends,
                     struct error *error)
{
    *ends = (struct ends){0};
    int rc = topology_refusal(dataflow, error);
    if (rc == 0)
        rc = ports_find_output(dataflow, source, &ends->publisher, &ends->output, error);
    if (rc == 0)
        rc = ports_find_input(dataflow, target, &ends->subscriber, &ends->input, error);
    if (rc == 0)
        rc = part_refuse_node(ends->publisher, error);
    if (rc == 0)
        rc = part_refuse_node(ends->subscriber, error);
    if (rc == 0)
        wiring_find(ends->publisher, ends->output, ends->subscriber, ends->input, &ends->wire, &ends->edge);
    return rc;
}

int topology_connect(struct dataflow *dataflow, const char *source, const char *target, struct buf *warnings,
                     struct error *error)
{
    struct ends ends;
    int rc = find_ends(dataflow, source, target, &ends, error);
    if (rc < 0)
        return rc;
    if (ends.wire)
        return error_set(error, -EEXIST, "`%s` is connected to `%s` already", source, target);
    if (ends.subscriber->inputs[ends.input] == INPUT_OPEN)
        return error_set(error, -EEXIST, "input `%s` is connected to another output: disconnect it first", target);
    if (ends.publisher->outputs_closed[ends.output])
        return error_set(error, -EPERM, "output `%s` is closed: its node has ended, or sends no more on it", source);
    rc = description_check_types(ends.publisher, ends.output, ends.subscriber, ends.input, warnings, error);
    if (rc < 0)
        return rc;
    dataflow->is_json_old = true;
    wiring_open_input(ends.subscriber, ends.input);
    if (wiring_connect(ends.publisher, ends.output, ends.subscriber, ends.input) < 0)
        return error_set(error, -ENOMEM, "no memory for a link");
    if (ends.subscriber->state == PARTICIPANT_RUNNING)
        wiring_up(ends.subscriber);
    return 0;
}

int topology_disconnect(struct dataflow *dataflow, const char *source, const char *target, struct error *error)
{
    struct ends ends;
    int rc = find_ends(dataflow, source, target, &ends, error);
    if (rc < 0)
        return rc;
    if (!ends.wire)
        return error_set(error, -ENOENT, "`%s` is not connected to `%s`", source, target);
    dataflow->is_json_old = true;
    wiring_disconnect(ends.wire, ends.edge);
    reporter_disconnect(ends.publisher, ends.subscriber, ends.input);
    for (uint32_t i = 0; i < dataflow->count; i++) {
        const struct participant *other = dataflow->participants[i];
        if (other->stands_for == ends.publisher && other->stands_for_output == ends.output &&
            wiring_find(other, 0, ends.subscriber, ends.input, &ends.wire, &ends.edge))
            wiring_disconnect(ends.wire, ends.edge);
    }
    wiring_loosen_input(ends.subscriber, ends.input);
    return 0;
}
