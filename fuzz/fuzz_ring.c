/* The shared memory of a link, written to by an attacker on either side between any two calls of the other. Whatever it
 * does, both ends keep within their memory, come back from every call, and the publisher gets every block back.
 *
 * The input is a list of steps: a byte that says which, and the bytes it needs. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shm/link_layout.h"
#include "shm/segment.h"

enum { EDGES = 2, HELD = 8, STEPS_MOST = 512 };

static const struct link_edge edges[EDGES] = {{.limit = 3}, {.limit = 8, .policy = LINK_BACKPRESSURE}};

struct input {
    const uint8_t *at, *end;
};

static uint64_t number(struct input *input, size_t bytes)
{
    uint64_t value = 0;
    for (; bytes && input->at < input->end; bytes--)
        value = value << 8 | *input->at++;
    return value;
}

struct world {
    struct arena arena;
    int fd;
    uint64_t *words; /* the segment, as the attacker sees it */
    size_t size;
    struct link_tx tx;
    struct link_rx *rx;
    struct link_view view;
    struct link_hold data[HELD], meta[HELD];
    uint64_t sequence;
};

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void open_link(struct world *world)
{
    void *map;
    world->size = link_size(edges, EDGES);
    world->fd = link_create(edges, EDGES, NULL);
    must(segment_map(world->fd, world->size, PROT_READ | PROT_WRITE, &map, NULL) == 0);
    world->words = map;
    must(link_tx_open(&world->tx, world->fd, edges, EDGES, NULL) == 0);
    int arena_fd = fcntl(world->arena.fd, F_DUPFD_CLOEXEC, 0);
    must(link_rx_open(&world->rx, world->fd, arena_fd, edges, EDGES, NULL) == 0);
    must(link_view_open(&world->view, world->fd, edges, EDGES, NULL) == 0);
}

/* What is held stays held. */
static void close_link(struct world *world)
{
    must(link_rx_close(world->rx, false) == 0);
    link_tx_close(&world->tx, &world->arena);
    for (uint32_t i = 0; i < world->arena.block_count; i++)
        must(world->arena.blocks[i].refs == 0);
    link_view_close(&world->view);
    munmap(world->words, world->size);
    close(world->fd);
}

static struct message_part block_of(struct world *world, size_t size, struct message_block *block)
{
    must(arena_alloc(&world->arena, size, &block->block, NULL) == 0);
    block->offset = world->arena.blocks[block->block].offset;
    block->size = size;
    return (struct message_part){.block = block};
}

static int send(struct world *world, struct input *input)
{
    uint8_t how = (uint8_t)number(input, 1);
    struct message_block data = {.block = ARENA_NONE}, meta = {.block = ARENA_NONE};
    struct message_part parts[2] = {{"inline", how & 7 ? 6 : 0, NULL}, {"parameters", how & 8 ? 10 : 0, NULL}};
    if (how & 16)
        parts[0] = block_of(world, (size_t)1 << (how & 7), &data);
    if (how & 32)
        parts[1] = block_of(world, 64, &meta);
    struct message message;
    message_pack(&message, ++world->sequence, 0, 'C', 0, parts[0], parts[1]);
    int rc = link_tx_send(
        &world->tx, how & 1,
        &(struct link_message){
            .message = &message, .blocks = {data.block, meta.block}, .is_protected = how & 64, .flush = how & 128},
        &world->arena);
    if (how & 16)
        arena_unref(&world->arena, data.block);
    if (how & 32)
        arena_unref(&world->arena, meta.block);
    return rc;
}

static void look(const struct link_hold *hold)
{
    if (hold->link && hold->block.size) {
        const volatile char *bytes = link_hold_data(hold);
        (void)bytes[0];
        (void)bytes[hold->block.size - 1];
    }
}

static void receive(struct world *world, struct input *input)
{
    uint8_t how = (uint8_t)number(input, 1);
    uint32_t edge = how & 1, at = how / 2 % HELD;
    link_hold_release(&world->data[at]);
    link_hold_release(&world->meta[at]);
    struct message message;
    must(link_rx_queued(world->rx, edge) <= edges[edge].limit);
    bool ready = link_rx_ready(world->rx, edge);
    int rc = link_rx_take(world->rx, edge, &message, &world->data[at], &world->meta[at]);
    must(ready || rc == 0);
    if (rc != 1) {
        must(!world->data[at].link && !world->meta[at].link);
        return;
    }
    const char *bytes;
    size_t len;
    struct message_block block;
    message_data(&message, (const void **)&bytes, &len, &block);
    must(!bytes || len <= MESSAGE_INLINE);
    message_meta(&message, (const void **)&bytes, &len, &block);
    must(!bytes || (len <= MESSAGE_INLINE && bytes + len <= (const char *)(&message + 1)));
    look(&world->data[at]);
    look(&world->meta[at]);
}

/* Where the words are that matter most: the heads of the two directions, of the rings, and the slots. */
static size_t interesting(const struct world *world, uint8_t which)
{
    size_t ring = link_ring_offset(edges, EDGES, which & 1) + (which & 2 ? ring_size(8) : 0);
    const size_t offsets[] = {
        0,
        offsetof(struct link_shared, head),
        ring + offsetof(struct ring_shared, head),
        ring + offsetof(struct ring_shared, tail),
        ring + offsetof(struct ring_shared, waiting),
        ring + offsetof(struct ring_shared, slots) + (which >> 5) * sizeof(struct ring_slot),
        ring + offsetof(struct ring_shared, slots) + (which >> 5) * sizeof(struct ring_slot) + 24,
        ring + offsetof(struct ring_shared, slots) + (which >> 5) * sizeof(struct ring_slot) + 32,
    };
    return offsets[which / 4 % 8] / 8 % (world->size / 8);
}

static int step(struct world *world, struct input *input)
{
    size_t at;
    switch (number(input, 1) % 9) {
    case 0:
    case 1:
        return send(world, input);
    case 2:
        receive(world, input);
        break;
    case 3:
        return link_tx_reclaim(&world->tx, &world->arena);
    case 4:
        at = number(input, 2) % (world->size / 8);
        world->words[at] = number(input, 8);
        break;
    case 5: /* a little more or less, or another value altogether */
        at = interesting(world, (uint8_t)number(input, 1));
        world->words[at] += (uint64_t)(int8_t)number(input, 1);
        break;
    case 6:
        at = interesting(world, (uint8_t)number(input, 1));
        world->words[at] = number(input, 8);
        break;
    case 7:
        for (uint32_t i = 0; i < EDGES; i++) {
            link_view_read(&world->view, i);
            link_tx_queued(&world->tx, i);
            link_rx_dropped(world->rx, i);
            link_tx_wait(&world->tx, i, 0);
        }
        break;
    case 8:
        close_link(world);
        open_link(world);
        break;
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct world world;
    if (!world.arena.base)
        must(arena_open(&world.arena, NULL) == 0);
    struct input input = {bytes, bytes + size};
    open_link(&world);
    for (int i = 0; i < STEPS_MOST && input.at < input.end; i++) {
        int rc = step(&world, &input);
        must(rc == 0 || rc == -EAGAIN || rc == -EBADMSG);
        if (rc == -EBADMSG) { /* the publisher closes a link whose subscriber writes nonsense */
            close_link(&world);
            open_link(&world);
        }
    }
    close_link(&world);
    for (size_t i = 0; i < HELD; i++) {
        look(&world.data[i]);
        look(&world.meta[i]);
        link_hold_release(&world.data[i]);
        link_hold_release(&world.meta[i]);
    }
    return 0;
}
