#include "graph/draft.h"

#include <string.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/";

const char *id_node_fault(const char *id)
{
    if (!*id)
        return "an id can't be empty";
    if (*id == '.')
        return "a node's id can't start with `.`";
    if (strcmp(id, "dora") == 0)
        return "`dora` is reserved for dora's own inputs, such as timers";
    if (strspn(id, letters) != strlen(id) || strchr(id, '/'))
        return "only letters, digits, `_`, `.` and `-` can stand in a node's id";
    return NULL;
}

const char *id_port_fault(const char *id)
{
    if (!*id)
        return "an id can't be empty";
    if (strspn(id, letters) != strlen(id))
        return "only letters, digits, `_`, `.`, `-` and `/` can stand in the id of an input or output";
    if (*id == '/' || id[strlen(id) - 1] == '/' || strstr(id, "//"))
        return "something must stand before, between and behind the `/` of an id";
    return NULL;
}

const char *id_within(const char *port, const char *operator)
{
    size_t len = strlen(operator);
    return port && strncmp(port, operator, len) == 0 && port[len] == '/' ? port + len + 1 : NULL;
}
