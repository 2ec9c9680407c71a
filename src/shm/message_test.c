#include "shm/testing.h"

#include <string.h>

#include "shm/message.h"

static const unsigned char bytes[MESSAGE_INLINE + 1] = {
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, [MESSAGE_INLINE - 1] = 96};

static void the_parts_that_fit_come_out_as_they_went_in(void **state)
{
    (void)state;
    unsigned fitting = 0;
    for (size_t data = 0; data <= MESSAGE_INLINE; data++)
        for (size_t meta = 0; meta <= MESSAGE_INLINE; meta++) {
            if (!message_fits(data, meta))
                continue;
            fitting++;
            struct message message;
            memset(&message, 0xff, sizeof message);
            message_pack(&message, 7, 8, 'q', MESSAGE_FLUSH, (struct message_part){.bytes = bytes, .len = data},
                         (struct message_part){.bytes = bytes + 1, .len = meta});
            assert_int_equal(message.words[0], UINT64_MAX); /* the stamp is the ring's affair */
            assert_int_equal(message.words[1], 7);
            assert_int_equal(message.words[2], 8);
            assert_int_equal(message_format(&message), 'q');
            assert_int_equal(message_flags(&message), MESSAGE_FLUSH);
            assert_true(message_length(message.words[3]) <= MESSAGE_WORDS);
            assert_int_equal(message_data_size(&message), data);
            const void *part;
            size_t len;
            struct message_block block;
            message_data(&message, &part, &len, &block);
            assert_int_equal(len, data);
            assert_memory_equal(part, bytes, len);
            assert_int_equal((uintptr_t)part % 8, 0);
            message_meta(&message, &part, &len, &block);
            assert_int_equal(len, meta);
            assert_memory_equal(part, bytes + 1, len);
            assert_int_equal(block.block, UINT32_MAX);
            size_t used = message_length(message.words[3]);
            for (size_t i = used; i < MESSAGE_WORDS; i++)
                assert_int_equal(message.words[i], UINT64_MAX);
        }
    assert_true(fitting > MESSAGE_INLINE);
}

static void blocks_come_out_beside_either_part(void **state)
{
    (void)state;
    const struct message_block data = {1ull << 40, 1ull << 33, 5}, meta = {64, 200, UINT32_MAX - 1};
    for (int which = 1; which < 4; which++) {
        struct message message = {0};
        size_t room = which == 3 ? 0 : 8 * (MESSAGE_WORDS - MESSAGE_HEAD - MESSAGE_BLOCK);
        message_pack(&message, 1, 2, 'B', MESSAGE_PROTECTED,
                     which & 1 ? (struct message_part){.block = &data} : (struct message_part){bytes, room, NULL},
                     which & 2 ? (struct message_part){.block = &meta} : (struct message_part){bytes, room, NULL});
        assert_int_equal(message_flags(&message), MESSAGE_PROTECTED | which);
        assert_int_equal(message_length(message.words[3]),
                         which == 3 ? MESSAGE_HEAD + 2 * MESSAGE_BLOCK : MESSAGE_WORDS);
        assert_int_equal(message_data_size(&message), which & 1 ? data.size : room);
        const void *part;
        size_t len;
        struct message_block block;
        message_data(&message, &part, &len, &block);
        if (which & 1) {
            assert_null(part);
            assert_int_equal(len, data.size);
            assert_memory_equal(&block.offset, &data.offset, 16);
            assert_int_equal(block.block, data.block);
        } else {
            assert_int_equal(len, room);
            assert_memory_equal(part, bytes, room);
        }
        message_meta(&message, &part, &len, &block);
        if (which & 2) {
            assert_null(part);
            assert_int_equal(len, meta.size);
            assert_int_equal(block.offset, meta.offset);
            assert_int_equal(block.block, meta.block);
        } else {
            assert_int_equal(len, room);
            assert_memory_equal(part, bytes, room);
        }
    }
}

static void the_limits(void **state)
{
    (void)state;
    assert_true(message_fits(MESSAGE_INLINE, 0));
    assert_true(message_fits(0, MESSAGE_INLINE));
    assert_true(message_fits(MESSAGE_INLINE - 8, 8));
    assert_false(message_fits(MESSAGE_INLINE - 7, 1));
    assert_false(message_fits(MESSAGE_INLINE + 1, 0));
    assert_false(message_fits(0, MESSAGE_INLINE + 1));
    assert_false(message_fits(SIZE_MAX, 0));
    assert_false(message_fits(SIZE_MAX, SIZE_MAX));
    assert_true(message_fits_meta(72));
    assert_false(message_fits_meta(73));
    assert_false(message_fits_meta(SIZE_MAX));
}

static void absurd_lengths_are_beyond_a_message(void **state)
{
    (void)state;
    assert_true(message_length(UINT64_MAX & ~(3ull << 8)) > MESSAGE_WORDS);
    assert_true(message_length(0xffffull << 16) > MESSAGE_WORDS);
    assert_true(message_length(0xffffffffull << 32) > MESSAGE_WORDS);
    assert_true(message_length(97ull << 32) > MESSAGE_WORDS);
    assert_true(message_length(73ull << 32 | (uint64_t)MESSAGE_META_BLOCK << 8) > MESSAGE_WORDS);
    /* A length that a block makes meaningless is not believed. */
    assert_int_equal(message_length(UINT64_MAX), MESSAGE_HEAD + 2 * MESSAGE_BLOCK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_that_fit_come_out_as_they_went_in),
        cmocka_unit_test(blocks_come_out_beside_either_part),
        cmocka_unit_test(the_limits),
        cmocka_unit_test(absurd_lengths_are_beyond_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
