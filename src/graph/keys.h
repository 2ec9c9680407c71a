/* The keys of a descriptor, one table a mapping. The parser, its messages and the JSON schema for editors all read
 * these tables, so a key is described once. */
#ifndef GRAPH_KEYS_H
#define GRAPH_KEYS_H

#include "graph/tree.h"

/* What stands at a key, and what keys_read() stores at `offset` in its target. Shapes that hold more than one value are
 * stored as they stand (const struct tree *), for the caller to go through. */
enum key_type {
    KEY_TEXT,     /* const char *; any scalar but null */
    KEY_BOOL,     /* bool */
    KEY_UINT32,   /* uint32_t */
    KEY_UINT64,   /* uint64_t */
    KEY_NUMBER,   /* checked, not stored */
    KEY_SECONDS,  /* int64_t, ns; finite and >= 0 */
    KEY_INTERVAL, /* int64_t, ns; finite and > 0 */
    KEY_BYTES,    /* uint64_t; a number, or a text with a unit */
    KEY_CHOICE,   /* unsigned: index into `choices` */
    KEY_LEVEL,    /* enum graph_log_level; any case */

    KEY_TEXTS,       /* a text, or a list of them */
    KEY_IDS,         /* list of output ids */
    KEY_CORES,       /* list of numbers >= 0 */
    KEY_TEXT_MAP,    /* name → text */
    KEY_TEXTS_MAP,   /* name → list of texts */
    KEY_ENV,         /* name → bool, number or text */
    KEY_INPUTS,      /* input id → source, or a mapping by `table` */
    KEY_FRAMING_MAP, /* output id → one of `choices` */
    KEY_BLOCK,       /* mapping by `table` */
    KEY_BLOCKS,      /* list of mappings by `table` */
    KEY_PYTHON,      /* text, or a mapping by `table` */
};

/* Kinds of nodes that may have a key; a node's kind follows from which of path, operator(s), ros2 and module it has. */
enum {
    ON_STANDARD = 1,
    ON_OPERATORS = 2,
    ON_ROS2 = 4,
    ON_MODULE = 8,
    ON_PROCESS = ON_STANDARD | ON_ROS2,
    ON_ALL = 15,
};

enum {
    KEY_REQUIRED = 1,
    KEY_LATER = 2, /* known, but this version does not act on it: to be warned about */
};

struct key {
    const char *name;
    enum key_type type;
    unsigned kinds; /* ON_…; 0 outside nodes */
    unsigned flags; /* KEY_… */
    size_t offset;
    const char *const *choices; /* ends with NULL; for KEY_TEXT: allowed texts, if not NULL */
    const struct key_table *table;
    const char *description;
};

/* A spelling of dora 0.x, and what to write today. */
struct key_old {
    const char *name, *hint;
};

enum {
    TABLE_OPEN = 1,        /* dora ignores unknown keys here: a warning, not an error */
    TABLE_NEEDS_FIRST = 2, /* the first key is required, though not in another table with the same keys */
};

struct key_table {
    const char *name; /* of its definition in the JSON schema */
    const char *what; /* "a node", for messages */
    const struct key *keys;
    size_t count;
    const struct key_old *old; /* ends with a NULL name; may be NULL */
    unsigned flags;            /* TABLE_… */
};

enum { KEYS_MAX = 48 }; /* no table has more */

extern const struct key_table keys_dataflow, keys_debug, keys_type_rule, keys_node, keys_deploy, keys_input,
    keys_operator, keys_single_operator, keys_python, keys_ros2, keys_ros2_topic, keys_ros2_qos, keys_ros2_transport,
    keys_module_file, keys_module_header;

/* Values, rather than keys, that are not acted on yet; each switches its warning off by one word in keys.c. */
extern const bool keys_url_path_later, keys_logs_input_later;

/* Whether a mapping by this table must have the key. */
bool key_is_required(const struct key_table *table, const struct key *key);

/* What was written at each key of a table, right or wrong; NULL where the key is absent or null. `is_meant`: a misspelt
 * key, which was reported, is probably this one, so that nobody need miss it. */
struct keys_given {
    const struct tree *value[KEYS_MAX];
    bool is_meant[KEYS_MAX];
};

/* Reads the mapping `tree` by `table` into `target` (NULL: check only): unknown, old and missing keys, types of values,
 * warnings about keys not acted on yet (unless `quiet`). Values that are absent, null or wrong leave `target` as it
 * was. False if `tree` is not a mapping at all, which is then reported too. `given` may be NULL. */
bool keys_read(struct graph *graph, const struct tree *tree, const struct key_table *table, void *target,
               struct keys_given *given, bool quiet);

/* What was written at key `name` of `table`, which must have it. */
const struct tree *keys_given(const struct keys_given *given, const struct key_table *table, const char *name);
bool keys_is_meant(const struct keys_given *given, const struct key_table *table, const char *name);

/* The text of a scalar; NULL, with a finding that names `what`, if it is none. */
const char *keys_text(struct graph *graph, const struct tree *tree, const char *what);

/* Whether `tree` is a list, or a mapping; a finding that names `what` if not. */
bool keys_is(struct graph *graph, const struct tree *tree, enum tree_kind kind, const char *what);

/* "did you mean `x`?" in memory of the graph, or NULL where nothing is near. */
const char *keys_suggest(struct graph *graph, const char *name, const char *const *candidates, size_t count);

#endif
