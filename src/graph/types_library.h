/* The types that ports may name: those built in, and the user's. */
#ifndef GRAPH_TYPES_LIBRARY_H
#define GRAPH_TYPES_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>

#include "graph/graph.h"

struct types_field {
    const char *name;
    const char *type; /* an Arrow type, List<…>, a URN, or a name that only one type of the library bears */
    bool required;    /* holds no nulls */
};

struct types_param {
    const char *name, *standard; /* the value that counts where none is given, or NULL */
};

struct types_metadata {
    const char *key, *description;
};

struct types_type {
    const char *urn;   /* without parameters */
    const char *arrow; /* the Arrow type, such as "Float32" or "Struct" */
    const char *description;
    const struct types_param *params;
    size_t param_count;
    const struct types_field *fields; /* of a Struct */
    size_t field_count;
    const struct types_metadata *metadata; /* parameters of a message that go with this type */
    size_t metadata_count;
};

extern const struct types_type types_std[];
extern const size_t types_std_count;

/* All types of a dataflow; the memory is the graph's. */
struct types_library {
    struct types_type *user;
    size_t user_count;
};

/* Reads the user's types from the folder `types` beside the dataflow, all .yml and .yaml files up to eight folders
 * deep. What is wrong with them becomes findings if `report` is set. 0 or -ENOMEM. */
int types_library_load(struct types_library *library, struct graph *graph, bool report);

/* The type a URN names, whatever its parameters, or NULL. */
const struct types_type *types_library_find(const struct types_library *library, const char *urn);

/* The type that is the only one with this name (the last part of a URN), or NULL. */
const struct types_type *types_library_find_name(const struct types_library *library, const char *name);

/* The URN that was probably meant, or NULL. */
const char *types_library_suggest(const struct types_library *library, const char *urn);

/* Does this name a type of Arrow? */
bool types_is_arrow(const char *name);

/* How much of a URN stands before its parameters. */
size_t types_urn_base(const char *urn);

/* Do two URNs name the same type, without a parameter on which they disagree? */
bool types_urn_matches(const char *a, const char *b);

#endif
