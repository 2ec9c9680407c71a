#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "graph/draw.h"
#include "graph/draw_text.h"

static void label(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\"#<>&`", *text))
            buf_printf(out, "#%d;", *text);
        else
            buf_putc(out, iscntrl((unsigned char)*text) ? ' ' : *text);
    }
}

/* A node's id stands for itself where Mermaid can't take it for something else. */
static bool is_safe(const char *id)
{
    static const char *const words[] = {"end",   "graph",    "flowchart", "subgraph",  "direction", "style", "click",
                                        "class", "classDef", "default",   "linkStyle", "call",      "href"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(words[i], id) == 0)
            return false;
    if (!isalpha((unsigned char)*id) || strstr(id, "--") || id[strlen(id) - 1] == '-')
        return false;
    for (; *id; id++)
        if (!isalnum((unsigned char)*id) && *id != '_' && *id != '-')
            return false;
    return true;
}

static void node_id(struct buf *out, const struct graph *graph, size_t node)
{
    if (is_safe(graph->nodes[node].id))
        buf_puts(out, graph->nodes[node].id);
    else
        buf_printf(out, "_%zu", node); /* safe ids begin with a letter */
}

static void draw_node(struct buf *out, const struct graph *graph, size_t index)
{
    static const char *const shapes[][2] = {
        [GRAPH_NODE_STANDARD] = {"[\"", "\"]"}, [GRAPH_NODE_DYNAMIC] = {"([\"", "\"])"},
        [GRAPH_NODE_SHELL] = {"[/\"", "\"/]"},  [GRAPH_NODE_OPERATORS] = {"[[\"", "\"]]"},
        [GRAPH_NODE_ROS2] = {"{{\"", "\"}}"},
    };
    const struct graph_node *node = &graph->nodes[index];
    buf_puts(out, "  ");
    node_id(out, graph, index);
    buf_puts(out, shapes[node->kind][0]);
    label(out, node->id);
    if (node->kind == GRAPH_NODE_OPERATORS) {
        autobuf struct buf operators = {0};
        draw_what_runs(&operators, node);
        buf_puts(out, "<br/>");
        label(out, operators.data ? operators.data : "");
    }
    buf_printf(out, "%s\n", shapes[node->kind][1]);
}

/* The first input of the dataflow with the same timer or logs stands for all of them. */
struct source {
    size_t node, input;
};

static struct source first_of_source(const struct graph *graph, const struct graph_input *wanted)
{
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++)
            if (draw_same_source(&graph->nodes[n].inputs[i], wanted))
                return (struct source){n, i};
    return (struct source){0, 0};
}

static void draw_input(struct buf *out, const struct graph *graph, size_t n, size_t i)
{
    const struct graph_input *input = &graph->nodes[n].inputs[i];
    autobuf struct buf text = {0};
    if (input->kind == GRAPH_INPUT_NODE) {
        buf_puts(out, "  ");
        node_id(out, graph, input->source_node);
        draw_edge_label(&text, input);
    } else {
        struct source first = first_of_source(graph, input);
        if (first.node == n && first.input == i) {
            draw_source(&text, input);
            buf_printf(out, "  _%zu_%zu%s", n, i, input->kind == GRAPH_INPUT_TIMER ? "((\"" : "[(\"");
            label(out, text.data ? text.data : "");
            buf_puts(out, input->kind == GRAPH_INPUT_TIMER ? "\"))\n" : "\")]\n");
        }
        buf_printf(out, "  _%zu_%zu", first.node, first.input);
        buf_clear(&text);
        buf_puts(&text, input->id);
    }
    buf_puts(out, input->kind == GRAPH_INPUT_NODE ? " -- \"" : " -. \"");
    label(out, text.data ? text.data : "");
    buf_puts(out, input->kind == GRAPH_INPUT_NODE ? "\" --> " : "\" .-> ");
    node_id(out, graph, n);
    buf_putc(out, '\n');
    out->failed |= text.failed;
}

int draw_mermaid(const struct graph *graph, struct buf *out)
{
    buf_puts(out, "flowchart TB\n");
    for (size_t n = 0; n < graph->node_count; n++)
        draw_node(out, graph, n);
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++)
            draw_input(out, graph, n, i);
    return out->failed ? -ENOMEM : 0;
}
