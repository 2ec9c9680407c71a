/* Where the boxes and edges of a drawing go: columns from left to right, so that edges run with the reading direction.
 *
 * The method is the usual one of layered drawings: cycles are opened at the edges that run back, each box gets the
 * column behind its last predecessor, edges that span several columns get a bend in each, columns are ordered by
 * barycentres, and each column's heights are the least squares nearest to its neighbours. Edges that run back pass
 * below all boxes they go by.
 */
#ifndef GRAPH_DRAW_LAYOUT_H
#define GRAPH_DRAW_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

struct layout_box {
    double width, height;
    double margin;       /* room kept free on the left, for what is attached to the inputs */
    double x, y;         /* result: the upper left corner */
    double column_width; /* result: the width to draw, the same for all boxes of a column */
    size_t column;       /* result */
};

struct layout_point {
    double x, y;
};

struct layout_edge {
    size_t from, to;           /* boxes */
    double from_dy, to_dy;     /* the ports' heights below the boxes' upper sides */
    bool back;                 /* result: runs against the reading direction */
    size_t point, point_count; /* result: its part of layout.points */
};

/* The points of a forward edge come in pairs: a level line between the two of a pair, a curve to the next pair. Those
 * of a back edge are joined by level and upright lines. */
struct layout {
    struct layout_box *boxes;
    size_t box_count;
    struct layout_edge *edges;
    size_t edge_count;
    struct layout_point *points; /* result, owned by the layout */
    double width, height;        /* result */
};

int layout_run(struct layout *layout);   /* 0 or -ENOMEM */
void layout_free(struct layout *layout); /* gives back the points; boxes and edges are the caller's */

#endif
