/* Pictures of a dataflow. Each appends to `out`; 0 or -ENOMEM. The graph must be free of errors. */
#ifndef GRAPH_DRAW_H
#define GRAPH_DRAW_H

#include "graph/graph.h"

int draw_mermaid(const struct graph *graph, struct buf *out); /* a Mermaid flowchart, `flowchart TB` */
int draw_dot(const struct graph *graph, struct buf *out);     /* for Graphviz */
int draw_html(const struct graph *graph, struct buf *out);    /* a page on its own: needs no network */

#endif
