#include "graph/types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "graph/findings.h"
#include "graph/types_library.h"

enum { CONVERSIONS_MAX = 3 }; /* how many rules may follow one another along an edge */

#define BYTES "std/core/v1/Bytes"
#define TIMER "std/core/v1/UInt64"

static const struct graph_type_rule widening[] = {
    {.from = "std/core/v1/UInt8", .to = "std/core/v1/UInt32"},
    {.from = "std/core/v1/UInt32", .to = "std/core/v1/UInt64"},
    {.from = "std/core/v1/Int32", .to = "std/core/v1/Int64"},
    {.from = "std/core/v1/Float32", .to = "std/core/v1/Float64"},
};
enum { WIDENING_COUNT = sizeof widening / sizeof *widening };

static enum graph_severity type_severity(const struct graph *graph)
{
    return graph->strict_types ? GRAPH_ERROR : GRAPH_WARNING;
}

static bool is_declared(const struct graph_node *node, const struct types_note *note)
{
    if (note->kind == TYPES_NOTE_INPUT) {
        for (size_t i = 0; i < node->input_count; i++)
            if (strcmp(node->inputs[i].id, note->port) == 0)
                return true;
        return false;
    }
    for (size_t i = 0; i < node->output_count; i++)
        if (strcmp(node->outputs[i].id, note->port) == 0)
            return true;
    return false;
}

static const char *suggest_port(const struct graph_node *node, const struct types_note *note)
{
    bool input = note->kind == TYPES_NOTE_INPUT;
    size_t count = input ? node->input_count : node->output_count;
    autofree const char **names = calloc(count + 1, sizeof *names);
    for (size_t i = 0; names && i < count; i++)
        names[i] = input ? node->inputs[i].id : node->outputs[i].id;
    return names ? suggest(note->port, names, count) : NULL;
}

static void check_port(struct graph *graph, const struct types_note *note)
{
    static const char *const keys[] = {"output_types", "input_types", "output_metadata"};
    const struct graph_node *node = &graph->nodes[note->node];
    if (is_declared(node, note))
        return;
    const char *near = suggest_port(node, note);
    const char *hint = near ? graph_format(graph, "did you mean `%s`?", near) : NULL;
    finding_add(graph, type_severity(graph), true, note->place, hint, "node \"%s\": %s key \"%s\" not found in %s list",
                node->id, keys[note->kind], note->port, note->kind == TYPES_NOTE_INPUT ? "inputs" : "outputs");
}

static void check_known(struct graph *graph, const struct types_library *library, const struct types_note *note)
{
    if (types_library_find(library, note->value))
        return;
    const char *near = types_library_suggest(library, note->value);
    const char *guess = near ? graph_format(graph, " (did you mean \"%s\"?)", near) : "";
    finding_add(graph, type_severity(graph), true, note->place, NULL, "node \"%s\": unknown type \"%s\" on %s \"%s\"%s",
                graph->nodes[note->node].id, note->value, note->kind == TYPES_NOTE_INPUT ? "input" : "output",
                note->port, guess);
}

static void check_pattern(struct graph *graph, const struct types_note *note)
{
    static const char *const patterns[] = {"service-server", "service-client", "action-server", "action-client"};
    enum { COUNT = sizeof patterns / sizeof *patterns };
    for (int i = 0; i < COUNT; i++)
        if (strcmp(patterns[i], note->value) == 0)
            return;
    const char *near = suggest(note->value, patterns, COUNT);
    const char *hint = near ? graph_format(graph, "did you mean `%s`?", near) : NULL;
    finding_add(graph, type_severity(graph), true, note->place, hint,
                "node \"%s\": unknown pattern \"%s\", expected one of: %s, %s, %s, %s", graph->nodes[note->node].id,
                note->value, patterns[0], patterns[1], patterns[2], patterns[3]);
}

static bool same_port(const struct types_note *a, const struct types_note *b)
{
    return a->kind == b->kind && a->node == b->node && a->port && b->port && strcmp(a->port, b->port) == 0;
}

int types_check_notes(struct graph *graph, const struct types_note *notes, size_t note_count)
{
    if (!note_count)
        return 0;
    struct types_library library;
    int result = types_library_load(&library, graph, false);
    if (result < 0)
        return result;
    for (size_t i = 0; i < note_count; i++) {
        const struct types_note *note = &notes[i];
        if (note->kind == TYPES_NOTE_PATTERN) {
            check_pattern(graph, note);
            continue;
        }
        if (i == 0 || !same_port(note, &notes[i - 1])) /* once for all metadata keys of a port */
            check_port(graph, note);
        if (note->kind != TYPES_NOTE_METADATA)
            check_known(graph, &library, note);
    }
    return graph->private->out_of_memory ? -ENOMEM : 0;
}

static void check_rules(struct graph *graph, const struct types_library *library)
{
    const struct graph_type_rule *rules = graph->type_rules;
    for (size_t i = 0; i < graph->type_rule_count; i++) {
        const char *ends[] = {rules[i].from, rules[i].to};
        for (int end = 0; end < 2; end++) {
            if (types_library_find(library, ends[end]))
                continue;
            const char *near = types_library_suggest(library, ends[end]);
            const char *guess = near ? graph_format(graph, " (did you mean \"%s\"?)", near) : "";
            finding_add(graph, type_severity(graph), true, rules[i].place, NULL, "type_rules: unknown type \"%s\"%s",
                        ends[end], guess);
        }
    }
}

/* The rules of a dataflow behind those of the library, and room to search them. */
struct conversions {
    const struct graph_type_rule *user;
    size_t count;         /* of all */
    unsigned char *steps; /* of each rule: after how many conversions it was reached; 0 for not yet */
};

static const struct graph_type_rule *conversion(const struct conversions *conversions, size_t i)
{
    return i < WIDENING_COUNT ? &widening[i] : &conversions->user[i - WIDENING_COUNT];
}

/* Can rule `i` be the `step`-th on the way from `from`? */
static bool follows(const struct conversions *conversions, size_t i, int step, const char *from)
{
    const char *needs = conversion(conversions, i)->from;
    if (step == 1)
        return types_urn_matches(from, needs);
    for (size_t j = 0; j < conversions->count; j++)
        if (conversions->steps[j] == step - 1 && types_urn_matches(conversion(conversions, j)->to, needs))
            return true;
    return false;
}

static bool compatible(const struct conversions *conversions, const char *from, const char *to)
{
    if (types_urn_matches(from, to) || types_urn_matches(BYTES, to))
        return true;
    memset(conversions->steps, 0, conversions->count);
    for (int step = 1; step <= CONVERSIONS_MAX; step++) {
        for (size_t i = 0; i < conversions->count; i++) {
            if (conversions->steps[i] || !follows(conversions, i, step, from))
                continue;
            conversions->steps[i] = (unsigned char)step;
            if (types_urn_matches(conversion(conversions, i)->to, to))
                return true;
        }
    }
    return false;
}

static const char *output_type(const struct graph *graph, const struct graph_input *input)
{
    const struct graph_node *node = &graph->nodes[input->source_node];
    for (size_t i = 0; i < node->output_count; i++)
        if (strcmp(node->outputs[i].id, input->source_output) == 0)
            return node->outputs[i].type;
    return NULL;
}

static bool is_known(const struct types_library *library, const char *urn)
{
    return !urn || types_library_find(library, urn);
}

static void check_input(struct graph *graph, const struct types_library *library, const struct conversions *conversions,
                        const struct graph_node *node, const struct graph_input *input)
{
    if (input->kind == GRAPH_INPUT_LOGS || !is_known(library, input->type))
        return;
    if (input->kind == GRAPH_INPUT_TIMER) {
        if (input->type && !compatible(conversions, TIMER, input->type))
            finding_add(graph, type_severity(graph), true, input->place, NULL,
                        "node \"%s\": type mismatch on input \"%s\": timer provides \"%s\", but expected \"%s\"",
                        node->id, input->id, TIMER, input->type);
        return;
    }
    if (input->source_node >= graph->node_count || !input->source_output)
        return;
    const char *from = output_type(graph, input);
    if (!is_known(library, from))
        return;
    if (from && !input->type)
        finding_add(graph, GRAPH_NOTE, true, input->place, NULL,
                    "node \"%s\": input \"%s\" inferred as \"%s\" from upstream %s/%s", node->id, input->id, from,
                    input->source, input->source_output);
    else if (from && !compatible(conversions, from, input->type))
        finding_add(graph, type_severity(graph), true, input->place, NULL,
                    "node \"%s\": type mismatch on input \"%s\": upstream %s/%s declares \"%s\", but expected \"%s\"",
                    node->id, input->id, input->source, input->source_output, from, input->type);
    else if (!from && input->type && graph->strict_types)
        finding_add(graph, type_severity(graph), true, input->place,
                    "give the output a type under `output_types`, or take the input's away",
                    "node \"%s\": input \"%s\" expects type \"%s\" but upstream %s/%s has no type annotation", node->id,
                    input->id, input->type, input->source, input->source_output);
}

int types_check(struct graph *graph)
{
    struct types_library library;
    int result = types_library_load(&library, graph, true);
    if (result < 0)
        return result;
    check_rules(graph, &library);
    autofree unsigned char *steps = calloc(WIDENING_COUNT + graph->type_rule_count, 1);
    if (!steps)
        return -ENOMEM;
    struct conversions conversions = {
        .user = graph->type_rules, .count = WIDENING_COUNT + graph->type_rule_count, .steps = steps};
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++)
            check_input(graph, &library, &conversions, &graph->nodes[n], &graph->nodes[n].inputs[i]);
    return graph->private->out_of_memory ? -ENOMEM : 0;
}
