/* Streams over an engine that loses, doubles and delays, whose connections break, whose ends are started anew; and over
 * one that says nonsense. Time is the test's own. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/stream_rx.h"
#include "gateway/stream_tx.h"

/* ---- A world with two ends ---- */

enum { WIRE = 1 << 15, VALUES = 3000 };

struct packet {
    struct stream_head head;
    uint64_t value;
    int64_t due;
};

/* One direction: in order while a connection lives. */
struct wire {
    struct packet packets[WIRE];
    size_t first, end;
};

struct queued {
    struct stream_head head;
    uint64_t value;
};

struct world {
    uint64_t random;
    int64_t now, delay;
    struct stream_tx tx;
    struct stream_rx rx;
    struct wire there, back;
    bool is_up;
    uint64_t offered;         /* values put in so far */
    uint64_t got[VALUES * 4]; /* what was handed on, in order */
    size_t got_count;
    struct queued queue[STREAM_MESSAGES + 8]; /* taken, and not handed on yet */
    size_t queue_count;
    size_t size;  /* of each message */
    bool is_slow; /* the receiver hands on only now and then */
    bool doubles, in_parts;
    uint64_t rejected;
};

static uint64_t draw(struct world *world, uint64_t below)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % below;
}

static void put(struct world *world, struct wire *wire, struct stream_head head, uint64_t value)
{
    if (!world->is_up)
        return;
    for (int copies = 1 + (world->doubles && draw(world, 20) == 0); copies; copies--) {
        assert_true(wire->end - wire->first < WIRE);
        wire->packets[wire->end++ % WIRE] = (struct packet){head, value, world->now + world->delay};
    }
}

/* Heads go through their bytes. */
static struct stream_head through_bytes(const struct stream_head *head)
{
    uint8_t bytes[STREAM_HEAD_MOST];
    struct stream_head read;
    size_t len = stream_head_write(head, bytes);
    assert_int_equal(stream_head_read(bytes, len, &read), 0);
    return read;
}

static void released(void *context, void *owner)
{
    (void)context;
    (void)owner;
}

static void acknowledge(struct world *world)
{
    struct stream_head ack;
    int64_t until;
    while (stream_rx_ack(&world->rx, world->now, &ack, &until))
        put(world, &world->back, through_bytes(&ack), 0);
}

static void hand_on(struct world *world, size_t most)
{
    size_t count = world->queue_count < most ? world->queue_count : most;
    for (size_t i = 0; i < count; i++) {
        assert_true(world->got_count < VALUES * 4);
        world->got[world->got_count++] = world->queue[i].value;
        stream_rx_handed(&world->rx, &world->queue[i].head, world->size, world->now);
    }
    memmove(world->queue, world->queue + count, (world->queue_count - count) * sizeof *world->queue);
    world->queue_count -= count;
}

static void deliver(struct world *world)
{
    struct wire *there = &world->there, *back = &world->back;
    for (; there->first < there->end && there->packets[there->first % WIRE].due <= world->now; there->first++) {
        const struct packet *packet = &there->packets[there->first % WIRE];
        if (stream_rx_take(&world->rx, &packet->head)) {
            assert_true(world->queue_count < STREAM_MESSAGES + 8);
            world->queue[world->queue_count++] = (struct queued){packet->head, packet->value};
        }
        if (!world->is_slow)
            hand_on(world, SIZE_MAX);
        acknowledge(world);
    }
    for (; back->first < back->end && back->packets[back->first % WIRE].due <= world->now; back->first++)
        world->rejected +=
            !stream_tx_ack(&world->tx, &back->packets[back->first % WIRE].head, world->now, released, NULL);
}

/* Of values in parts, four are a message. */
static enum stream_kind kind_of(const struct world *world, uint64_t value)
{
    return world->in_parts && value % 4 ? STREAM_PART : STREAM_DATA;
}

/* One millisecond. */
static void pass(struct world *world, uint64_t values)
{
    struct stream_head head;
    struct stream_item item;
    int64_t until;
    world->now += CLOCK_MILLI;
    deliver(world);
    if (world->is_slow && draw(world, 30) == 0)
        hand_on(world, draw(world, 40));
    acknowledge(world);
    for (uint64_t i = 0; i < 8; i++) {
        if (world->offered < values && stream_tx_has_room(&world->tx)) {
            /* Owners are the values, from 1 on. */
            world->offered++;
            item = (struct stream_item){.kind = kind_of(world, world->offered),
                                        .size = world->size,
                                        .owner = (void *)(uintptr_t)world->offered};
            assert_int_equal(stream_tx_add(&world->tx, item, world->now), 0);
        }
    }
    while (stream_tx_next(&world->tx, world->now, &head, &item, &until) == 1)
        put(world, &world->there, through_bytes(&head), head.kind <= STREAM_PART ? (uint64_t)(uintptr_t)item.owner : 0);
    assert_true(world->tx.next - world->tx.credited <= STREAM_MESSAGES);
}

static void break_connection(struct world *world)
{
    world->is_up = false;
    world->there.first = world->there.end;
    world->back.first = world->back.end;
}

static void join(struct world *world)
{
    world->is_up = true;
    stream_tx_matched(&world->tx, true, world->now);
}

static struct world *open_world(uint64_t seed, size_t size)
{
    static struct world world;
    memset(&world, 0, sizeof world);
    world.random = seed * 2654435761u + 1;
    world.size = size;
    world.in_parts = seed % 2 == 0;
    world.delay = (int64_t)(1 + seed % 7) * CLOCK_MILLI;
    stream_tx_open(&world.tx, 1000 + seed);
    stream_rx_open(&world.rx);
    return &world;
}

static void close_world(struct world *world)
{
    struct stream_item item;
    while (stream_tx_drain(&world->tx, &item))
        ;
}

/* Goes on until all is acknowledged; a minute of the test's own time is more than enough. */
static void settle(struct world *world, uint64_t values)
{
    world->is_slow = false;
    for (int i = 0; i < 60000 && (world->offered < values || stream_tx_kept(&world->tx)); i++) {
        if (!world->is_up)
            join(world);
        pass(world, values);
        hand_on(world, SIZE_MAX);
    }
    assert_int_equal(world->offered, values);
    assert_int_equal(stream_tx_kept(&world->tx), 0);
}

static void check_each_once(const struct world *world, uint64_t values)
{
    assert_int_equal(world->got_count, values);
    for (uint64_t i = 0; i < values; i++)
        assert_int_equal(world->got[i], i + 1);
}

/* ---- Tests ---- */

static void test_each_once_over_breaking_connections(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct world *world = open_world(seed, seed % 3 == 0 ? 1 << 20 : 8);
        world->is_slow = seed % 2;
        world->doubles = seed % 5 == 0;
        for (int i = 0; i < 3000; i++) {
            if (!world->is_up && draw(world, 200) == 0)
                join(world);
            else if (world->is_up && draw(world, 150) == 0) {
                break_connection(world);
                if (draw(world, 2))
                    stream_tx_matched(&world->tx, false, world->now);
            }
            pass(world, 1000);
        }
        settle(world, 1000);
        check_each_once(world, 1000);
        assert_int_equal(world->rx.lost, 0);
        close_world(world);
    }
}

/* What was under way arrives after all, though the connection broke and what was lost has been sent again. */
static void test_late_packets(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct world *world = open_world(seed, 8);
        static struct packet late[WIRE];
        size_t late_count = 0;
        join(world);
        for (int i = 0; i < 2000; i++) {
            if (draw(world, 100) == 0 && late_count == 0) {
                for (size_t k = world->there.first; k < world->there.end; k++)
                    late[late_count++] = world->there.packets[k % WIRE];
                break_connection(world);
                stream_tx_matched(&world->tx, false, world->now);
                join(world);
            } else if (late_count && draw(world, 50) == 0) {
                for (size_t k = 0; k < late_count; k++)
                    put(world, &world->there, late[k].head, late[k].value);
                late_count = 0;
            }
            pass(world, 1000);
        }
        settle(world, 1000);
        check_each_once(world, 1000);
        close_world(world);
    }
}

/* A receiver that is started anew loses nothing; it may get again what the one before had not acknowledged. */
static void test_receiver_started_anew(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct world *world = open_world(seed, 8);
        world->is_slow = seed % 2;
        join(world);
        for (int i = 0; i < 1500; i++) {
            if (draw(world, 300) == 0) {
                if (draw(world, 2))
                    break_connection(world);
                stream_rx_open(&world->rx);
                world->queue_count = 0;
                join(world);
            }
            pass(world, 1000);
        }
        settle(world, 1000);
        uint64_t seen = 0;
        for (size_t i = 0; i < world->got_count; i++) {
            assert_true(world->got[i] <= seen + 1);
            /* One that was started anew begins at the beginning of a message. */
            if (world->in_parts && (i == 0 || world->got[i] != world->got[i - 1] + 1))
                assert_int_equal(world->got[i] % 4, 1);
            seen = world->got[i] > seen ? world->got[i] : seen;
        }
        assert_int_equal(seen, 1000);
        close_world(world);
    }
}

/* A sender that is started anew loses what it kept, and nothing comes twice or out of order; also when messages of the
 * one before arrive late. */
static void test_sender_started_anew(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct world *world = open_world(seed, 8);
        static struct packet late[WIRE];
        join(world);
        for (int i = 0; i < 1500; i++) {
            if (draw(world, 300) == 0) {
                struct stream_item item;
                size_t late_count = 0;
                for (size_t k = world->there.first; k < world->there.end; k++)
                    late[late_count++] = world->there.packets[k % WIRE];
                break_connection(world);
                while (stream_tx_drain(&world->tx, &item))
                    ;
                stream_tx_open(&world->tx, 5000 + (uint64_t)i);
                join(world);
                for (int k = 0; k < 30; k++)
                    pass(world, 1000);
                for (size_t k = 0; k < late_count; k++)
                    put(world, &world->there, late[k].head, late[k].value);
            }
            pass(world, 1000);
        }
        settle(world, 1000);
        for (size_t i = 1; i < world->got_count; i++)
            assert_true(world->got[i] > world->got[i - 1]);
        assert_int_equal(world->got[world->got_count - 1], 1000);
        close_world(world);
    }
}

/* Whoever can put to the keys can hinder the stream, but not harm either end. */
static void test_nonsense(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct world *world = open_world(seed, 8);
        join(world);
        for (int i = 0; i < 1000; i++) {
            struct stream_head head = {.kind = (enum stream_kind)(1 + draw(world, 7)),
                                       .flags = draw(world, 4),
                                       .epoch = draw(world, 2) ? world->tx.epoch : 1 + draw(world, 10),
                                       .number = draw(world, 3) ? draw(world, 2000) : draw(world, INT64_MAX),
                                       .handed = draw(world, 2) ? draw(world, 2000) : draw(world, INT64_MAX),
                                       .expected = draw(world, 2) ? draw(world, 2000) : draw(world, INT64_MAX)};
            if (head.kind == STREAM_ACK)
                put(world, &world->back, head, 0);
            else
                put(world, &world->there, head, 0);
            pass(world, 1000);
            const struct stream_tx *tx = &world->tx;
            assert_true(tx->oldest <= tx->credited && tx->credited <= tx->cursor && tx->cursor <= tx->sent &&
                        tx->sent <= tx->next);
        }
        close_world(world);
    }
}

static void test_acks_are_few(void **state)
{
    (void)state;
    struct world *world = open_world(1, 8);
    join(world);
    for (int i = 0; i < 1000; i++)
        pass(world, VALUES);
    check_each_once(world, VALUES);
    /* 3000 messages in 375 ms: one each 5 ms. */
    assert_true(world->back.end < 100);
    assert_int_equal(world->tx.resent, 0);
    /* Then silence, on both sides. */
    size_t there = world->there.end, back = world->back.end;
    for (int i = 0; i < 1000; i++)
        pass(world, VALUES);
    assert_int_equal(world->there.end, there);
    assert_int_equal(world->back.end, back);
    close_world(world);
}

static void test_a_gap_costs_one_round(void **state)
{
    (void)state;
    struct world *world = open_world(6, 8); /* 7 ms away */
    join(world);
    for (int i = 0; i < 10; i++)
        pass(world, VALUES);
    world->there.first = world->there.end; /* lost, though the connection lives */
    for (int i = 0; i < 400; i++)
        pass(world, VALUES);
    check_each_once(world, VALUES);
    /* What was lost, and what followed until the sender knew. */
    assert_true(world->tx.resent > 0 && world->tx.resent < 8 * 40);
    close_world(world);
}

static void test_the_window(void **state)
{
    (void)state;
    struct stream_tx tx;
    struct stream_item large = {.kind = STREAM_DATA, .size = 40 << 20}, small = {.kind = STREAM_DATA, .size = 8};
    stream_tx_open(&tx, 1);
    for (int i = 0; i < 2; i++) {
        assert_true(stream_tx_has_room(&tx));
        assert_int_equal(stream_tx_add(&tx, large, 0), 0);
    }
    assert_false(stream_tx_has_room(&tx));
    while (stream_tx_drain(&tx, &large))
        ;
    stream_tx_open(&tx, 1);
    for (int i = 0; i < STREAM_MESSAGES; i++) {
        assert_true(stream_tx_has_room(&tx));
        assert_int_equal(stream_tx_add(&tx, small, 0), 0);
    }
    assert_false(stream_tx_has_room(&tx));
    while (stream_tx_drain(&tx, &small))
        ;
}

static void test_nothing_is_sent_to_nobody(void **state)
{
    (void)state;
    struct stream_tx tx;
    struct stream_head head;
    struct stream_item item = {.kind = STREAM_DATA, .size = 8};
    int64_t until, now = 0;
    stream_tx_open(&tx, 1);
    assert_int_equal(stream_tx_next(&tx, now, &head, &item, &until), 0);
    assert_true(until == CLOCK_NEVER);
    stream_tx_add(&tx, item, now);
    assert_int_equal(stream_tx_next(&tx, now, &head, &item, &until), 0);
    /* It asks whether somebody is there, ever less often. */
    for (int64_t wait = 250; wait < 3000; wait = wait * 2 < 2000 ? wait * 2 : 2001) {
        assert_int_equal(until - now, (wait < 2000 ? wait : 2000) * CLOCK_MILLI);
        now = until;
        assert_int_equal(stream_tx_next(&tx, now, &head, &item, &until), 1);
        assert_int_equal(head.kind, STREAM_PROBE);
        assert_int_equal(stream_tx_next(&tx, now, &head, &item, &until), 0);
        if (wait > 2000)
            break;
    }
    stream_tx_drain(&tx, &item);
    stream_tx_drain(&tx, &item);
}

static void test_forms(void **state)
{
    (void)state;
    uint8_t bytes[STREAM_MESSAGE_HEAD + 5];
    struct stream_head head = {.kind = STREAM_DATA, .flags = STREAM_FIRST, .epoch = 0x0102030405060708, .number = 9};
    static const uint8_t expected[] = {'D', 'O', 'R', 'A', 1, 1, 1, 0, 8, 7, 6, 5, 4, 3, 2, 1, 9, 0, 0, 0, 0, 0, 0, 0};
    assert_int_equal(stream_head_write(&head, bytes), sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    struct stream_message message = {.sequence = 3, .timestamp = 4, .format = 'g', .meta_len = 5, .missed = 0x010203},
                          read;
    stream_message_write(&message, bytes);
    memcpy(bytes + STREAM_MESSAGE_HEAD, "hello", 5);
    assert_int_equal(stream_head_read(bytes, sizeof bytes, &head), 0);
    assert_int_equal(stream_message_read(bytes, sizeof bytes, &read), 0);
    assert_int_equal(read.sequence, 3);
    assert_int_equal(read.timestamp, 4);
    assert_int_equal(read.format, 'g');
    assert_int_equal(read.missed, 0x010203);
    assert_int_equal(read.meta_len, 5);
    assert_memory_equal(read.meta, "hello", 5);
    for (size_t len = 0; len < sizeof bytes; len++)
        assert_int_equal(stream_message_read(bytes, len, &read), -EBADMSG);
    for (size_t len = 0; len < STREAM_HEAD; len++)
        assert_int_equal(stream_head_read(bytes, len, &head), -EBADMSG);
    static const struct {
        size_t at;
        uint8_t value;
    } bad[] = {{0, 'd'}, {4, 2}, {5, 0}, {5, 8}, {5, STREAM_ACK}, {6, 2}, {6, 8}, {7, 1}, {23, 0x80}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t was = bytes[bad[i].at];
        bytes[bad[i].at] = bad[i].value;
        assert_int_equal(stream_head_read(bytes, sizeof bytes, &head), -EBADMSG);
        bytes[bad[i].at] = was;
    }
    struct stream_part part = {.size = 100, .offset = 99}, part_read;
    stream_part_write(&part, bytes);
    assert_int_equal(stream_part_read(bytes, STREAM_PART_HEAD, &part_read), 0);
    assert_int_equal(part_read.size, 100);
    assert_int_equal(part_read.offset, 99);
    assert_int_equal(stream_part_read(bytes, STREAM_PART_HEAD + 1, &part_read), -EBADMSG);
    part.offset = 100;
    stream_part_write(&part, bytes);
    assert_int_equal(stream_part_read(bytes, STREAM_PART_HEAD, &part_read), -EBADMSG);
    assert_true(stream_epoch() != stream_epoch());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_once_over_breaking_connections),
        cmocka_unit_test(test_late_packets),
        cmocka_unit_test(test_receiver_started_anew),
        cmocka_unit_test(test_sender_started_anew),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_acks_are_few),
        cmocka_unit_test(test_a_gap_costs_one_round),
        cmocka_unit_test(test_the_window),
        cmocka_unit_test(test_nothing_is_sent_to_nobody),
        cmocka_unit_test(test_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
