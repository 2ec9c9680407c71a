#include <strings.h>

#include "graph/graph.h"

static const char *const names[] = {"error", "warn", "info", "debug", "trace", "stdout"};

const char *graph_log_level_name(enum graph_log_level level)
{
    return (unsigned)level < sizeof names / sizeof *names ? names[level] : NULL;
}

enum graph_log_level graph_log_level_parse(const char *name)
{
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], name) == 0)
            return (enum graph_log_level)i;
    return GRAPH_LOG_UNSET;
}
