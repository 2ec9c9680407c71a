/* The HTML page: the dataflow as an SVG, with what one would ask about a node or an edge in the tooltips. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/draw.h"
#include "graph/draw_layout.h"
#include "graph/draw_page.h"
#include "graph/draw_text.h"
#include "graph/draw_tip.h"

/* Measures in pixels. Texts are monospaced, so their widths are known without measuring. */
enum { HEAD = 46, ROW = 22, FOOT = 8, WIDTH_MIN = 132, PILL_HEIGHT = 18, PILL_GAP = 20 };
static const double id_char = 8.0, port_char = 7.3, soft_char = 6.7;

static double row_y(size_t row)
{
    return HEAD + (double)row * ROW + ROW / 2.0;
}

static void source_label(struct buf *out, const struct graph_input *input)
{
    if (input->kind == GRAPH_INPUT_TIMER)
        draw_interval(out, input->interval_ns);
    else
        draw_source(out, input);
}

static struct layout_box box_of(const struct graph_node *node)
{
    size_t rows = node->input_count > node->output_count ? node->input_count : node->output_count;
    struct layout_box box = {.height = HEAD + (double)rows * ROW + FOOT, .width = WIDTH_MIN};
    size_t in = 0, out = 0;
    for (size_t i = 0; i < node->input_count; i++) {
        const struct graph_input *input = &node->inputs[i];
        in = tip_columns(input->id) > in ? tip_columns(input->id) : in;
        if (input->kind == GRAPH_INPUT_NODE)
            continue;
        autobuf struct buf label = {0};
        source_label(&label, input);
        double margin = (double)tip_columns(label.data ? label.data : "") * soft_char + 18 + PILL_GAP;
        box.margin = margin > box.margin ? margin : box.margin;
    }
    for (size_t i = 0; i < node->output_count; i++)
        out = tip_columns(node->outputs[i].id) > out ? tip_columns(node->outputs[i].id) : out;
    autobuf struct buf what = {0};
    draw_what_runs(&what, node);
    double widths[] = {
        (double)tip_columns(node->id) * id_char + 32,
        (double)tip_columns(what.data ? what.data : "") * soft_char + 32,
        (double)(in + out) * port_char + (in && out ? 52 : 34),
    };
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++)
        box.width = widths[i] > box.width ? widths[i] : box.width;
    return box;
}

static bool is_used(const struct graph *graph, size_t node, const char *output)
{
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++) {
            const struct graph_input *input = &graph->nodes[n].inputs[i];
            if (input->kind == GRAPH_INPUT_NODE && input->source_node == node &&
                strcmp(input->source_output, output) == 0)
                return true;
        }
    return false;
}

/* A timer or the logs: a pill beside the input that it feeds, since each node makes its own ticks. */
static void draw_pill(struct buf *out, const struct graph_node *node, const struct graph_input *input, double x,
                      double y)
{
    autobuf struct buf label = {0};
    source_label(&label, input);
    double width = (double)tip_columns(label.data ? label.data : "") * soft_char + 18, right = x - PILL_GAP;
    buf_printf(out, "<g class=\"source %s\">", input->kind == GRAPH_INPUT_TIMER ? "timer" : "logs");
    tip_input(out, node, input);
    buf_printf(out, "<path d=\"M%.1f %.1fH%.1f\"/><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" rx=\"9\"/>",
               right, y, x - 5, right - width, y - PILL_HEIGHT / 2.0, width, PILL_HEIGHT);
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", right - width / 2, y + 4);
    tip_short(out, label.data ? label.data : "");
    buf_puts(out, "</text></g>");
}

static void draw_node(struct buf *out, const struct graph *graph, size_t index, const struct layout_box *box)
{
    const struct graph_node *node = &graph->nodes[index];
    double x = box->x, y = box->y, width = box->column_width;
    autobuf struct buf what = {0};
    draw_what_runs(&what, node);
    buf_printf(out, "<g class=\"node %s\" data-node=\"%zu\">", draw_kind(node->kind), index);
    tip_node(out, node);
    buf_printf(out, "<rect class=\"box\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"9\"/>", x, y, width,
               box->height);
    /* The upper 5 px of the box, within its rounded corners. */
    buf_printf(out, "<path class=\"bar\" d=\"M%.2f %.2fA9 9 0 0 1 %.2f %.2fH%.2fA9 9 0 0 1 %.2f %.2fz\"/>", x + 0.94,
               y + 5, x + 9, y, x + width - 9, x + width - 0.94, y + 5);
    buf_printf(out, "<text class=\"id\" x=\"%.1f\" y=\"%.1f\">", x + 14, y + 22);
    tip_short(out, node->id);
    buf_printf(out, "</text><text class=\"soft\" x=\"%.1f\" y=\"%.1f\">", x + 14, y + 37);
    tip_short(out, what.data ? what.data : "");
    buf_puts(out, "</text>");
    if (node->input_count || node->output_count)
        buf_printf(out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\"/>", x, x + width, y + HEAD - 1,
                   y + HEAD - 1);
    for (size_t i = 0; i < node->input_count; i++) {
        const struct graph_input *input = &node->inputs[i];
        double port = y + row_y(i);
        buf_printf(out, "<circle class=\"port used\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/><text x=\"%.1f\" y=\"%.1f\">", x,
                   port, x + 13, port + 4);
        tip_short(out, input->id);
        buf_puts(out, "</text>");
        if (input->kind != GRAPH_INPUT_NODE)
            draw_pill(out, node, input, x, port);
    }
    for (size_t i = 0; i < node->output_count; i++) {
        double port = y + row_y(i);
        buf_printf(out,
                   "<circle class=\"port%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>"
                   "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">",
                   is_used(graph, index, node->outputs[i].id) ? " used" : "", x + width, port, x + width - 13,
                   port + 4);
        tip_short(out, node->outputs[i].id);
        buf_puts(out, "</text>");
    }
    buf_puts(out, "</g>\n");
    out->failed |= what.failed;
}

static void forward_path(struct buf *out, const struct layout_point *points, size_t count)
{
    buf_printf(out, "M%.1f %.1f", points[0].x, points[0].y);
    for (size_t i = 1; i < count; i++) {
        const struct layout_point *a = &points[i - 1], *b = &points[i];
        if (i % 2)
            buf_printf(out, "L%.1f %.1f", b->x, b->y);
        else
            buf_printf(out, "C%.1f %.1f %.1f %.1f %.1f %.1f", (a->x + b->x) / 2, a->y, (a->x + b->x) / 2, b->y, b->x,
                       b->y);
    }
}

/* Level and upright lines with rounded corners. */
static void back_path(struct buf *out, const struct layout_point *points, size_t count)
{
    enum { RADIUS = 8 };
    buf_printf(out, "M%.1f %.1f", points[0].x, points[0].y);
    for (size_t i = 1; i + 1 < count; i++) {
        const struct layout_point *a = &points[i - 1], *b = &points[i], *c = &points[i + 1];
        double in_x = b->x > a->x ? 1 : b->x < a->x ? -1 : 0, in_y = b->y > a->y ? 1 : b->y < a->y ? -1 : 0;
        double out_x = c->x > b->x ? 1 : c->x < b->x ? -1 : 0, out_y = c->y > b->y ? 1 : c->y < b->y ? -1 : 0;
        buf_printf(out, "L%.1f %.1fQ%.1f %.1f %.1f %.1f", b->x - in_x * RADIUS, b->y - in_y * RADIUS, b->x, b->y,
                   b->x + out_x * RADIUS, b->y + out_y * RADIUS);
    }
    buf_printf(out, "L%.1f %.1f", points[count - 1].x, points[count - 1].y);
}

static void draw_edge(struct buf *out, const struct graph *graph, const struct layout *layout,
                      const struct layout_edge *edge, const struct graph_input *input)
{
    const struct layout_point *points = layout->points + edge->point;
    autobuf struct buf path = {0};
    (edge->back ? back_path : forward_path)(&path, points, edge->point_count);
    const char *d = path.data ? path.data : "";
    double x = points[edge->point_count - 1].x, y = points[edge->point_count - 1].y;
    buf_printf(out, "<g class=\"edge%s\" data-from=\"%zu\" data-to=\"%zu\">", edge->back ? " back" : "", edge->from,
               edge->to);
    tip_input(out, &graph->nodes[edge->to], input);
    buf_printf(out,
               "<path class=\"hit\" d=\"%s\"/><path class=\"line\" d=\"%s\"/>"
               "<polygon points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f\"/></g>\n",
               d, d, x - 4, y, x - 12, y - 4, x - 12, y + 4);
    out->failed |= path.failed;
}

static size_t output_row(const struct graph_node *node, const char *output)
{
    for (size_t i = 0; i < node->output_count; i++)
        if (strcmp(node->outputs[i].id, output) == 0)
            return i;
    return 0;
}

static size_t count_edges(const struct graph *graph)
{
    size_t count = 0;
    for (size_t n = 0; n < graph->node_count; n++)
        for (size_t i = 0; i < graph->nodes[n].input_count; i++)
            count += graph->nodes[n].inputs[i].kind == GRAPH_INPUT_NODE;
    return count;
}

static void draw_head(struct buf *out, const struct graph *graph, size_t edges)
{
    buf_puts(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    tip_text(out, graph->path);
    buf_printf(out, "</title>\n<style>\n%s</style></head>\n<body><header><h1>", draw_page_style);
    tip_text(out, graph->path);
    buf_printf(out, "</h1><span>%zu node%s, %zu connection%s</span></header>\n<main>\n", graph->node_count,
               graph->node_count == 1 ? "" : "s", edges, edges == 1 ? "" : "s");
}

static void draw_legend(struct buf *out, const struct graph *graph)
{
    bool nodes[GRAPH_NODE_ROS2 + 1] = {false}, timers = false, logs = false;
    for (size_t n = 0; n < graph->node_count; n++) {
        nodes[graph->nodes[n].kind] = true;
        for (size_t i = 0; i < graph->nodes[n].input_count; i++) {
            timers |= graph->nodes[n].inputs[i].kind == GRAPH_INPUT_TIMER;
            logs |= graph->nodes[n].inputs[i].kind == GRAPH_INPUT_LOGS;
        }
    }
    buf_puts(out, "</main>\n<footer>");
    for (int kind = 0; kind <= GRAPH_NODE_ROS2; kind++)
        if (nodes[kind])
            buf_printf(out, "<span class=\"%s\"><i></i>%s</span>", draw_kind(kind), draw_kind(kind));
    if (timers)
        buf_puts(out, "<span class=\"timer\"><i></i>timer</span>");
    if (logs)
        buf_puts(out, "<span class=\"logs\"><i></i>logs</span>");
    buf_printf(out,
               "<span>scroll to zoom, drag to move, double-click to see all</span></footer>\n<script>\n%s</script>"
               "</body></html>\n",
               draw_page_script);
}

int draw_html(const struct graph *graph, struct buf *out)
{
    size_t edge_count = count_edges(graph), e = 0;
    autofree struct layout_box *boxes = calloc(graph->node_count + 1, sizeof *boxes);
    autofree struct layout_edge *edges = calloc(edge_count + 1, sizeof *edges);
    autofree const struct graph_input **inputs = calloc(edge_count + 1, sizeof *inputs);
    if (!boxes || !edges || !inputs)
        return -ENOMEM;
    for (size_t n = 0; n < graph->node_count; n++) {
        const struct graph_node *node = &graph->nodes[n];
        boxes[n] = box_of(node);
        for (size_t i = 0; i < node->input_count; i++) {
            const struct graph_input *input = &node->inputs[i];
            if (input->kind != GRAPH_INPUT_NODE)
                continue;
            size_t row = output_row(&graph->nodes[input->source_node], input->source_output);
            inputs[e] = input;
            edges[e++] = (struct layout_edge){input->source_node, n, row_y(row), row_y(i), false, 0, 0};
        }
    }
    struct layout layout = {.boxes = boxes, .box_count = graph->node_count, .edges = edges, .edge_count = edge_count};
    int result = layout_run(&layout);
    if (result == 0) {
        draw_head(out, graph, edge_count);
        buf_printf(out, "<svg viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"xMidYMid meet\">\n", layout.width,
                   layout.height);
        for (e = 0; e < edge_count; e++)
            draw_edge(out, graph, &layout, &edges[e], inputs[e]);
        for (size_t n = 0; n < graph->node_count; n++)
            draw_node(out, graph, n, &boxes[n]);
        buf_puts(out, "</svg>\n");
        draw_legend(out, graph);
        result = out->failed ? -ENOMEM : 0;
    }
    layout_free(&layout);
    return result;
}
