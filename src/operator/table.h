/* What an operator and its host agree upon: Input_t and SendOutput_t's env_ptr begin with a `struct operator_face`,
 * through which libdora_operator_api_c.a, a copy of which is in each operator, calls its host. So an operator has no
 * undefined symbols and fits every later host.
 *
 * Versions: a table only ever grows at its end. Whoever calls a function that wasn't there from the beginning looks at
 * `size` first. */
#ifndef OPERATOR_TABLE_H
#define OPERATOR_TABLE_H

#include "dora/operator.h"

/* The first word of what a host of dora-rs has there is a pointer, which this isn't on any machine. */
#define OPERATOR_MAGIC UINT64_C(0xd07a09e7a707ab1e)

struct operator_table {
    size_t size; /* of this struct, as the host knows it */
    char *(*read_id)(const Input_t *input);
    Vec_uint8_t (*read_data)(Input_t *input);
    const dora_event *(*event)(const Input_t *input);
    DoraResult_t (*send)(void *env, const char *id, const uint8_t *data, size_t size);
    dora_node *(*node)(void *env);
    const dora_event *(*current)(void *env); /* NULL: a Stop that isn't an event of the node's */
    const void *(*data)(const Input_t *input, size_t *size, const char **format);
};

struct operator_face {
    uint64_t magic;
    const struct operator_table *table;
};

#endif
