/* Words that all drawings share. */
#ifndef GRAPH_DRAW_TEXT_H
#define GRAPH_DRAW_TEXT_H

#include "graph/graph.h"

/* An interval in its largest whole unit, "100 ms", "2 s"; with three decimals of a millisecond where none is whole. */
void draw_interval(struct buf *out, int64_t ns);

/* Where an input comes from that no node makes: "timer 100 ms", "logs", "logs of camera from warn on". */
void draw_source(struct buf *out, const struct graph_input *input);

/* "output → input", or the name alone where both are the same. */
void draw_edge_label(struct buf *out, const struct graph_input *input);

/* Are these inputs fed by the same timer, or the same logs? Never so for nodes' outputs. */
bool draw_same_source(const struct graph_input *a, const struct graph_input *b);

/* What runs in a node, in a few words: a file name, "dynamic", "shell", the operators. */
void draw_what_runs(struct buf *out, const struct graph_node *node);

/* "standard", "dynamic", "shell", "operators", "ros2". */
const char *draw_kind(enum graph_node_kind kind);

#endif
