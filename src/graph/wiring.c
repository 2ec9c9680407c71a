#include "graph/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/findings.h"

struct wire {
    struct load *load;
    struct draft_input *input;
    const char *label;
    struct graph_place place; /* of the source as written, in the module's user once the wire leads there */
    bool dropped;             /* an optional port of a module that nobody wired, or a fault that is reported */
};

static void fault(struct wire *wire, const char *hint, const char *message)
{
    finding_add(wire->load->graph, GRAPH_ERROR, false, wire->place, hint, "%s: %s", wire->label, message);
    wire->dropped = true;
}

static int by_full_id(const void *left, const void *right)
{
    const struct draft *a = *(struct draft *const *)left, *b = *(struct draft *const *)right;
    int order = strcmp(a->node.id, b->node.id);
    if (order)
        return order;
    return a->order < b->order ? -1 : a->order > b->order;
}

static void index_all(struct load *load)
{
    struct draft **sorted = graph_alloc(load->graph, load->draft_count * sizeof *sorted);
    if (!sorted || !load->draft_count)
        return;
    memcpy(sorted, load->drafts, load->draft_count * sizeof *sorted);
    qsort(sorted, load->draft_count, sizeof *sorted, by_full_id);
    for (size_t i = 1; i < load->draft_count; i++)
        if (strcmp(sorted[i - 1]->node.id, sorted[i]->node.id) == 0 && sorted[i - 1]->scope != sorted[i]->scope)
            finding_add(load->graph, GRAPH_ERROR, false, sorted[i]->id_place,
                        "ids in modules begin with the module's id", "duplicate node id `%s` once modules are expanded",
                        sorted[i]->node.id);
    load->by_id = sorted;
}

static struct draft *find_full(const struct load *load, const char *id)
{
    size_t first = 0, last = load->by_id ? load->draft_count : 0;
    while (first < last) {
        size_t middle = first + (last - first) / 2;
        int order = strcmp(load->by_id[middle]->node.id, id);
        if (order == 0)
            return load->by_id[middle];
        if (order < 0)
            first = middle + 1;
        else
            last = middle;
    }
    return NULL;
}

/* An input that reads a port of its module reads what the module's user wired to that port. */
static const struct scope *through_port(struct wire *wire, const struct scope *scope)
{
    struct graph_input *in = &wire->input->in;
    const char *port = in->source_output;
    struct draft_input *outer = ports_find_in(scope->module, port);
    if (!module_lists(scope->ports_in, port) && !module_lists(scope->ports_optional, port)) {
        fault(wire, "list it under `inputs` or `inputs_optional` of the module",
              graph_format(wire->load->graph, "module `%s` has no input `%s`", scope->name, port));
        return NULL;
    }
    if (!outer || outer->broken) {
        wire->dropped = true;
        return NULL;
    }
    wire->label = graph_format(wire->load->graph, "input `%s/%s`", scope->module->node.id, port);
    wire->place = outer->source_place;
    in->queue_size = in->queue_size ? in->queue_size : outer->in.queue_size;
    if (!wire->input->policy_given)
        in->queue_policy = outer->in.queue_policy;
    if (!wire->input->timeout_given)
        in->timeout_ns = outer->in.timeout_ns;
    wire->input->policy_given |= outer->policy_given;
    wire->input->timeout_given |= outer->timeout_given;
    in->kind = outer->in.kind;
    in->source = outer->in.source;
    in->source_output = outer->in.source_output;
    in->interval_ns = outer->in.interval_ns;
    in->log_level = outer->in.log_level;
    in->log_node = outer->in.log_node;
    return scope->parent;
}

static void no_node(struct wire *wire, const struct scope *scope)
{
    struct load *load = wire->load;
    const char *source = wire->input->in.source;
    if (load->options->fragment) {
        finding_add(load->graph, GRAPH_WARNING, false, wire->place, scope_suggest(load, scope, source),
                    "%s: node `%s` is not in this file", wire->label, source);
        wire->dropped = true;
        return;
    }
    fault(wire, scope_suggest(load, scope, source), graph_format(load->graph, "there is no node `%s`", source));
}

/* What the reader of `output` may have meant. */
static const char *output_hint(struct graph *graph, const struct draft *draft, const char *output)
{
    if (findings_are_many(graph))
        return NULL;
    if (draft->out_count == 0)
        return graph_format(graph, "`%s` has no outputs at all; list them under its `outputs`", draft->node.id);
    autofree const char **ids = calloc(draft->out_count, sizeof *ids);
    for (size_t i = 0; ids && i < draft->out_count; i++)
        ids[i] = draft->outs[i].id;
    const char *hint = ids ? keys_suggest(graph, output, ids, draft->out_count) : NULL;
    for (size_t i = 0; !hint && draft->node.operator_count > 1 && i < draft->out_count; i++) {
        const char *slash = strchr(draft->outs[i].id, '/');
        if (slash && strcmp(slash + 1, output) == 0)
            hint = graph_format(graph, "write `%s/%s`: outputs of operators begin with the operator's id",
                                draft->node.id, draft->outs[i].id);
    }
    if (!hint && draft->out_count == 1)
        hint = graph_format(graph, "its one output is `%s`", draft->outs[0].id);
    return hint;
}

static void no_output(struct wire *wire, const struct draft *draft)
{
    struct graph *graph = wire->load->graph;
    const char *output = wire->input->in.source_output;
    fault(wire, output_hint(graph, draft, output),
          graph_format(graph, "node `%s` has no output `%s`", draft->node.id, output));
}

static void connect(struct wire *wire, const struct draft *draft)
{
    struct graph_input *in = &wire->input->in;
    const struct graph_output *output = ports_find_out(draft, in->source_output);
    if (!output && draft->single_operator && draft->node.operator_count == 1)
        output = ports_find_out(
            draft, graph_format(wire->load->graph, "%s/%s", draft->node.operators[0].id, in->source_output));
    if (!output) {
        no_output(wire, draft);
        return;
    }
    in->source = draft->node.id;
    in->source_output = output->id;
    in->source_node = draft->index;
}

static void resolve(struct wire *wire, const struct scope *scope)
{
    struct graph_input *in = &wire->input->in;
    while (in->kind == GRAPH_INPUT_NODE) {
        if (scope->module && strcmp(in->source, "_mod") == 0) {
            if (!(scope = through_port(wire, scope)))
                return;
            continue;
        }
        struct draft *draft = scope_find(scope, in->source);
        if (!draft)
            draft = find_full(wire->load, in->source);
        if (!draft) {
            no_node(wire, scope);
            return;
        }
        if (!draft->is_module) {
            connect(wire, draft);
            return;
        }
        const struct scope *inner = draft->inner;
        if (!inner) { /* its file is at fault, and that is reported */
            wire->dropped = true;
            return;
        }
        if (!module_lists(inner->ports_out, in->source_output)) {
            fault(wire, "list it under `outputs` of the module",
                  graph_format(wire->load->graph, "module `%s` has no output `%s`", inner->name, in->source_output));
            return;
        }
        draft = module_producer(inner, in->source_output);
        if (!draft) {
            wire->dropped = true;
            return;
        }
        if (!draft->is_module) {
            connect(wire, draft);
            return;
        }
        in->source = draft->local_id;
        scope = inner;
    }
    if (in->kind == GRAPH_INPUT_LOGS && in->log_node) {
        const struct draft *draft = scope_find(scope, in->log_node);
        draft = draft && !draft->is_module ? draft : find_full(wire->load, in->log_node);
        if (draft)
            in->log_node = draft->node.id;
        else
            finding_add(wire->load->graph, GRAPH_WARNING, false, wire->place,
                        scope_suggest(wire->load, scope, in->log_node), "%s: there is no node `%s`", wire->label,
                        in->log_node);
    }
}

/* The thread of the operator that has this port; NULL: its own. */
static const char *thread_of(const struct graph_node *node, const char *port)
{
    for (size_t i = 0; i < node->operator_count; i++)
        if (id_within(port, node->operators[i].id))
            return node->operators[i].thread;
    return NULL;
}

/* A thread can't wait for itself to take a message. */
static void check_threads(struct wire *wire, const struct graph_node *node)
{
    const struct graph_input *in = &wire->input->in;
    if (in->kind != GRAPH_INPUT_NODE || in->queue_policy != GRAPH_BACKPRESSURE || strcmp(in->source, node->id) != 0)
        return;
    const char *from = thread_of(node, in->source_output), *to = thread_of(node, in->id);
    if (from && to && strcmp(from, to) == 0)
        fault(wire, "give the operators threads of their own, or leave `queue_policy` out",
              graph_format(wire->load->graph,
                           "what sends to it runs on the same thread `%s`, which can't wait for itself", to));
}

static bool resolve_input(struct load *load, const struct draft *draft, struct draft_input *input)
{
    struct wire wire = {.load = load, .input = input, .place = input->source_place, .dropped = input->broken};
    wire.label = graph_format(load->graph, "input `%s/%s`", draft->node.id, input->in.id);
    if (!input->broken)
        resolve(&wire, draft->scope);
    if (!wire.dropped)
        check_threads(&wire, &draft->node);
    return !wire.dropped;
}

static void fill(struct load *load, struct draft *draft, struct graph_node *node)
{
    *node = draft->node;
    node->outputs = draft->outs;
    node->output_count = draft->out_count;
    node->inputs = graph_alloc(load->graph, draft->in_count * sizeof *node->inputs);
    for (size_t i = 0; node->inputs && i < draft->in_count; i++) {
        struct draft_input *input = &draft->ins[i];
        if (!resolve_input(load, draft, input))
            continue;
        if (input->in.queue_size == 0)
            input->in.queue_size = 10;
        node->inputs[node->input_count++] = input->in;
    }
}

void wiring_resolve(struct load *load)
{
    struct graph *graph = load->graph;
    index_all(load);
    graph->nodes = graph_alloc(graph, load->draft_count * sizeof *graph->nodes);
    if (!graph->nodes)
        return;
    for (size_t i = 0; i < load->draft_count; i++)
        fill(load, load->drafts[i], &graph->nodes[i]);
    graph->node_count = load->draft_count;
    /* A module's node is wired through to the nodes in it; what none of them reads is to be right all the same. */
    for (size_t i = 0; i < load->module_count; i++)
        for (size_t k = 0; k < load->modules[i]->in_count; k++) {
            struct draft_input copy = load->modules[i]->ins[k];
            resolve_input(load, load->modules[i], &copy);
        }
}
