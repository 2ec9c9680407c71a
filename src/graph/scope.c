#include "graph/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/findings.h"

static int by_local_id(const void *left, const void *right)
{
    const struct draft *a = *(struct draft *const *)left, *b = *(struct draft *const *)right;
    int order = strcmp(a->local_id, b->local_id);
    if (order)
        return order;
    return a->order < b->order ? -1 : a->order > b->order;
}

void scope_finish(struct load *load, struct scope *scope)
{
    struct draft **sorted = graph_alloc(load->graph, scope->draft_count * sizeof *sorted);
    if (!sorted || !scope->draft_count)
        return;
    memcpy(sorted, scope->drafts, scope->draft_count * sizeof *sorted);
    qsort(sorted, scope->draft_count, sizeof *sorted, by_local_id);
    for (size_t i = 1; i < scope->draft_count; i++)
        if (strcmp(sorted[i - 1]->local_id, sorted[i]->local_id) == 0) {
            const char *hint = graph_format(load->graph, "line %u has a node with this id; each needs its own",
                                            sorted[i - 1]->id_place.line);
            finding_add(load->graph, GRAPH_ERROR, false, sorted[i]->id_place, hint, "duplicate node id `%s`",
                        sorted[i]->local_id);
        }
    scope->by_id = sorted;
}

bool scope_moves_files(const struct scope *scope)
{
    /* A module's file that is looked at alone has no user, and stands where it stands. */
    return scope->module && scope->module->local_id;
}

struct draft *scope_find(const struct scope *scope, const char *local_id)
{
    size_t low = 0, high = scope->by_id ? scope->draft_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(scope->by_id[middle]->local_id, local_id);
        if (order == 0)
            return scope->by_id[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const char *scope_suggest(struct load *load, const struct scope *scope, const char *local_id)
{
    autofree const char **ids = findings_are_many(load->graph) ? NULL : calloc(scope->draft_count + 1, sizeof *ids);
    for (size_t i = 0; ids && i < scope->draft_count; i++)
        ids[i] = scope->drafts[i]->local_id;
    return ids ? keys_suggest(load->graph, local_id, ids, scope->draft_count) : NULL;
}
