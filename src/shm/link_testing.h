/* Both ends of a link in one process, for the tests of links. */
#ifndef SHM_LINK_TESTING_H
#define SHM_LINK_TESTING_H

#include "shm/testing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "shm/link_layout.h"

struct ends {
    struct arena arena;
    int fd; /* of the segment */
    struct link_edge edges[4];
    size_t count;
    struct link_tx tx;
    struct link_rx *rx; /* NULL when closed */
    uint64_t sequence;  /* of the message sent last */
};

static inline void ends_open(struct ends *ends, const struct link_edge *edges, size_t count)
{
    *ends = (struct ends){.count = count};
    memcpy(ends->edges, edges, count * sizeof *edges);
    ends->fd = link_create(edges, count, NULL);
    assert_true(ends->fd >= 0);
    assert_int_equal(arena_open(&ends->arena, NULL), 0);
    assert_int_equal(link_tx_open(&ends->tx, ends->fd, edges, count, NULL), 0);
    int arena_fd = fcntl(ends->arena.fd, F_DUPFD_CLOEXEC, 0);
    assert_int_equal(link_rx_open(&ends->rx, ends->fd, arena_fd, edges, count, NULL), 0);
}

static inline void ends_open_one(struct ends *ends, uint32_t limit, enum link_policy policy)
{
    ends_open(ends, &(struct link_edge){.limit = limit, .policy = policy}, 1);
}

/* Nothing is lent any more, and the arena has no block that somebody refers to. */
static inline void assert_all_is_back(const struct ends *ends)
{
    for (uint32_t i = 0; i < ends->tx.lent_count; i++)
        assert_int_equal(ends->tx.lent[i], 0);
    for (uint32_t i = 0; i < ends->arena.block_count; i++)
        assert_int_equal(ends->arena.blocks[i].refs, 0);
}

static inline void ends_close_rx(struct ends *ends)
{
    if (ends->rx)
        assert_int_equal(link_rx_close(ends->rx, false), 0);
    ends->rx = NULL;
}

static inline void ends_close(struct ends *ends)
{
    ends_close_rx(ends);
    link_tx_close(&ends->tx, &ends->arena);
    link_tx_close(&ends->tx, &ends->arena);
    assert_all_is_back(ends);
    arena_close(&ends->arena);
    close(ends->fd);
}

enum { SEND_PROTECTED = 1, SEND_FLUSH = 2, SEND_META = 4 };

/* Sends a message whose data are `size` bytes in a block, each the low byte of its sequence number; inline where `size`
 * is 0. SEND_META: another block for meta. Returns as link_tx_send; usable in threads and children. */
static inline int ends_send(struct ends *ends, uint32_t edge, size_t size, int how)
{
    uint64_t sequence = ends->sequence + 1;
    struct message_block block = {.block = ARENA_NONE}, meta = {.block = ARENA_NONE};
    check(link_tx_reclaim(&ends->tx, &ends->arena) == 0);
    if (size) {
        check(arena_alloc(&ends->arena, size, &block.block, NULL) == 0);
        memset(arena_data(&ends->arena, block.block), (int)(sequence & 0xff), size);
        block.offset = ends->arena.blocks[block.block].offset;
        block.size = size;
    }
    if (how & SEND_META) {
        check(arena_alloc(&ends->arena, 100, &meta.block, NULL) == 0);
        memset(arena_data(&ends->arena, meta.block), (int)(~sequence & 0xff), 100);
        meta.offset = ends->arena.blocks[meta.block].offset;
        meta.size = 100;
    }
    struct message message;
    message_pack(&message, sequence, 0, 'C', 0,
                 size ? (struct message_part){.block = &block}
                      : (struct message_part){&sequence, sizeof sequence, NULL},
                 how & SEND_META ? (struct message_part){.block = &meta} : (struct message_part){0});
    int rc = link_tx_send(&ends->tx, edge,
                          &(struct link_message){.message = &message,
                                                 .blocks = {block.block, meta.block},
                                                 .is_protected = how & SEND_PROTECTED,
                                                 .flush = how & SEND_FLUSH},
                          &ends->arena);
    if (size)
        arena_unref(&ends->arena, block.block);
    if (how & SEND_META)
        arena_unref(&ends->arena, meta.block);
    if (rc == 0)
        ends->sequence = sequence;
    return rc;
}

/* What is held of a message. */
struct taken {
    struct message message;
    struct link_hold data, meta;
};

static inline void check_content(const struct taken *taken)
{
    uint64_t sequence = taken->message.words[1];
    if (taken->data.link) {
        const unsigned char *bytes = link_hold_data(&taken->data);
        for (uint64_t i = 0; i < taken->data.block.size; i++)
            check(bytes[i] == (sequence & 0xff));
    } else {
        check(taken->message.words[MESSAGE_HEAD] == sequence);
    }
    if (taken->meta.link)
        check(*(const unsigned char *)link_hold_data(&taken->meta) == (~sequence & 0xff));
}

/* Takes a message and checks its content. Its sequence number, or 0 where there is none. */
static inline uint64_t take(struct link_rx *rx, uint32_t edge, struct taken *taken)
{
    int rc = link_rx_take(rx, edge, &taken->message, &taken->data, &taken->meta);
    check(rc == 0 || rc == 1);
    if (rc == 0)
        return 0;
    check_content(taken);
    return taken->message.words[1];
}

static inline void release(struct taken *taken)
{
    link_hold_release(&taken->data);
    link_hold_release(&taken->data); /* of nothing: does nothing */
    link_hold_release(&taken->meta);
}

static inline uint64_t take_and_release(struct link_rx *rx, uint32_t edge)
{
    struct taken taken;
    uint64_t sequence = take(rx, edge, &taken);
    release(&taken);
    return sequence;
}

#endif
