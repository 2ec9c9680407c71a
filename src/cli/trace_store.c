#include "cli/trace_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_value.h"

int trace_store_init(struct trace_store *store)
{
    *store = (struct trace_store){.numbers = json_object()};
    return store->numbers ? 0 : -ENOMEM;
}

void trace_store_free(struct trace_store *store)
{
    json_decref(store->numbers);
    free(store->names);
    free(store->takes.items);
    free(store->sends.items);
    free(store->effects.items);
    *store = (struct trace_store){0};
}

/* The names live as keys of `numbers`. */
static int number_of(struct trace_store *store, const char *name, uint32_t *number)
{
    const json_t *known = json_object_get(store->numbers, name);
    if (known) {
        *number = (uint32_t)json_integer_value(known);
        return 0;
    }
    if (store->name_count == store->name_capacity) {
        size_t capacity = store->name_capacity ? 2 * store->name_capacity : 64;
        const char **names = reallocarray(store->names, capacity, sizeof *names);
        if (!names)
            return -ENOMEM;
        store->names = names;
        store->name_capacity = capacity;
    }
    if (json_object_set_new(store->numbers, name, json_integer((json_int_t)store->name_count)) < 0)
        return -ENOMEM;
    *number = (uint32_t)store->name_count;
    store->names[store->name_count++] = json_object_iter_key(json_object_iter_at(store->numbers, name));
    return 0;
}

static int append(struct trace_spans *spans, const struct trace_span *span)
{
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity ? 2 * spans->capacity : 1024;
        struct trace_span *items = reallocarray(spans->items, capacity, sizeof *items);
        if (!items)
            return -ENOMEM;
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count++] = *span;
    return 0;
}

int trace_store_add(struct trace_store *store, const json_t *json)
{
    const json_t *cause = json_object_get(json, "cause");
    const char *kind = json_text(json, "kind");
    bool is_send = strcmp(kind, "send") == 0;
    if (!is_send && strcmp(kind, "take") != 0)
        return -EBADMSG;
    struct trace_span span = {
        .has_cause = json_is_object(cause),
        .sequence = (uint64_t)json_integer_value(json_object_get(json, "sequence")),
        .cause_sequence = (uint64_t)json_integer_value(json_object_get(cause, "sequence")),
        .time = json_integer_value(json_object_get(json, "time")),
    };
    int rc = number_of(store, json_text(json, "node"), &span.node);
    if (rc == 0)
        rc = number_of(store, json_text(json, "topic"), &span.topic);
    if (rc == 0)
        rc = number_of(store, json_text(json, "port"), &span.port);
    if (rc == 0 && span.has_cause)
        rc = number_of(store, json_text(cause, "topic"), &span.cause_topic);
    return rc < 0 ? rc : append(is_send ? &store->sends : &store->takes, &span);
}

static int order(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int compare_sends(const void *left, const void *right)
{
    const struct trace_span *a = left, *b = right;
    int result = order(a->topic, b->topic);
    if (result == 0)
        result = order(a->sequence, b->sequence);
    return result ? result : order((uint64_t)a->time, (uint64_t)b->time);
}

static int compare_takes(const void *left, const void *right)
{
    const struct trace_span *a = left, *b = right;
    int result = order(a->node, b->node);
    return result ? result : compare_sends(left, right);
}

static int compare_effects(const void *left, const void *right)
{
    const struct trace_span *a = left, *b = right;
    int result = order(a->node, b->node);
    if (result == 0)
        result = order(a->cause_topic, b->cause_topic);
    return result ? result : order(a->cause_sequence, b->cause_sequence);
}

static void sort(struct trace_spans *spans, int (*compare)(const void *, const void *))
{
    if (spans->count)
        qsort(spans->items, spans->count, sizeof *spans->items, compare);
}

int trace_store_sort(struct trace_store *store)
{
    store->effects.count = 0;
    for (size_t i = 0; i < store->sends.count; i++)
        if (store->sends.items[i].has_cause && append(&store->effects, &store->sends.items[i]) < 0)
            return -ENOMEM;
    sort(&store->sends, compare_sends);
    sort(&store->takes, compare_takes);
    sort(&store->effects, compare_effects);
    return 0;
}

/* The last item that is not behind `wanted`. */
static const struct trace_span *last_until(const struct trace_spans *spans, const struct trace_span *wanted,
                                           int (*compare)(const void *, const void *))
{
    size_t low = 0, high = spans->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&spans->items[middle], wanted) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &spans->items[low - 1] : NULL;
}

const struct trace_span *trace_store_send(const struct trace_store *store, uint32_t topic, uint64_t sequence,
                                          int64_t time)
{
    struct trace_span wanted = {.topic = topic, .sequence = sequence, .time = time};
    const struct trace_span *found = last_until(&store->sends, &wanted, compare_sends);
    return found && found->topic == topic && found->sequence == sequence ? found : NULL;
}

const struct trace_span *trace_store_take(const struct trace_store *store, uint32_t node, uint32_t topic,
                                          uint64_t sequence, int64_t time)
{
    struct trace_span wanted = {.node = node, .topic = topic, .sequence = sequence, .time = time};
    const struct trace_span *found = last_until(&store->takes, &wanted, compare_takes);
    return found && found->node == node && found->topic == topic && found->sequence == sequence ? found : NULL;
}

bool trace_store_has_effect(const struct trace_store *store, const struct trace_span *take)
{
    struct trace_span wanted = {.node = take->node, .cause_topic = take->topic, .cause_sequence = take->sequence};
    const struct trace_span *found = last_until(&store->effects, &wanted, compare_effects);
    return found && compare_effects(found, &wanted) == 0;
}
