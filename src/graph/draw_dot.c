#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "graph/draw.h"
#include "graph/draw_text.h"

/* A text between the quotes of DOT, where a backslash begins an escape. */
static void quoted(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_putc(out, '\\');
        buf_putc(out, iscntrl((unsigned char)*text) ? ' ' : *text);
    }
}

static void quoted_buf(struct buf *out, const struct buf *text)
{
    quoted(out, text->data ? text->data : "");
    out->failed |= text->failed;
}

static void draw_node(struct buf *out, const struct graph_node *node)
{
    static const char *const shapes[] = {
        [GRAPH_NODE_STANDARD] = "box",        [GRAPH_NODE_DYNAMIC] = "oval", [GRAPH_NODE_SHELL] = "parallelogram",
        [GRAPH_NODE_OPERATORS] = "component", [GRAPH_NODE_ROS2] = "hexagon",
    };
    autobuf struct buf what = {0};
    draw_what_runs(&what, node);
    buf_puts(out, "  \"");
    quoted(out, node->id);
    buf_printf(out, "\" [shape=%s, label=\"", shapes[node->kind]);
    quoted(out, node->id);
    buf_puts(out, "\\n");
    quoted_buf(out, &what);
    buf_puts(out, "\"];\n");
}

static void draw_input(struct buf *out, const struct graph_node *node, const struct graph_input *input)
{
    autobuf struct buf text = {0};
    if (input->kind == GRAPH_INPUT_NODE) {
        buf_puts(out, "  \"");
        quoted(out, input->source);
        draw_edge_label(&text, input);
    } else {
        /* A node's id has no space and no slash in it, so these names are nobody else's. */
        draw_source(&text, input);
        buf_puts(out, "  \"dora/");
        quoted_buf(out, &text);
        buf_puts(out, "\" [shape=plaintext, label=\"");
        quoted_buf(out, &text);
        buf_puts(out, "\"];\n  \"dora/");
        quoted_buf(out, &text);
        buf_clear(&text);
        buf_puts(&text, input->id);
    }
    buf_puts(out, "\" -> \"");
    quoted(out, node->id);
    buf_puts(out, "\" [label=\"");
    quoted_buf(out, &text);
    buf_puts(out, input->kind == GRAPH_INPUT_NODE ? "\"];\n" : "\", style=dashed];\n");
}

int draw_dot(const struct graph *graph, struct buf *out)
{
    buf_puts(out, "digraph dataflow {\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n"
                  "  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for (size_t n = 0; n < graph->node_count; n++)
        draw_node(out, &graph->nodes[n]);
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++)
            draw_input(out, &graph->nodes[n], &graph->nodes[n].inputs[i]);
    buf_puts(out, "}\n");
    return out->failed ? -ENOMEM : 0;
}
