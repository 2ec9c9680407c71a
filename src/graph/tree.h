/* A YAML document as a tree whose every value knows its place.
 *
 * Scalars follow the core schema of YAML 1.2 (`yes`, `on` and `0755` are texts). Anchors and aliases work; an alias
 * shares the value it names, and the document as a whole is bounded in depth and in the number of values with aliases
 * counted as often as they are used. Mappings have scalar keys, and no key twice. Texts hold no NUL.
 */
#ifndef GRAPH_TREE_H
#define GRAPH_TREE_H

#include "graph/model.h"

enum { TREE_DEPTH_MAX = 64, TREE_VALUES_MAX = 200000 };

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_pair {
    struct tree *key, *value;
};

struct tree {
    enum tree_kind kind;
    bool plain; /* a scalar without quotes, so one that may be null, a bool or a number */
    uint16_t height;
    uint32_t values; /* this one and all in it */
    struct graph_place place;
    const char *text; /* SCALAR */
    union {
        struct tree **items;     /* LIST */
        struct tree_pair *pairs; /* MAP, in the order written */
    };
    size_t count; /* 0 for a scalar */
};

/* Reads the one document in `file`. NULL when there is none: an empty file or a fault, which is then among the
 * findings. */
struct tree *tree_read(struct graph *graph, const struct graph_file *file);

/* "a mapping", "a list", "the text `x`", … for messages; long texts are cut. Valid until the next call in the same
 * thread. */
const char *tree_describe(const struct tree *tree);

bool tree_is_null(const struct tree *tree);
bool tree_bool(const struct tree *tree, bool *value);
bool tree_int(const struct tree *tree, int64_t *value);
bool tree_number(const struct tree *tree, double *value); /* integers too */

/* A number as Rust prints it, which is what dora hands to nodes: shortest, never with an exponent. */
const char *tree_number_text(struct graph *graph, double value);

#endif
