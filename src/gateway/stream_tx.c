#include "gateway/stream_tx.h"

#include <errno.h>
#include <stdlib.h>

static const int64_t PATIENCE = 250 * CLOCK_MILLI, PATIENCE_MOST = 2 * CLOCK_SECOND;

void stream_tx_open(struct stream_tx *tx, uint64_t epoch)
{
    *tx = (struct stream_tx){.epoch = epoch, .probe_at = CLOCK_NEVER, .patience = PATIENCE};
}

static struct stream_item *item_at(const struct stream_tx *tx, uint64_t number)
{
    return &tx->items[number & (tx->capacity - 1)];
}

/* What lies below `number` counts in the window no more. */
static void credit(struct stream_tx *tx, uint64_t number)
{
    while (tx->credited < number)
        tx->bytes -= item_at(tx, tx->credited++)->size;
}

static void *let_go(struct stream_tx *tx)
{
    credit(tx, tx->oldest + 1);
    return item_at(tx, tx->oldest++)->owner;
}

/* A receiver that was started anew has nothing of what another one had handed on. */
static void go_back(struct stream_tx *tx, uint64_t number)
{
    tx->cursor = number > tx->oldest ? number : tx->oldest;
    while (tx->credited > tx->cursor)
        tx->bytes += item_at(tx, --tx->credited)->size;
}

bool stream_tx_drain(struct stream_tx *tx, struct stream_item *item)
{
    if (tx->oldest == tx->next) {
        free(tx->items);
        tx->items = NULL;
        tx->capacity = 0;
        return false;
    }
    *item = *item_at(tx, tx->oldest);
    let_go(tx);
    if (tx->cursor < tx->oldest)
        tx->cursor = tx->oldest;
    return true;
}

bool stream_tx_has_room(const struct stream_tx *tx)
{
    uint64_t ahead = tx->next - tx->credited;
    return ahead < 2 || (ahead < STREAM_MESSAGES && tx->bytes < STREAM_BYTES);
}

static int grow(struct stream_tx *tx)
{
    uint32_t capacity = tx->capacity ? tx->capacity * 2 : 16;
    struct stream_item *items = malloc(capacity * sizeof *items);
    if (!items)
        return -ENOMEM;
    for (uint64_t number = tx->oldest; number < tx->next; number++)
        items[number & (capacity - 1)] = *item_at(tx, number);
    free(tx->items);
    tx->items = items;
    tx->capacity = capacity;
    return 0;
}

int stream_tx_add(struct stream_tx *tx, struct stream_item item, int64_t now)
{
    uint64_t kept = stream_tx_kept(tx);
    if (kept == tx->capacity) {
        int rc = grow(tx);
        if (rc < 0)
            return rc;
    }
    *item_at(tx, tx->next++) = item;
    tx->bytes += item.size;
    if (kept == 0)
        tx->probe_at = clock_after(now, tx->patience);
    return 0;
}

static int ask(struct stream_tx *tx, int64_t now, struct stream_head *head)
{
    tx->is_asking = true;
    tx->patience = tx->patience * 2 < PATIENCE_MOST ? tx->patience * 2 : PATIENCE_MOST;
    tx->probe_at = clock_after(now, tx->patience);
    *head = (struct stream_head){.kind = STREAM_PROBE, .epoch = tx->epoch, .number = tx->cursor};
    return 1;
}

int stream_tx_next(struct stream_tx *tx, int64_t now, struct stream_head *head, struct stream_item *item,
                   int64_t *until)
{
    *until = tx->probe_at;
    if (now >= tx->probe_at)
        return ask(tx, now, head);
    if (!tx->is_matched || tx->is_asking || tx->cursor == tx->next)
        return 0;
    *item = *item_at(tx, tx->cursor);
    *head = (struct stream_head){.kind = item->kind,
                                 .flags = tx->cursor == tx->oldest ? STREAM_FIRST : 0,
                                 .epoch = tx->epoch,
                                 .number = tx->cursor};
    if (tx->cursor < tx->sent)
        tx->resent++;
    tx->cursor++;
    if (tx->sent < tx->cursor)
        tx->sent = tx->cursor;
    return 1;
}

void stream_tx_matched(struct stream_tx *tx, bool is_matched, int64_t now)
{
    bool is_back = is_matched && !tx->is_matched;
    tx->is_matched = is_matched;
    if (!is_back)
        return;
    tx->patience = PATIENCE;
    /* What was sent to nobody, or to somebody who is no more, has to be asked for; else there is nothing to ask. */
    if (tx->cursor > tx->oldest)
        tx->probe_at = now;
    else if (tx->oldest < tx->next)
        tx->probe_at = clock_after(now, tx->patience);
}

bool stream_tx_ack(struct stream_tx *tx, const struct stream_head *ack, int64_t now,
                   void (*release)(void *context, void *owner), void *context)
{
    if (ack->epoch != tx->epoch || ack->number > ack->handed || ack->handed > ack->expected || ack->expected > tx->sent)
        return false;
    tx->is_asking = false;
    tx->is_matched = true;
    if (ack->handed > tx->credited || ack->number > tx->oldest) {
        while (tx->oldest < ack->number)
            release(context, let_go(tx));
        credit(tx, ack->handed);
        tx->patience = PATIENCE;
        tx->probe_at = tx->oldest < tx->next ? clock_after(now, tx->patience) : CLOCK_NEVER;
    }
    if (ack->flags & STREAM_AGAIN && ack->expected < tx->cursor)
        go_back(tx, ack->expected);
    if (tx->cursor < tx->credited)
        tx->cursor = tx->credited;
    return true;
}
