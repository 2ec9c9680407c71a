/* The middle of a layout: what stands in which column, and in which order. */
#ifndef GRAPH_DRAW_COLUMNS_H
#define GRAPH_DRAW_COLUMNS_H

#include "graph/draw_layout.h"

/* A box, or the bend of a long edge on its way through a column. The first slots are the boxes. */
struct slot {
    size_t column, position; /* position in the column, from the top */
    double height, y;
    double key; /* scratch of whoever sorts */
};

/* A piece of an edge from one column to the next. */
struct segment {
    size_t from, to; /* slots */
    double from_dy, to_dy;
};

struct columns {
    struct slot *slots;
    size_t slot_count;
    struct segment *segments; /* those of an edge follow one another */
    size_t segment_count;
    size_t *first_segment; /* of each edge; for edges that run back it has none */
    size_t *order;         /* slots by column and position */
    size_t *column_start;  /* index into `order`, one more than there are columns */
    size_t *by_column;     /* segments by the column they start in */
    size_t *gap_start;     /* index into `by_column`, one more than there are columns */
    size_t count;          /* of columns */
};

/* Sets `back` of the layout's edges and `column` of its boxes too. 0 or -ENOMEM; columns_free() in any case. */
int columns_make(struct columns *columns, struct layout *layout);
void columns_free(struct columns *columns);

#endif
