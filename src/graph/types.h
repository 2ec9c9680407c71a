/* Types of ports: the library, the user's own types, and whether what flows along an edge is what its reader expects.
 *
 * A type is named by a URN, `std/media/v1/Image` or `std/media/v1/AudioFrame[sample_type=f32]`. The names under `std/`
 * are built in; the user's stand in `types/<dirs>/<stem>.yml` beside the dataflow, as `<dirs>/<stem>/<Name>`.
 *
 * All findings go to the graph and carry `is_type`; they are warnings, and errors with graph->strict_types. What an
 * untyped input receives from a typed output is reported as GRAPH_NOTE.
 */
#ifndef GRAPH_TYPES_H
#define GRAPH_TYPES_H

#include "graph/graph.h"

enum types_note_kind {
    TYPES_NOTE_OUTPUT,   /* output_types:    port, value = URN */
    TYPES_NOTE_INPUT,    /* input_types:     port, value = URN */
    TYPES_NOTE_METADATA, /* output_metadata: port, value = one key, or NULL for an empty list */
    TYPES_NOTE_PATTERN,  /* pattern:         value; port is NULL */
};

/* One thing a node says about types, as it stands in the descriptor. `port` is spelled as in graph_input.id and
 * graph_output.id, so with "<operator>/" in front for an operator's. */
struct types_note {
    enum types_note_kind kind;
    size_t node; /* index into graph->nodes */
    const char *port, *value;
    struct graph_place place;
};

/* Checks that every note names a port of its node, a known type, a known pattern. Texts are copied into findings.
 * Call it with all notes of the graph at once. 0 or -ENOMEM. */
int types_check_notes(struct graph *graph, const struct types_note *notes, size_t note_count);

/* Checks every edge, with the rules of the library and of the dataflow and the user's types, and that rules name known
 * types. Reads the `type` of the graph's inputs and outputs; an unknown type is left to types_check_notes and matches
 * anything. 0 or -ENOMEM. */
int types_check(struct graph *graph);

#endif
