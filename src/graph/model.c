#include "graph/model.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct graph_block {
    struct graph_block *next;
    size_t used, size;
    _Alignas(max_align_t) unsigned char data[];
};

struct graph *graph_new(void)
{
    struct graph *graph = calloc(1, sizeof *graph);
    if (!graph)
        return NULL;
    graph->private = calloc(1, sizeof *graph->private);
    if (!graph->private) {
        free(graph);
        return NULL;
    }
    graph->private->files_end = &graph->private->files;
    return graph;
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    for (struct graph_block *block = graph->private->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    free(graph->private);
    free(graph);
}

void *graph_alloc(struct graph *graph, size_t size)
{
    struct graph_private *private = graph->private;
    struct graph_block *block = private->blocks;
    size_t align = _Alignof(max_align_t);
    if (size > SIZE_MAX / 2)
        goto out_of_memory;
    size = (size + align - 1) / align * align;
    if (!block || block->size - block->used < size) {
        /* What is too large to share a block gets its own, behind the one that still has room. */
        bool own = size > BLOCK_SIZE / 4;
        size_t data = own ? size : BLOCK_SIZE;
        block = calloc(1, sizeof *block + data);
        if (!block)
            goto out_of_memory;
        block->size = data;
        if (own && private->blocks) {
            block->next = private->blocks->next;
            private->blocks->next = block;
        } else {
            block->next = private->blocks;
            private->blocks = block;
        }
    }
    void *memory = block->data + block->used;
    block->used += size;
    return memory;

out_of_memory:
    private
    ->out_of_memory = true;
    return NULL;
}

const char *graph_text_n(struct graph *graph, const char *text, size_t len)
{
    char *copy = graph_alloc(graph, len + 1);
    if (!copy)
        return "";
    if (len)
        memcpy(copy, text, len);
    return copy;
}

const char *graph_text(struct graph *graph, const char *text)
{
    return graph_text_n(graph, text, strlen(text));
}

const char *graph_vformat(struct graph *graph, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    char *text = len < 0 ? NULL : graph_alloc(graph, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return text ? text : "";
}

const char *graph_format(struct graph *graph, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *text = graph_vformat(graph, format, args);
    va_end(args);
    return text;
}

void *graph_push_size(struct graph *graph, void *array, size_t *count, size_t size)
{
    void **elements = array;
    if ((*count & (*count - 1)) == 0) { /* 0 or a power of two: full */
        size_t cap = *count ? *count * 2 : 1;
        void *bigger = cap > SIZE_MAX / 2 / size ? NULL : graph_alloc(graph, cap * size);
        if (!bigger) {
            graph->private->out_of_memory = true;
            return NULL;
        }
        if (*count)
            memcpy(bigger, *elements, *count * size);
        *elements = bigger;
    }
    return (unsigned char *)*elements + (*count)++ * size;
}

struct graph_file *graph_file_add(struct graph *graph, const char *name, const char *text, size_t len)
{
    struct graph_file *file = graph_alloc(graph, sizeof *file);
    char *copy = graph_alloc(graph, len + 1);
    if (!file || !copy)
        return NULL;
    if (len)
        memcpy(copy, text, len);
    *file = (struct graph_file){.name = graph_text(graph, name), .text = copy, .len = len};
    *graph->private->files_end = file;
    graph->private->files_end = &file->next;
    return file;
}
