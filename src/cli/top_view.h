/* What `dora top` shows. */
#ifndef CLI_TOP_VIEW_H
#define CLI_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "cli/metrics.h"

struct top_view {
    enum metrics_order order;
    size_t selected; /* row */
    size_t first;    /* row that is at the top */
};

/* The screen: `rows` lines at most, none wider than `columns`. Brings the selection into view. */
void top_view_format(struct top_view *view, const struct metrics *metrics, size_t columns, size_t rows,
                     struct buf *out);

/* The table alone, `columns` wide (0: any). */
void top_view_table(const struct metrics *metrics, size_t columns, struct buf *out);

/* The links to other machines, as another table: what each has counted since its gateway began. Nothing where there are
 * none. */
void top_view_links(const struct metrics *metrics, size_t columns, struct buf *out);

/* One array with an object a node; NULL: out of memory. */
json_t *top_view_json(const struct metrics *metrics);

#endif
