/* Memory of a graph while it is being built.
 *
 * Everything a graph holds comes from one arena that graph_free() gives back as a whole, so nothing here is freed
 * alone. When memory runs out, `out_of_memory` is set and stays set, and graph_load() gives up at its end: texts come
 * back as "" and need no check, graph_alloc() and graph_push() return NULL.
 */
#ifndef GRAPH_MODEL_H
#define GRAPH_MODEL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "graph/graph.h"

/* The text of a file that was read, kept so that findings can show its lines. */
struct graph_file {
    struct graph_file *next;
    const char *name; /* the pointer that the places in this file hold */
    const char *text;
    size_t len;
};

struct graph_private {
    struct graph_block *blocks;
    struct graph_file *files, **files_end; /* in the order they were read */
    bool out_of_memory;
};

/* An empty graph, or NULL when out of memory. */
struct graph *graph_new(void);

/* `size` zeroed bytes, or NULL when out of memory. */
void *graph_alloc(struct graph *graph, size_t size);

/* A copy in the graph's memory; "" when out of memory. */
const char *graph_text(struct graph *graph, const char *text);
const char *graph_text_n(struct graph *graph, const char *text, size_t len);
const char *graph_format(struct graph *graph, const char *format, ...) __attribute__((format(printf, 2, 3)));
const char *graph_vformat(struct graph *graph, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

/* One more zeroed element of `size` bytes at the end of an array of `*count`; the address of the element, or NULL when
 * out of memory. `*array` may move. An array must grow by this function alone (it doubles when the count is a power of
 * two). */
void *graph_push_size(struct graph *graph, void *array, size_t *count, size_t size);
#define graph_push(graph, array, count)                                                                                \
    ((__typeof__(*(array)) *)graph_push_size((graph), &(array), (count), sizeof *(array)))

/* Remembers a file for findings; copies the name, and the text unless it is out of memory. NULL when out of memory. */
struct graph_file *graph_file_add(struct graph *graph, const char *name, const char *text, size_t len);

#endif
