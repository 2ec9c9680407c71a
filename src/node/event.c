/* Events: making, reading and freeing them. */
#include "node/event.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "node/arrow.h"
#include "node/params.h"

/* The memory of an event that was freed; NULL: there is none. Only the thread that receives takes it, so that nobody
 * else empties the place. */
static dora_event *take_spare(dora_node *node)
{
    /* acquire: whoever freed it has done with it. Pairs with keep_spare. */
    dora_event *event = atomic_load_explicit(&node->spare, memory_order_acquire);
    if (event)
        atomic_store_explicit(&node->spare, NULL, memory_order_relaxed);
    return event;
}

/* Puts an event's memory aside where none is. Any thread. */
static void keep_spare(dora_node *node, dora_event *event)
{
    dora_event *none = NULL;
    /* relaxed: a guess that saves the swap. */
    bool is_kept = atomic_load_explicit(&node->spare, memory_order_relaxed) == NULL;
    if (is_kept && lock_single_threaded())
        atomic_store_explicit(&node->spare, event, memory_order_relaxed);
    else if (is_kept) /* release: pairs with take_spare */
        is_kept = atomic_compare_exchange_strong_explicit(&node->spare, &none, event, memory_order_release,
                                                          memory_order_relaxed);
    if (!is_kept)
        event_free_memory(event);
}

/* In place of aligned_alloc, which takes three times as long. */
static dora_event *allocate(void)
{
    const uintptr_t align = _Alignof(dora_event) - 1;
    void *memory = malloc(sizeof(dora_event) + align);
    if (!memory)
        return NULL;
    dora_event *event = (dora_event *)(((uintptr_t)memory + align) & ~align);
    event->memory = memory;
    return event;
}

void event_free_memory(dora_event *event)
{
    if (event)
        free(event->memory);
}

dora_event *event_new(dora_node *node, dora_event_kind kind, const char *id)
{
    dora_event *event = take_spare(node);
    if (!event && !(event = allocate()))
        return NULL;
    event->node = node;
    event->refs = 1;
    event->kind = kind;
    event->id = id;
    event->text = NULL;
    event->message.words[1] = event->message.words[2] = event->message.words[3] = 0;
    event->data = event->type = NULL;
    event->size = event->type_len = 0;
    event->data_block.link = event->meta_block.link = NULL;
    event->params = NULL;
    event->message_text = "";
    event->format[0] = event->format[1] = '\0';
    return event;
}

int event_defer(struct notice ***end, dora_event *event)
{
    struct notice *notice = malloc(sizeof *notice);
    if (!notice) {
        event_unref(event);
        return -ENOMEM;
    }
    *notice = (struct notice){.event = event};
    **end = notice;
    *end = &notice->next;
    return 0;
}

dora_event *event_take_notice(struct notice **at, struct notice ***end)
{
    struct notice *notice = *at;
    dora_event *event = notice->event;
    *at = notice->next;
    if (!*at)
        *end = at;
    free(notice);
    return event;
}

int event_notice(dora_node *node, dora_event_kind kind, const char *id, const char *text, const char *json)
{
    size_t id_len = strlen(id) + 1, text_len = strlen(text) + 1, json_len = json ? strlen(json) : 0;
    dora_event *event = event_new(node, kind, id);
    if (!event)
        return -ENOMEM;
    char *copy = event->text = malloc(id_len + text_len + json_len + 1);
    if (!copy) {
        event_unref(event);
        return -ENOMEM;
    }
    event->id = memcpy(copy, id, id_len);
    event->message_text = memcpy(copy + id_len, text, text_len);
    if (json) {
        event->data = memcpy(copy + id_len + text_len, json, json_len + 1);
        event->size = json_len;
        event->format[0] = 'C';
    }
    return event_defer(&node->notices_end, event);
}

static void clear(dora_event *event)
{
    link_hold_release(&event->data_block);
    link_hold_release(&event->meta_block);
    dora_params_free(event->params);
    free(event->text);
}

void event_unref(dora_event *event)
{
    if (!ref_drop(&event->refs))
        return;
    clear(event);
    event_free_memory(event);
}

void dora_event_free(dora_event *event)
{
    if (!event)
        return;
    /* acquire: as in event_unref. When this is the only reference there is nobody to race with. */
    if (atomic_load_explicit(&event->refs, memory_order_acquire) != 1) {
        event_unref(event);
        return;
    }
    clear(event);
    keep_spare(event->node, event);
}

dora_event_kind dora_event_type(const dora_event *event)
{
    return event->kind;
}

const char *dora_event_id(const dora_event *event)
{
    return event->id;
}

const char *dora_event_text(const dora_event *event)
{
    return event->message_text;
}

const void *dora_event_data(const dora_event *event, size_t *size)
{
    if (size)
        *size = event->size;
    return event->size ? event->data : NULL;
}

size_t dora_event_size(const dora_event *event)
{
    return event->size;
}

const char *dora_event_format(const dora_event *event)
{
    /* One too long for its place is in `text`. */
    return event->kind == DORA_EVENT_INPUT && event->text ? event->text : event->format;
}

uint64_t dora_event_sequence(const dora_event *event)
{
    return event->message.words[1];
}

uint64_t dora_event_timestamp(const dora_event *event)
{
    return event->message.words[2];
}

const dora_params *dora_event_params(const dora_event *event)
{
    return event->params ? event->params : params_empty();
}

dora_stop_cause dora_event_stop_cause(const dora_event *event)
{
    return event->stop_cause;
}

static void unref_owner(void *event)
{
    event_unref(event);
}

int dora_event_arrow(const dora_event *event, struct ArrowArray *array, struct ArrowSchema *schema)
{
    if (event->kind != DORA_EVENT_INPUT)
        return -ENODATA;
    dora_event *owner = (dora_event *)event;
    ref_take(&owner->refs);
    int rc = message_format(&event->message) == PUBLISH_NESTED
                 ? arrow_read(event->data, event->size, event->type, event->type_len, owner, unref_owner, array, schema)
                 : arrow_read_plain(event->format[0], event->data, event->size, owner, unref_owner, array, schema);
    if (rc < 0)
        event_unref(owner);
    return rc;
}
