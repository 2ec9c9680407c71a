#include "gateway/stream_rx.h"

#include <string.h>

void stream_rx_open(struct stream_rx *rx)
{
    *rx = (struct stream_rx){.ack_at = CLOCK_NEVER};
}

/* Its place among the retired, or NULL. */
static uint64_t *find_retired(struct stream_rx *rx, uint64_t epoch)
{
    for (int i = 0; i < STREAM_RETIRED; i++)
        if (rx->retired[i] == epoch)
            return &rx->retired[i];
    return NULL;
}

static void begin(struct stream_rx *rx, const struct stream_head *head)
{
    memmove(rx->retired + 1, rx->retired, sizeof rx->retired - sizeof *rx->retired);
    rx->retired[0] = rx->epoch;
    rx->epoch = head->epoch;
    rx->expected = rx->handed = rx->complete = rx->acked = head->number;
    rx->bytes = 0;
    rx->ack_at = CLOCK_NEVER;
    rx->has_told = rx->is_asked = rx->again = false;
    rx->stranger = rx->told_stranger = 0;
}

/* A stream whose beginning we don't have: its sender shall go back to the oldest that it keeps. Told once, so that what
 * is under way doesn't bring an answer each. */
static bool meet(struct stream_rx *rx, const struct stream_head *head)
{
    uint64_t *retired = find_retired(rx, head->epoch);
    if (retired && head->kind != STREAM_PROBE)
        return false;
    /* Whoever asks lives, though another one was here in between. */
    if (retired)
        *retired = 0;
    if (head->kind != STREAM_PROBE && head->flags & STREAM_FIRST) {
        begin(rx, head);
        return true;
    }
    if (head->kind == STREAM_PROBE || rx->told_stranger != head->epoch) {
        rx->told_stranger = rx->stranger = head->epoch;
        rx->is_asked = true;
    }
    return false;
}

bool stream_rx_take(struct stream_rx *rx, const struct stream_head *head)
{
    if (head->kind == STREAM_ACK || (head->epoch != rx->epoch && !meet(rx, head)))
        return false;
    if (head->kind == STREAM_PROBE) {
        rx->is_asked = true;
        rx->again |= head->number > rx->expected;
        rx->stranger = 0;
        return false;
    }
    if (head->number < rx->expected) {
        rx->duplicates++;
        return false;
    }
    if (head->number > rx->expected && head->flags & STREAM_FIRST) {
        rx->lost += head->number - rx->expected;
        if (rx->handed == rx->expected)
            rx->handed = rx->complete = head->number;
        rx->expected = head->number;
    }
    if (head->number > rx->expected) {
        rx->gaps++;
        if (!rx->has_told)
            rx->has_told = rx->is_asked = rx->again = true;
        return false;
    }
    rx->expected++;
    rx->has_told = false;
    return true;
}

void stream_rx_handed(struct stream_rx *rx, const struct stream_head *head, size_t size, int64_t now)
{
    if (head->epoch != rx->epoch)
        return;
    rx->handed = head->number + 1;
    if (head->kind != STREAM_PART)
        rx->complete = rx->handed;
    rx->bytes += size;
    if (head->kind == STREAM_END)
        rx->is_asked = true;
    if (rx->ack_at == CLOCK_NEVER)
        rx->ack_at = clock_after(now, STREAM_ACK_DELAY);
}

int stream_rx_ack(struct stream_rx *rx, int64_t now, struct stream_head *ack, int64_t *until)
{
    bool is_due = rx->is_asked || rx->handed - rx->acked >= STREAM_MESSAGES / 4 || rx->bytes >= STREAM_BYTES / 4;
    *until = rx->ack_at;
    if (!is_due && now < rx->ack_at)
        return 0;
    if (rx->stranger) {
        *ack = (struct stream_head){.kind = STREAM_ACK, .flags = STREAM_AGAIN, .epoch = rx->stranger};
        rx->stranger = 0;
        rx->is_asked = rx->again;
        return 1;
    }
    *ack = (struct stream_head){.kind = STREAM_ACK,
                                .flags = rx->again ? STREAM_AGAIN : 0,
                                .epoch = rx->epoch,
                                .number = rx->complete,
                                .handed = rx->handed,
                                .expected = rx->expected};
    rx->is_asked = rx->again = false;
    rx->acked = rx->handed;
    rx->bytes = 0;
    rx->ack_at = *until = CLOCK_NEVER;
    return 1;
}
