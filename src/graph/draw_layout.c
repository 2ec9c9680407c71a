#include "graph/draw_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/draw_columns.h"

enum {
    BORDER = 24,     /* around everything */
    BOX_GAP = 26,    /* between boxes of a column */
    BEND_GAP = 16,   /* between an edge passing through and what is above it */
    COLUMN_GAP = 64, /* between columns, at least */
    LANE = 12,       /* between parallel lines of edges that run back */
    TURN = 14,       /* between a column and the first of these */
    SWEEPS = 60,     /* over all columns, to and fro */
    SWEEPS_ONE = 8,  /* of them, those that look at one side only */
};

static double gap_between(const struct slot *upper, const struct slot *lower)
{
    return upper->height > 0 && lower->height > 0 ? BOX_GAP : BEND_GAP;
}

struct block {
    double sum, weight; /* of the wishes of its members, each less what stands between it and the first slot */
    size_t count;
};

/* Moves the slots of a column as near to what they wish for as their order and gaps allow: the least squares under
 * "no higher than the one before", found by merging neighbours that would overlap. */
static void settle(struct columns *columns, size_t column, const double *wish, const double *weight,
                   struct block *blocks)
{
    const size_t *order = columns->order + columns->column_start[column];
    size_t n = columns->column_start[column + 1] - columns->column_start[column], used = 0;
    double offset = 0;
    for (size_t i = 0; i < n; i++) {
        const struct slot *slot = &columns->slots[order[i]];
        if (i)
            offset += columns->slots[order[i - 1]].height + gap_between(&columns->slots[order[i - 1]], slot);
        blocks[used++] = (struct block){(wish[i] - offset) * weight[i], weight[i], 1};
        while (used > 1 &&
               blocks[used - 2].sum * blocks[used - 1].weight > blocks[used - 1].sum * blocks[used - 2].weight) {
            blocks[used - 2].sum += blocks[used - 1].sum;
            blocks[used - 2].weight += blocks[used - 1].weight;
            blocks[used - 2].count += blocks[used - 1].count;
            used--;
        }
    }
    offset = 0;
    for (size_t b = 0, i = 0; b < used; b++) {
        for (size_t k = 0; k < blocks[b].count; k++, i++) {
            struct slot *slot = &columns->slots[order[i]];
            if (i)
                offset += columns->slots[order[i - 1]].height + gap_between(&columns->slots[order[i - 1]], slot);
            slot->y = blocks[b].sum / blocks[b].weight + offset;
        }
    }
}

/* Adds what one gap's segments wish for the slots of the column on its right (or left) side. */
static void add_wishes(const struct columns *columns, size_t gap, bool for_right, double *wish, double *weight)
{
    for (size_t k = columns->gap_start[gap]; k < columns->gap_start[gap + 1]; k++) {
        const struct segment *segment = &columns->segments[columns->by_column[k]];
        const struct slot *from = &columns->slots[segment->from], *to = &columns->slots[segment->to];
        double difference =
            for_right ? from->y + segment->from_dy - segment->to_dy : to->y + segment->to_dy - segment->from_dy;
        /* A bend in an edge strikes the eye more than a slope between two boxes. */
        double pull = from->height > 0 && to->height > 0 ? 1 : from->height > 0 || to->height > 0 ? 2 : 8;
        size_t position = for_right ? to->position : from->position;
        wish[position] += difference * pull;
        weight[position] += pull;
    }
}

static int place_rows(struct columns *columns)
{
    size_t n = columns->slot_count;
    autofree double *wish = calloc(n + 1, sizeof *wish), *weight = calloc(n + 1, sizeof *weight);
    autofree struct block *blocks = calloc(n + 1, sizeof *blocks);
    if (!wish || !weight || !blocks)
        return -ENOMEM;
    for (int sweep = -1; sweep < SWEEPS; sweep++) {
        for (size_t k = 0; k < columns->count; k++) {
            size_t column = sweep % 2 == 0 ? k : columns->count - 1 - k;
            size_t start = columns->column_start[column], count = columns->column_start[column + 1] - start;
            memset(wish, 0, count * sizeof *wish);
            memset(weight, 0, count * sizeof *weight);
            /* First one side, then the other; later both, until long edges have become straight. */
            bool both = sweep >= SWEEPS_ONE;
            if (sweep >= 0 && column > 0 && (both || sweep % 2 == 0))
                add_wishes(columns, column - 1, true, wish, weight);
            if (sweep >= 0 && column + 1 < columns->count && (both || sweep % 2 == 1))
                add_wishes(columns, column, false, wish, weight);
            for (size_t i = 0; i < count; i++) {
                if (weight[i] > 0) {
                    wish[i] /= weight[i];
                } else {
                    wish[i] = columns->slots[columns->order[start + i]].y;
                    weight[i] = 0.25;
                }
            }
            settle(columns, column, wish, weight, blocks);
        }
    }
    double top = 0;
    for (size_t s = 0; s < n; s++)
        if (s == 0 || columns->slots[s].y < top)
            top = columns->slots[s].y;
    for (size_t s = 0; s < n; s++)
        columns->slots[s].y += BORDER - top;
    return 0;
}

/* The upright parts of a column: where it begins, how wide it is, and how many edges that run back pass its sides. */
struct span {
    double left, box, right; /* x of its margin, of its boxes, of its end */
    double bottom;
    size_t arriving, leaving;
    size_t reached_by, left_by; /* how many of them are routed */
};

static void place_columns(struct layout *layout, const struct columns *columns, struct span *spans)
{
    for (size_t b = 0; b < layout->box_count; b++) {
        const struct layout_box *box = &layout->boxes[b];
        struct span *span = &spans[box->column];
        /* For now `box` is the widest margin and `right` the widest box. */
        span->box = box->margin > span->box ? box->margin : span->box;
        span->right = box->width > span->right ? box->width : span->right;
    }
    for (size_t e = 0; e < layout->edge_count; e++)
        if (layout->edges[e].back) {
            spans[layout->boxes[layout->edges[e].from].column].leaving++;
            spans[layout->boxes[layout->edges[e].to].column].arriving++;
        }
    double x = BORDER;
    for (size_t c = 0; c < columns->count; c++) {
        struct span *span = &spans[c];
        x += span->arriving ? TURN + (double)span->arriving * LANE : 0;
        span->left = x;
        span->box += x;
        span->right += span->box;
        size_t segments = columns->gap_start[c + 1] - columns->gap_start[c];
        double busy = segments < 16 ? (double)segments * 5 : 80;
        x = span->right + (span->leaving ? TURN + (double)span->leaving * LANE : 0) +
            (c + 1 < columns->count ? COLUMN_GAP + busy : BORDER);
    }
    layout->width = x;
    for (size_t b = 0; b < layout->box_count; b++) {
        struct layout_box *box = &layout->boxes[b];
        box->x = spans[box->column].box;
        box->y = columns->slots[b].y;
        box->column_width = spans[box->column].right - spans[box->column].box;
    }
    for (size_t s = 0; s < columns->slot_count; s++) {
        const struct slot *slot = &columns->slots[s];
        if (slot->y + slot->height > spans[slot->column].bottom)
            spans[slot->column].bottom = slot->y + slot->height;
    }
}

static void route_forward(struct layout *layout, const struct columns *columns, const struct span *spans,
                          size_t edge_index, struct layout_point *points)
{
    struct layout_edge *edge = &layout->edges[edge_index];
    size_t first = columns->first_segment[edge_index];
    size_t count = layout->boxes[edge->to].column - layout->boxes[edge->from].column;
    double x = layout->boxes[edge->from].x + layout->boxes[edge->from].column_width;
    for (size_t i = 0; i < count; i++) {
        const struct segment *segment = &columns->segments[first + i];
        const struct slot *from = &columns->slots[segment->from], *to = &columns->slots[segment->to];
        *points++ = (struct layout_point){x, from->y + segment->from_dy};
        *points++ = (struct layout_point){spans[from->column].right, from->y + segment->from_dy};
        x = spans[to->column].left;
        if (i + 1 == count) {
            *points++ = (struct layout_point){x, to->y + segment->to_dy};
            *points++ = (struct layout_point){spans[to->column].box, to->y + segment->to_dy};
        }
    }
    edge->point_count = 2 * count + 2;
}

static void route_back(struct layout *layout, struct span *spans, struct layout_edge *edge, struct layout_point *points)
{
    const struct layout_box *from = &layout->boxes[edge->from], *to = &layout->boxes[edge->to];
    struct span *first = &spans[to->column], *last = &spans[from->column];
    double bottom = 0;
    for (const struct span *span = first; span <= last; span++)
        bottom = span->bottom > bottom ? span->bottom : bottom;
    bottom += bottom > 0 ? LANE + 4 : 0;
    for (struct span *span = first; span <= last; span++)
        span->bottom = bottom;
    double right = last->right + TURN + (double)last->left_by++ * LANE;
    double left = first->left - TURN - (double)first->reached_by++ * LANE;
    double from_y = from->y + edge->from_dy, to_y = to->y + edge->to_dy;
    points[0] = (struct layout_point){last->right, from_y};
    points[1] = (struct layout_point){right, from_y};
    points[2] = (struct layout_point){right, bottom};
    points[3] = (struct layout_point){left, bottom};
    points[4] = (struct layout_point){left, to_y};
    points[5] = (struct layout_point){first->box, to_y};
    edge->point_count = 6;
}

struct back_edge {
    size_t edge, length;
    double depth; /* of its two ends together */
};

static int inner_first(const void *a, const void *b)
{
    const struct back_edge *x = a, *y = b;
    if (x->length != y->length)
        return x->length < y->length ? -1 : 1;
    if (x->depth != y->depth)
        return x->depth > y->depth ? -1 : 1;
    return x->edge < y->edge ? -1 : x->edge > y->edge;
}

static int route_edges(struct layout *layout, const struct columns *columns, struct span *spans)
{
    autofree struct back_edge *back = calloc(layout->edge_count + 1, sizeof *back);
    layout->points = calloc(2 * columns->segment_count + 6 * layout->edge_count + 1, sizeof *layout->points);
    if (!back || !layout->points)
        return -ENOMEM;
    size_t points = 0, back_count = 0;
    for (size_t e = 0; e < layout->edge_count; e++) {
        struct layout_edge *edge = &layout->edges[e];
        edge->point = points;
        if (edge->back) {
            const struct layout_box *from = &layout->boxes[edge->from], *to = &layout->boxes[edge->to];
            double depth = from->y + edge->from_dy + to->y + edge->to_dy;
            back[back_count++] = (struct back_edge){e, from->column - to->column, depth};
            points += 6;
        } else {
            route_forward(layout, columns, spans, e, layout->points + points);
            points += edge->point_count;
        }
    }
    /* Short ones and low ones first: they stay inside, and the others go around them. */
    qsort(back, back_count, sizeof *back, inner_first);
    for (size_t i = 0; i < back_count; i++) {
        struct layout_edge *edge = &layout->edges[back[i].edge];
        route_back(layout, spans, edge, layout->points + edge->point);
    }
    layout->height = 0;
    for (size_t c = 0; c < columns->count; c++)
        if (spans[c].bottom > layout->height)
            layout->height = spans[c].bottom;
    layout->height += BORDER;
    return 0;
}

int layout_run(struct layout *layout)
{
    layout->points = NULL;
    struct columns columns;
    int result = columns_make(&columns, layout);
    autofree struct span *spans = result == 0 ? calloc(columns.count + 1, sizeof *spans) : NULL;
    if (result == 0)
        result = spans ? place_rows(&columns) : -ENOMEM;
    if (result == 0) {
        place_columns(layout, &columns, spans);
        result = route_edges(layout, &columns, spans);
    }
    columns_free(&columns);
    return result;
}

void layout_free(struct layout *layout)
{
    free(layout->points);
    layout->points = NULL;
}
