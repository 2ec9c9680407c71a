/* Values on the command line, in dora's spellings. */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* `30` (seconds), `500ms`, `30s`, `5m`, `1h`, `2d`, and sums as `1h30m`, in nanoseconds. 0 or -EINVAL. */
int value_duration(const char *text, int64_t *ns, struct error *error);

/* `true`, `false`; and "", the value of an option given bare, as true. 0 or -EINVAL. */
int value_bool(const char *text, bool *value, struct error *error);

struct pair {
    char *key, *value;
};

struct pairs {
    struct pair *items;
    size_t count;
};

/* Adds KEY=VALUE; with a `separator`, a list of them (`a=1,b=2`; empty items are skipped). The value is what stands
 * behind the first `=` and may be empty, the key may not. 0, -EINVAL or -ENOMEM; what was added before stays. */
int pairs_add(struct pairs *pairs, const char *text, char separator, struct error *error);
void pairs_free(struct pairs *pairs);

#endif
