#include "graph/draft.h"

#include <stdlib.h>
#include <string.h>

#include "graph/findings.h"

static void read_input(struct load *load, struct draft *draft, const char *prefix, const struct tree_pair *pair)
{
    struct graph *graph = load->graph;
    const char *id = graph_format(graph, "%s%s", prefix, pair->key->text), *why = id_port_fault(id);
    const char *label = graph_format(graph, "input `%s/%s`", draft->node.id, id);
    struct draft_input *input = graph_push(graph, draft->ins, &draft->in_count);
    if (!input)
        return;
    input->in.id = id;
    input->in.place = pair->key->place;
    if (why)
        finding_add(graph, GRAPH_ERROR, false, pair->key->place, NULL, "%s: %s", label, why);
    if (pair->value->kind == TREE_SCALAR) {
        input_source(load, input, pair->value, label);
        return;
    }
    struct keys_given given = {0};
    input->broken = true;
    if (pair->value->kind == TREE_LIST) {
        finding_add(graph, GRAPH_ERROR, false, pair->value->place, NULL,
                    "%s must be `<node>/<output>` or a mapping with `source`, not a list", label);
        return;
    }
    keys_read(graph, pair->value, &keys_input, input, &given, false);
    const struct tree *source = keys_given(&given, &keys_input, "source");
    if (source && source->kind == TREE_SCALAR) /* else it is reported */
        input_source(load, input, source, label);
    input->policy_given = keys_given(&given, &keys_input, "queue_policy");
    input->timeout_given = keys_given(&given, &keys_input, "input_timeout");
    /* dora takes 0 for 1. */
    if (keys_given(&given, &keys_input, "queue_size") && input->in.queue_size == 0)
        input->in.queue_size = 1;
}

static void read_outputs(struct load *load, struct draft *draft, const char *prefix, const struct tree *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *text = keys_text(load->graph, list->items[i], "an output");
        if (!text)
            continue;
        const char *id = graph_format(load->graph, "%s%s", prefix, text), *why = id_port_fault(id);
        struct graph_output *output = graph_push(load->graph, draft->outs, &draft->out_count);
        if (output)
            *output = (struct graph_output){.id = id, .place = list->items[i]->place};
        if (why)
            finding_add(load->graph, GRAPH_ERROR, false, list->items[i]->place, NULL, "output `%s/%s`: %s",
                        draft->node.id, id, why);
    }
}

static void note(struct load *load, const struct draft *draft, enum types_note_kind kind, const char *port,
                 const char *value, struct graph_place place)
{
    struct types_note *slot = graph_push(load->graph, load->notes, &load->note_count);
    if (slot)
        *slot = (struct types_note){kind, draft->index, port, value, place};
}

static void read_types(struct load *load, const struct draft *draft, const char *prefix, const struct tree *types,
                       enum types_note_kind kind)
{
    for (size_t i = 0; types && i < types->count; i++) {
        const struct tree *value = types->pairs[i].value;
        const char *type = keys_text(load->graph, value, "a type");
        if (type)
            note(load, draft, kind, graph_format(load->graph, "%s%s", prefix, types->pairs[i].key->text), type,
                 value->place);
    }
}

static void read_metadata(struct load *load, const struct draft *draft, const char *prefix, const struct tree *map)
{
    for (size_t i = 0; map && i < map->count; i++) {
        const struct tree *list = map->pairs[i].value;
        const char *port = graph_format(load->graph, "%s%s", prefix, map->pairs[i].key->text);
        if (!keys_is(load->graph, list, TREE_LIST, "an entry of `output_metadata`"))
            continue;
        if (list->count == 0)
            note(load, draft, TYPES_NOTE_METADATA, port, NULL, map->pairs[i].key->place);
        for (size_t k = 0; k < list->count; k++) {
            const char *key = keys_text(load->graph, list->items[k], "a key in `output_metadata`");
            if (key)
                note(load, draft, TYPES_NOTE_METADATA, port, key, list->items[k]->place);
        }
    }
}

static void check_framing(struct load *load, const struct tree *map)
{
    for (size_t i = 0; map && i < map->count; i++) {
        const struct tree *value = map->pairs[i].value;
        if (value->kind != TREE_SCALAR || (strcmp(value->text, "raw") != 0 && strcmp(value->text, "arrow-ipc") != 0))
            finding_add(load->graph, GRAPH_ERROR, false, value->place, NULL,
                        "an entry of `output_framing` must be `raw` or `arrow-ipc`, not %s", tree_describe(value));
    }
}

void ports_read(struct load *load, struct draft *draft, const char *prefix, const struct ports *ports)
{
    for (size_t i = 0; ports->inputs && i < ports->inputs->count; i++)
        read_input(load, draft, prefix, &ports->inputs->pairs[i]);
    if (ports->outputs)
        read_outputs(load, draft, prefix, ports->outputs);
    check_framing(load, ports->output_framing);
    if (draft->is_module)
        return;
    read_types(load, draft, prefix, ports->output_types, TYPES_NOTE_OUTPUT);
    read_types(load, draft, prefix, ports->input_types, TYPES_NOTE_INPUT);
    read_metadata(load, draft, prefix, ports->output_metadata);
    if (ports->pattern)
        note(load, draft, TYPES_NOTE_PATTERN, NULL, ports->pattern, ports->pattern_place);
}

static int by_in_id(const void *left, const void *right)
{
    return strcmp(((const struct draft_input *)left)->in.id, ((const struct draft_input *)right)->in.id);
}

static int by_out_id(const void *left, const void *right)
{
    return strcmp(((const struct graph_output *)left)->id, ((const struct graph_output *)right)->id);
}

struct draft_input *ports_find_in(const struct draft *draft, const char *id)
{
    struct draft_input key = {.in.id = id};
    return draft->in_count ? bsearch(&key, draft->ins, draft->in_count, sizeof key, by_in_id) : NULL;
}

struct graph_output *ports_find_out(const struct draft *draft, const char *id)
{
    struct graph_output key = {.id = id};
    return draft->out_count ? bsearch(&key, draft->outs, draft->out_count, sizeof key, by_out_id) : NULL;
}

void ports_finish(struct load *load, struct draft *draft, size_t first_note)
{
    if (draft->in_count)
        qsort(draft->ins, draft->in_count, sizeof *draft->ins, by_in_id);
    if (draft->out_count)
        qsort(draft->outs, draft->out_count, sizeof *draft->outs, by_out_id);
    size_t kept = 0; /* an output that is listed twice is one output */
    for (size_t i = 0; i < draft->out_count; i++)
        if (i == 0 || by_out_id(&draft->outs[kept - 1], &draft->outs[i]) != 0)
            draft->outs[kept++] = draft->outs[i];
    draft->out_count = kept;

    for (size_t i = first_note; i < load->note_count; i++) {
        const struct types_note *said = &load->notes[i];
        struct draft_input *input = said->kind == TYPES_NOTE_INPUT ? ports_find_in(draft, said->port) : NULL;
        struct graph_output *output = said->kind == TYPES_NOTE_OUTPUT || said->kind == TYPES_NOTE_METADATA
                                          ? ports_find_out(draft, said->port)
                                          : NULL;
        if (input) {
            input->in.type = said->value;
            input->in.type_place = said->place;
        } else if (output && said->kind == TYPES_NOTE_OUTPUT) {
            output->type = said->value;
            output->type_place = said->place;
        } else if (output && said->value) {
            const char **key = graph_push(load->graph, output->metadata, &output->metadata_count);
            if (key)
                *key = said->value;
            output->metadata_place = said->place;
        }
    }
}
