/* What a host is told to run: the text of DORA_RUNTIME_CONFIG, as docs/operators.md has it. */
#ifndef OPERATOR_CONFIG_H
#define OPERATOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define HOST_CONFIG_ENV "DORA_RUNTIME_CONFIG"

struct operator_config {
    const char *id;     /* within its host; its node's, where it is alone and has none of its own */
    const char *thread; /* operators of the same one run on it, in this order */
    const char *file;   /* a shared library or a Python file, absolute */
    const char *connect;
    bool is_python;
};

struct host_config {
    const char *node;
    struct operator_config *operators;
    size_t count; /* at least 1 */
    char *text;   /* that all of it points into */
};

/* -EINVAL: it isn't what a daemon of this version says. */
int host_config_read(struct host_config *config, const char *text, struct error *error);
void host_config_free(struct host_config *config);

#endif
