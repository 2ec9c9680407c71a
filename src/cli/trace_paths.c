#include "cli/trace_paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cli/trace_store.h"

/* One message's way, from its end back to its beginning. */
struct way {
    struct point {
        enum trace_step_kind kind;
        uint32_t node, topic, input;
        int64_t duration;
    } points[TRACE_STEPS_MOST];
    size_t count;
    uint32_t first;
    uint64_t first_sequence;
    int64_t total;
};

int trace_paths_init(struct trace_paths *paths)
{
    *paths = (struct trace_paths){.store = malloc(sizeof *paths->store)};
    return paths->store ? trace_store_init(paths->store) : -ENOMEM;
}

static void free_path(struct trace_path *path)
{
    for (size_t i = 0; i < path->step_count; i++)
        free(path->steps[i].durations);
    free(path->totals);
    free(path);
}

void trace_paths_free(struct trace_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        free_path(paths->paths[i]);
    free(paths->paths);
    if (paths->store)
        trace_store_free(paths->store);
    free(paths->store);
    *paths = (struct trace_paths){0};
}

int trace_paths_add(struct trace_paths *paths, const json_t *spans)
{
    json_t *span;
    size_t i;
    json_array_foreach(spans, i, span)
    {
        int rc = trace_store_add(paths->store, span);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- One way ---- */

static bool is_timer(const struct trace_store *store, uint32_t topic)
{
    return strncmp(store->names[topic], "dora/", 5) == 0;
}

static bool add_point(struct way *way, enum trace_step_kind kind, const struct trace_span *take, uint32_t topic,
                      int64_t duration)
{
    if (way->count == TRACE_STEPS_MOST)
        return false;
    way->points[way->count++] = (struct point){kind, take->node, topic, take->port, duration};
    return true;
}

static bool has_been_at(const struct way *way, uint32_t node)
{
    for (size_t i = 0; i < way->count; i++)
        if (way->points[i].kind == TRACE_HANDLING && way->points[i].node == node)
            return true;
    return false;
}

/* From the taking that it ends with. False: it can't be followed to its beginning. A loop in the dataflow is followed
 * once: the way begins where it would come to a node again. `first`: when each node took its first message that was
 * noted, 0: none; what it sent before may have a cause that was not noted. */
static bool follow(const struct trace_store *store, const int64_t *first, const struct trace_span *take,
                   struct way *way)
{
    int64_t end = take->time;
    for (;;) {
        way->first = take->topic;
        way->first_sequence = take->sequence;
        if (is_timer(store, take->topic)) {
            way->total = end - take->time;
            return way->count > 0;
        }
        const struct trace_span *send = trace_store_send(store, take->topic, take->sequence, take->time);
        if (!send || !add_point(way, TRACE_QUEUE, take, take->topic, take->time - send->time))
            return false;
        way->total = end - send->time;
        if (!send->has_cause)
            return send->time >= first[send->node];
        if (has_been_at(way, send->node))
            return true;
        take = trace_store_take(store, send->node, send->cause_topic, send->cause_sequence, send->time);
        if (!take || !add_point(way, TRACE_HANDLING, take, send->topic, send->time - take->time))
            return false;
    }
}

/* ---- Paths ---- */

static struct trace_path *new_path(struct trace_paths *paths, const struct way *way)
{
    struct trace_path **list = reallocarray(paths->paths, paths->count + 1, sizeof *list);
    if (!list)
        return NULL;
    paths->paths = list;
    struct trace_path *path = calloc(1, sizeof *path);
    if (!path)
        return NULL;
    const char **names = paths->store->names;
    path->first = names[way->first];
    path->step_count = way->count;
    for (size_t i = 0; i < way->count; i++) {
        const struct point *point = &way->points[way->count - 1 - i];
        path->steps[i] =
            (struct trace_step){point->kind, names[point->node], names[point->topic], names[point->input], NULL};
    }
    list[paths->count++] = path;
    return path;
}

static int grow(struct trace_path *path)
{
    size_t capacity = path->capacity ? 2 * path->capacity : 64;
    int64_t *totals = reallocarray(path->totals, capacity, sizeof *totals);
    if (!totals)
        return -ENOMEM;
    path->totals = totals;
    for (size_t i = 0; i < path->step_count; i++) {
        int64_t *durations = reallocarray(path->steps[i].durations, capacity, sizeof *durations);
        if (!durations)
            return -ENOMEM;
        path->steps[i].durations = durations;
    }
    path->capacity = capacity;
    return 0;
}

static int add_way(struct trace_path *path, const struct way *way)
{
    if (path->count == path->capacity && grow(path) < 0)
        return -ENOMEM;
    bool is_slowest = path->count == 0 || way->total > path->slowest;
    for (size_t i = 0; i < way->count; i++) {
        int64_t duration = way->points[way->count - 1 - i].duration;
        path->steps[i].durations[path->count] = duration;
        if (is_slowest)
            path->slowest_durations[i] = duration;
    }
    if (is_slowest) {
        path->slowest = way->total;
        path->slowest_sequence = way->first_sequence;
    }
    path->totals[path->count++] = way->total;
    return 0;
}

/* `known`: what a path goes through, as text, → its index. */
static int file_way(struct trace_paths *paths, const struct way *way, json_t *known)
{
    autobuf struct buf key = {0};
    buf_printf(&key, "%u", way->first);
    for (size_t i = 0; i < way->count; i++)
        buf_printf(&key, " %u.%u.%u", way->points[i].node, way->points[i].topic, way->points[i].input);
    if (key.failed)
        return -ENOMEM;
    const json_t *index = json_object_get(known, key.data);
    struct trace_path *path = index ? paths->paths[json_integer_value(index)] : new_path(paths, way);
    if (!path || (!index && json_object_set_new(known, key.data, json_integer((json_int_t)paths->count - 1)) < 0))
        return -ENOMEM;
    return add_way(path, way);
}

static int compare_durations(const void *left, const void *right)
{
    const int64_t *a = left, *b = right;
    return (*a > *b) - (*a < *b);
}

static int compare_paths(const void *left, const void *right)
{
    const struct trace_path *const *a = left, *const *b = right;
    if ((*a)->count != (*b)->count)
        return (*a)->count < (*b)->count ? 1 : -1;
    return ((*a)->step_count < (*b)->step_count) - ((*a)->step_count > (*b)->step_count);
}

static void sort_all(struct trace_paths *paths)
{
    for (size_t i = 0; i < paths->count; i++) {
        struct trace_path *path = paths->paths[i];
        qsort(path->totals, path->count, sizeof *path->totals, compare_durations);
        for (size_t k = 0; k < path->step_count; k++)
            qsort(path->steps[k].durations, path->count, sizeof *path->totals, compare_durations);
    }
    if (paths->count)
        qsort(paths->paths, paths->count, sizeof *paths->paths, compare_paths);
}

/* When each node that sends took its last message: it may not have sent yet what that one causes. 0 for others. */
static int64_t *last_takes(const struct trace_store *store)
{
    int64_t *last = calloc(store->name_count + 1, sizeof *last);
    if (!last)
        return NULL;
    for (size_t i = 0; i < store->effects.count; i++)
        last[store->effects.items[i].node] = 1;
    for (size_t i = 0; i < store->takes.count; i++) {
        const struct trace_span *take = &store->takes.items[i];
        if (last[take->node] && take->time > last[take->node])
            last[take->node] = take->time;
    }
    return last;
}

static int64_t *first_takes(const struct trace_store *store)
{
    int64_t *first = calloc(store->name_count + 1, sizeof *first);
    for (size_t i = 0; first && i < store->takes.count; i++) {
        const struct trace_span *take = &store->takes.items[i];
        if (!first[take->node] || take->time < first[take->node])
            first[take->node] = take->time;
    }
    return first;
}

int trace_paths_join(struct trace_paths *paths)
{
    struct trace_store *store = paths->store;
    int rc = trace_store_sort(store);
    if (rc < 0)
        return rc;
    json_t *known = json_object();
    int64_t *first = first_takes(store), *last = last_takes(store);
    if (!known || !first || !last)
        rc = -ENOMEM;
    for (size_t i = 0; rc == 0 && i < store->takes.count; i++) {
        const struct trace_span *take = &store->takes.items[i];
        struct way way = {.count = 0};
        if (take->time != last[take->node] && !trace_store_has_effect(store, take) && follow(store, first, take, &way))
            rc = file_way(paths, &way, known);
    }
    free(first);
    free(last);
    json_decref(known);
    sort_all(paths);
    return rc;
}

int64_t trace_percentile(const int64_t *sorted, size_t count, double share)
{
    if (!count)
        return 0;
    size_t index = (size_t)(share * (double)count);
    return sorted[index < count ? index : count - 1];
}
