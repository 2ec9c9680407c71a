#include "graph/draft.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "graph/findings.h"

struct place_of_input {
    struct load *load;
    struct graph_place place;
    const char *label;
};

static bool fault(const struct place_of_input *at, const char *hint, const char *message)
{
    finding_add(at->load->graph, GRAPH_ERROR, false, at->place, hint, "%s: %s", at->label, message);
    return false;
}

static bool timer(const struct place_of_input *at, struct graph_input *input, const char *spec)
{
    static const char *const units[] = {"secs", "millis", "micros", "nanos", "hz"};
    static const uint64_t factors[] = {1000000000, 1000000, 1000, 1};
    struct graph *graph = at->load->graph;
    const char *slash = strchr(spec, '/');
    if (!slash || strchr(slash + 1, '/') || !slash[1])
        return fault(at, "write `dora/timer/<unit>/<n>`, as in `dora/timer/millis/100`",
                     "a timer needs a unit and a number");
    const char *unit = graph_text_n(graph, spec, (size_t)(slash - spec)), *text = slash + 1;
    size_t i = 0;
    while (i < 5 && strcmp(unit, units[i]) != 0)
        i++;
    if (i == 5)
        return fault(
            at, keys_suggest(graph, unit, units, 5),
            graph_format(graph, "a timer's unit must be `secs`, `millis`, `micros`, `nanos` or `hz`, not `%s`", unit));
    struct tree scalar = {.kind = TREE_SCALAR, .plain = true, .text = text};
    int64_t n;
    double hz;
    input->kind = GRAPH_INPUT_TIMER;
    if (i == 4) {
        if (!tree_number(&scalar, &hz) || !isfinite(hz) || hz <= 0)
            return fault(at, NULL, graph_format(graph, "hz must be a number above 0, not `%s`", text));
        double interval = 1e9 / hz;
        if (interval < 0.5 || interval > 9e18)
            return fault(at, NULL, graph_format(graph, "a timer can't tick at %s hz", text));
        input->interval_ns = llround(interval);
        return true;
    }
    if (*text == '-' || !tree_int(&scalar, &n))
        return fault(at, NULL, graph_format(graph, "%s must be a whole number, not `%s`", unit, text));
    if (n == 0 || (uint64_t)n > INT64_MAX / factors[i])
        return fault(at, NULL, n == 0 ? "a timer's interval can't be 0" : "a timer's interval is too long");
    input->interval_ns = n * (int64_t)factors[i];
    return true;
}

static bool logs(const struct place_of_input *at, struct graph_input *input, const char *spec)
{
    struct graph *graph = at->load->graph;
    input->kind = GRAPH_INPUT_LOGS;
    input->log_level = GRAPH_LOG_UNSET;
    if (keys_logs_input_later)
        finding_add(graph, GRAPH_WARNING, false, at->place, NULL, "%s: `dora/logs` has no effect yet in this version",
                    at->label);
    if (!*spec)
        return true;
    const char *slash = strchr(spec, '/');
    const char *level = slash ? graph_text_n(graph, spec, (size_t)(slash - spec)) : spec;
    input->log_level = graph_log_level_parse(level);
    if (input->log_level == GRAPH_LOG_UNSET)
        return fault(at, NULL,
                     graph_format(graph,
                                  "a log level must be one of `error`, `warn`, `info`, `debug`, `trace`, "
                                  "`stdout`, not `%s`",
                                  level));
    if (!slash)
        return true;
    const char *why = id_node_fault(slash + 1);
    input->log_node = slash + 1;
    return !why || fault(at, NULL, graph_format(graph, "`%s`: %s", slash + 1, why));
}

static bool builtin(const struct place_of_input *at, struct graph_input *input, const char *rest)
{
    static const char *const names[] = {"timer", "logs"};
    struct graph *graph = at->load->graph;
    size_t len = strcspn(rest, "/");
    const char *name = graph_text_n(graph, rest, len), *spec = rest + len + (rest[len] == '/');
    if (strcmp(name, "timer") == 0)
        return timer(at, input, spec);
    if (strcmp(name, "logs") == 0)
        return logs(at, input, spec);
    const char *near = keys_suggest(graph, name, names, 2);
    return fault(at, near ? near : "dora has `dora/timer/<unit>/<n>` and `dora/logs`",
                 graph_format(graph, "unknown dora input `%s`", name));
}

static bool output_of_node(const struct place_of_input *at, struct graph_input *input, const char *text)
{
    struct graph *graph = at->load->graph;
    const char *slash = strchr(text, '/'), *why;
    if (!slash)
        return fault(at, "write `<node>/<output>`", graph_format(graph, "`%s` names no output", text));
    input->kind = GRAPH_INPUT_NODE;
    input->source = graph_text_n(graph, text, (size_t)(slash - text));
    input->source_output = slash + 1;
    if ((why = id_node_fault(input->source)))
        return fault(at, NULL, graph_format(graph, "`%s` before the `/`: %s", input->source, why));
    if ((why = id_port_fault(input->source_output)))
        return fault(at, NULL, graph_format(graph, "`%s` behind the first `/`: %s", input->source_output, why));
    return true;
}

void input_source(struct load *load, struct draft_input *input, const struct tree *source, const char *label)
{
    struct place_of_input at = {load, source->place, label};
    const char *text = keys_text(load->graph, source, label);
    input->source_place = source->place;
    if (!text)
        input->broken = true;
    else if (strncmp(text, "dora/", 5) == 0)
        input->broken = !builtin(&at, &input->in, text + 5);
    else
        input->broken = !output_of_node(&at, &input->in, text);
}
