/* Texts in the HTML page: names, and the tooltips of nodes and edges. Everything is escaped, so that no text of a
 * descriptor becomes markup. */
#ifndef GRAPH_DRAW_TIP_H
#define GRAPH_DRAW_TIP_H

#include "graph/graph.h"

void tip_text(struct buf *out, const char *text);

/* A name, cut where it is too long to draw, and the columns of a monospaced font that it takes then. */
void tip_short(struct buf *out, const char *text);
size_t tip_columns(const char *text);

/* <title> elements: what a node runs and with which environment; where an input comes from and how it queues. */
void tip_node(struct buf *out, const struct graph_node *node);
void tip_input(struct buf *out, const struct graph_node *node, const struct graph_input *input);

#endif
