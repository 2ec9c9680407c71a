#include "graph/draw_columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum {
    SWEEPS = 12,
    BENDS_MAX = 1000000,    /* beyond that long edges would fill the memory */
    CROSSINGS_PAIRS = 1000, /* as many segments between two columns are compared pair by pair */
};

/* Edges by the box they start from: those of box b are list[start[b]] … list[start[b + 1] - 1]. */
struct outgoing {
    size_t *start, *list;
};

static int outgoing_make(struct outgoing *out, const struct layout *layout)
{
    out->start = calloc(layout->box_count + 2, sizeof *out->start);
    out->list = calloc(layout->edge_count + 1, sizeof *out->list);
    if (!out->start || !out->list)
        return -ENOMEM;
    /* Shifted by one while filling, so that each start ends up where it belongs. */
    for (size_t e = 0; e < layout->edge_count; e++)
        out->start[layout->edges[e].from + 2]++;
    for (size_t b = 2; b <= layout->box_count; b++)
        out->start[b] += out->start[b - 1];
    for (size_t e = 0; e < layout->edge_count; e++)
        out->list[out->start[layout->edges[e].from + 1]++] = e;
    return 0;
}

/* Marks as `back` the edges that close a cycle, by a depth-first walk without recursion; gives the boxes in reverse
 * order of leaving them, which is a topological one. */
static int open_cycles(struct layout *layout, const struct outgoing *out, size_t *topological)
{
    size_t n = layout->box_count, left = n, depth;
    autofree size_t *stack = calloc(n + 1, sizeof *stack), *next = calloc(n + 1, sizeof *next);
    autofree unsigned char *state = calloc(n + 1, 1); /* 0 new, 1 on the stack, 2 left */
    autofree bool *has_input = calloc(n + 1, sizeof *has_input);
    if (!stack || !next || !state || !has_input)
        return -ENOMEM;
    for (size_t e = 0; e < layout->edge_count; e++)
        if (layout->edges[e].from != layout->edges[e].to)
            has_input[layout->edges[e].to] = true;
    /* Boxes that nothing leads to come first, so that a cycle is entered where the data comes in. Each round goes from
     * the last box to the first: what is left last comes first in the topological order. */
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < n; i++) {
            size_t root = round == 0 ? n - 1 - i : i;
            if (state[root] || (round == 0 && has_input[root]))
                continue;
            depth = 0;
            stack[depth++] = root;
            state[root] = 1;
            next[root] = out->start[root];
            while (depth) {
                size_t box = stack[depth - 1];
                if (next[box] == out->start[box + 1]) {
                    state[box] = 2;
                    topological[--left] = box;
                    depth--;
                    continue;
                }
                struct layout_edge *edge = &layout->edges[out->list[next[box]++]];
                edge->back = state[edge->to] == 1;
                if (state[edge->to] == 0) {
                    state[edge->to] = 1;
                    next[edge->to] = out->start[edge->to];
                    stack[depth++] = edge->to;
                }
            }
        }
    }
    return 0;
}

/* Each box behind its last predecessor; then boxes without one as near to their successors as they can be. */
static void assign_columns(struct layout *layout, const struct outgoing *out, const size_t *topological)
{
    for (size_t b = 0; b < layout->box_count; b++)
        layout->boxes[b].column = 0;
    for (size_t i = 0; i < layout->box_count; i++) {
        size_t box = topological[i];
        for (size_t k = out->start[box]; k < out->start[box + 1]; k++) {
            const struct layout_edge *edge = &layout->edges[out->list[k]];
            size_t *column = &layout->boxes[edge->to].column;
            if (!edge->back && *column < layout->boxes[box].column + 1)
                *column = layout->boxes[box].column + 1;
        }
    }
    for (size_t b = 0; b < layout->box_count; b++) {
        size_t nearest = 0;
        for (size_t k = out->start[b]; k < out->start[b + 1]; k++) {
            const struct layout_edge *edge = &layout->edges[out->list[k]];
            size_t column = layout->boxes[edge->to].column;
            if (!edge->back && (!nearest || column < nearest))
                nearest = column;
        }
        if (layout->boxes[b].column == 0 && nearest > 1)
            layout->boxes[b].column = nearest - 1;
    }
}

static int add_slots(struct columns *columns, const struct layout *layout)
{
    size_t bends = 0;
    for (size_t e = 0; e < layout->edge_count; e++) {
        const struct layout_edge *edge = &layout->edges[e];
        if (!edge->back)
            bends += layout->boxes[edge->to].column - layout->boxes[edge->from].column - 1;
        if (bends > BENDS_MAX)
            return -ENOMEM;
    }
    columns->slots = calloc(layout->box_count + bends + 1, sizeof *columns->slots);
    columns->segments = calloc(layout->edge_count + bends + 1, sizeof *columns->segments);
    columns->first_segment = calloc(layout->edge_count + 1, sizeof *columns->first_segment);
    if (!columns->slots || !columns->segments || !columns->first_segment)
        return -ENOMEM;
    for (size_t b = 0; b < layout->box_count; b++)
        columns->slots[columns->slot_count++] =
            (struct slot){.column = layout->boxes[b].column, .height = layout->boxes[b].height};
    for (size_t e = 0; e < layout->edge_count; e++) {
        const struct layout_edge *edge = &layout->edges[e];
        columns->first_segment[e] = columns->segment_count;
        if (edge->back)
            continue;
        size_t from = edge->from, last = layout->boxes[edge->to].column;
        double from_dy = edge->from_dy;
        for (size_t column = layout->boxes[from].column + 1; column <= last; column++) {
            bool bend = column < last;
            size_t to = bend ? columns->slot_count++ : edge->to;
            if (bend)
                columns->slots[to].column = column;
            columns->segments[columns->segment_count++] = (struct segment){from, to, from_dy, bend ? 0 : edge->to_dy};
            from = to;
            from_dy = 0;
        }
    }
    return 0;
}

/* Sorts slots and segments into their columns; within a column in the order in which they were added. */
static int fill_columns(struct columns *columns)
{
    for (size_t s = 0; s < columns->slot_count; s++)
        if (columns->slots[s].column >= columns->count)
            columns->count = columns->slots[s].column + 1;
    columns->order = calloc(columns->slot_count + 1, sizeof *columns->order);
    columns->by_column = calloc(columns->segment_count + 1, sizeof *columns->by_column);
    columns->column_start = calloc(columns->count + 2, sizeof *columns->column_start);
    columns->gap_start = calloc(columns->count + 2, sizeof *columns->gap_start);
    if (!columns->order || !columns->by_column || !columns->column_start || !columns->gap_start)
        return -ENOMEM;
    for (size_t s = 0; s < columns->slot_count; s++)
        columns->column_start[columns->slots[s].column + 2]++;
    for (size_t s = 0; s < columns->segment_count; s++)
        columns->gap_start[columns->slots[columns->segments[s].from].column + 2]++;
    for (size_t c = 2; c <= columns->count; c++) {
        columns->column_start[c] += columns->column_start[c - 1];
        columns->gap_start[c] += columns->gap_start[c - 1];
    }
    for (size_t s = 0; s < columns->slot_count; s++) {
        struct slot *slot = &columns->slots[s];
        size_t at = columns->column_start[slot->column + 1]++;
        columns->order[at] = s;
        slot->position = at - columns->column_start[slot->column];
    }
    for (size_t s = 0; s < columns->segment_count; s++)
        columns->by_column[columns->gap_start[columns->slots[columns->segments[s].from].column + 1]++] = s;
    return 0;
}

/* Where an end of a segment is in its column: whole numbers for slots, fractions for ports. */
static double end_key(const struct slot *slot, double dy)
{
    return (double)slot->position + (slot->height > 0 ? dy / slot->height : 0.5);
}

struct ranked {
    size_t slot, position;
    double key;
};

static int by_key(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

/* Sorts a column by the mean of its neighbours on one side. */
static void sort_column(struct columns *columns, size_t column, bool by_left, struct ranked *ranked, double *sums,
                        size_t *counts)
{
    size_t start = columns->column_start[column], n = columns->column_start[column + 1] - start;
    memset(sums, 0, n * sizeof *sums);
    memset(counts, 0, n * sizeof *counts);
    size_t gap = by_left ? column - 1 : column;
    for (size_t k = columns->gap_start[gap]; k < columns->gap_start[gap + 1]; k++) {
        const struct segment *segment = &columns->segments[columns->by_column[k]];
        const struct slot *from = &columns->slots[segment->from], *to = &columns->slots[segment->to];
        size_t mine = by_left ? to->position : from->position;
        sums[mine] += by_left ? end_key(from, segment->from_dy) : end_key(to, segment->to_dy);
        counts[mine]++;
    }
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){columns->order[start + i], i, counts[i] ? sums[i] / (double)counts[i] : (double)i};
    qsort(ranked, n, sizeof *ranked, by_key);
    for (size_t i = 0; i < n; i++) {
        columns->order[start + i] = ranked[i].slot;
        columns->slots[ranked[i].slot].position = i;
    }
}

static size_t count_crossings(const struct columns *columns)
{
    size_t crossings = 0;
    for (size_t c = 0; c + 1 < columns->count; c++) {
        size_t end = columns->gap_start[c + 1];
        if (end - columns->gap_start[c] > CROSSINGS_PAIRS)
            continue;
        for (size_t i = columns->gap_start[c]; i < end; i++) {
            const struct segment *a = &columns->segments[columns->by_column[i]];
            double a_from = end_key(&columns->slots[a->from], a->from_dy);
            double a_to = end_key(&columns->slots[a->to], a->to_dy);
            for (size_t j = i + 1; j < end; j++) {
                const struct segment *b = &columns->segments[columns->by_column[j]];
                double from = a_from - end_key(&columns->slots[b->from], b->from_dy);
                double to = a_to - end_key(&columns->slots[b->to], b->to_dy);
                crossings += from * to < 0;
            }
        }
    }
    return crossings;
}

static int order_columns(struct columns *columns)
{
    size_t n = columns->slot_count;
    autofree struct ranked *ranked = calloc(n + 1, sizeof *ranked);
    autofree double *sums = calloc(n + 1, sizeof *sums);
    autofree size_t *counts = calloc(n + 1, sizeof *counts), *best = calloc(n + 1, sizeof *best);
    if (!ranked || !sums || !counts || !best)
        return -ENOMEM;
    memcpy(best, columns->order, n * sizeof *best);
    size_t fewest = count_crossings(columns);
    for (int sweep = 0; sweep < SWEEPS && fewest; sweep++) {
        for (size_t c = 1; c < columns->count; c++)
            if (sweep % 2 == 0)
                sort_column(columns, c, true, ranked, sums, counts);
            else
                sort_column(columns, columns->count - 1 - c, false, ranked, sums, counts);
        size_t crossings = count_crossings(columns);
        if (crossings < fewest) {
            fewest = crossings;
            memcpy(best, columns->order, n * sizeof *best);
        }
    }
    memcpy(columns->order, best, n * sizeof *best);
    for (size_t c = 0; c < columns->count; c++)
        for (size_t i = columns->column_start[c]; i < columns->column_start[c + 1]; i++)
            columns->slots[columns->order[i]].position = i - columns->column_start[c];
    return 0;
}

int columns_make(struct columns *columns, struct layout *layout)
{
    *columns = (struct columns){0};
    struct outgoing out = {0};
    autofree size_t *topological = calloc(layout->box_count + 1, sizeof *topological);
    int result = topological ? outgoing_make(&out, layout) : -ENOMEM;
    if (result == 0)
        result = open_cycles(layout, &out, topological);
    if (result == 0) {
        assign_columns(layout, &out, topological);
        result = add_slots(columns, layout);
    }
    if (result == 0)
        result = fill_columns(columns);
    if (result == 0)
        result = order_columns(columns);
    free(out.start);
    free(out.list);
    return result;
}

void columns_free(struct columns *columns)
{
    free(columns->slots);
    free(columns->segments);
    free(columns->first_segment);
    free(columns->order);
    free(columns->column_start);
    free(columns->by_column);
    free(columns->gap_start);
}
