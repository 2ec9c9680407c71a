#include "node/arrow_block.h"

#include <stdatomic.h>
#include <stdlib.h>

_Alignas(64) const unsigned char arrow_nothing[64];

struct arrow_block {
    atomic_size_t references;
    void *owner;
    void (*release_owner)(void *);
    _Alignas(8) unsigned char content[];
};

struct arrow_block *arrow_block_new(size_t references, size_t size, void *owner, void (*release_owner)(void *))
{
    struct arrow_block *block = calloc(1, sizeof *block + size);
    if (!block)
        return NULL;
    atomic_init(&block->references, references);
    block->owner = owner;
    block->release_owner = release_owner;
    return block;
}

void *arrow_block_content(struct arrow_block *block)
{
    return block->content;
}

void arrow_block_discard(struct arrow_block *block)
{
    free(block);
}

static void unref(struct arrow_block *block)
{
    /* acq_rel: whoever frees it comes after all other uses. */
    if (atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel) > 1)
        return;
    if (block->release_owner)
        block->release_owner(block->owner);
    free(block);
}

void arrow_block_release_array(struct ArrowArray *array)
{
    for (int64_t i = 0; i < array->n_children; i++)
        if (array->children[i]->release)
            array->children[i]->release(array->children[i]);
    if (array->dictionary && array->dictionary->release)
        array->dictionary->release(array->dictionary);
    array->release = NULL;
    unref(array->private_data);
}

void arrow_block_release_schema(struct ArrowSchema *schema)
{
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    if (schema->dictionary && schema->dictionary->release)
        schema->dictionary->release(schema->dictionary);
    schema->release = NULL;
    unref(schema->private_data);
}
