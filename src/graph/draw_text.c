#include "graph/draw_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"

void draw_interval(struct buf *out, int64_t ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"s", CLOCK_SECOND}, {"ms", CLOCK_MILLI}, {"µs", 1000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ns % units[i].ns == 0) {
            buf_printf(out, "%" PRId64 " %s", ns / units[i].ns, units[i].name);
            return;
        }
    }
    if (ns > CLOCK_MILLI)
        buf_printf(out, "%.3f ms", (double)ns / (double)CLOCK_MILLI);
    else
        buf_printf(out, "%" PRId64 " ns", ns);
}

void draw_source(struct buf *out, const struct graph_input *input)
{
    if (input->kind == GRAPH_INPUT_TIMER) {
        buf_puts(out, "timer ");
        draw_interval(out, input->interval_ns);
        return;
    }
    buf_puts(out, "logs");
    if (input->log_node)
        buf_printf(out, " of %s", input->log_node);
    if (input->log_level != GRAPH_LOG_UNSET)
        buf_printf(out, " from %s on", graph_log_level_name(input->log_level));
}

void draw_edge_label(struct buf *out, const struct graph_input *input)
{
    if (strcmp(input->source_output, input->id) == 0)
        buf_puts(out, input->id);
    else
        buf_printf(out, "%s → %s", input->source_output, input->id);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool draw_same_source(const struct graph_input *a, const struct graph_input *b)
{
    if (a->kind != b->kind || a->kind == GRAPH_INPUT_NODE)
        return false;
    if (a->kind == GRAPH_INPUT_TIMER)
        return a->interval_ns == b->interval_ns;
    return a->log_level == b->log_level && same_text(a->log_node, b->log_node);
}

void draw_what_runs(struct buf *out, const struct graph_node *node)
{
    if (node->kind == GRAPH_NODE_STANDARD && node->path) {
        const char *slash = strrchr(node->path, '/');
        buf_puts(out, slash && slash[1] ? slash + 1 : node->path);
    } else if (node->kind == GRAPH_NODE_OPERATORS) {
        for (size_t i = 0; i < node->operator_count; i++)
            buf_printf(out, "%s%s", i ? ", " : "operators: ", node->operators[i].id);
    } else {
        buf_puts(out, draw_kind(node->kind));
    }
}

const char *draw_kind(enum graph_node_kind kind)
{
    static const char *const names[] = {"standard", "dynamic", "shell", "operators", "ros2"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : names[0];
}
