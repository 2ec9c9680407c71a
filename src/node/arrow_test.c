#include "node/arrow.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/arrow_print.h"

static void keep_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void keep_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

#define COUNT(type, ...) (sizeof((type[]){__VA_ARGS__}) / sizeof(type))
#define ARRAY(...)       (&(struct ArrowArray){.release = keep_array, __VA_ARGS__})
#define SCHEMA(...)      (&(struct ArrowSchema){.release = keep_schema, __VA_ARGS__})
#define BUFFERS(...)                                                                                                   \
    .n_buffers = COUNT(const void *, __VA_ARGS__), .buffers = (const void *[])                                         \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define CHILDREN(...)                                                                                                  \
    .n_children = COUNT(struct ArrowArray *, __VA_ARGS__), .children = (struct ArrowArray *[])                         \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define FIELDS(...)                                                                                                    \
    .n_children = COUNT(struct ArrowSchema *, __VA_ARGS__), .children = (struct ArrowSchema *[])                       \
    {                                                                                                                  \
        __VA_ARGS__                                                                                                    \
    }
#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define INTS(...)  ((const int32_t[]){__VA_ARGS__})
#define LONGS(...) ((const int64_t[]){__VA_ARGS__})

/* An array as two runs of bytes, each in a block of just its size, so that the sanitizer sees its ends. */
struct packed {
    void *payload, *meta;
    size_t payload_len, meta_len;
};

static void *exact(size_t size)
{
    void *memory = NULL;
    assert_int_equal(posix_memalign(&memory, ARROW_ALIGN, size ? size : 1), 0);
    return memory;
}

static struct packed pack(const struct ArrowArray *array, const struct ArrowSchema *schema)
{
    struct packed packed;
    struct error error = ERROR_INIT;
    int rc = arrow_measure(array, schema, &packed.payload_len, &packed.meta_len, &error);
    if (rc < 0)
        fail_msg("%s", error.message);
    packed.payload = exact(packed.payload_len);
    packed.meta = exact(packed.meta_len);
    arrow_write(array, schema, packed.payload, packed.meta);
    return packed;
}

static void unpack(struct packed packed)
{
    free(packed.payload);
    free(packed.meta);
}

static char *text_of(const struct ArrowArray *array, const struct ArrowSchema *schema)
{
    struct buf buf = {0};
    arrow_print_type(&buf, schema);
    buf_puts(&buf, " = ");
    arrow_print(&buf, array, schema);
    char *text = buf_take(&buf);
    assert_non_null(text);
    return text;
}

/* Whatever single byte changes, reading it ends, with success or refusal. */
static void mutate(struct packed packed, uint8_t *bytes, size_t len)
{
    static const uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff, 0x7f};
    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < sizeof changes; i++) {
            struct ArrowArray array;
            struct ArrowSchema schema;
            bytes[at] ^= changes[i];
            int rc = arrow_read(packed.payload, packed.payload_len, packed.meta, packed.meta_len, NULL, NULL, &array,
                                &schema);
            bytes[at] ^= changes[i];
            if (rc == 0) {
                free(text_of(&array, &schema));
                array.release(&array);
                schema.release(&schema);
            } else {
                assert_int_equal(rc, -EBADMSG);
            }
        }
    }
}

static void count_release(void *owner)
{
    ++*(int *)owner;
}

/* Sends the array through bytes and back, compares, and then reads what is damaged. */
static void check(const struct ArrowArray *array, const struct ArrowSchema *schema, const char *expected)
{
    struct packed packed = pack(array, schema);
    assert_int_equal(packed.payload_len % ARROW_ALIGN, 0);
    struct ArrowArray copy;
    struct ArrowSchema copy_schema;
    int released = 0;
    assert_int_equal(arrow_read(packed.payload, packed.payload_len, packed.meta, packed.meta_len, &released,
                                count_release, &copy, &copy_schema),
                     0);
    assert_int_equal(copy.length, array->length);
    char *before = text_of(array, schema), *after = text_of(&copy, &copy_schema);
    assert_string_equal(after, before);
    assert_string_equal(strstr(after, " = ") + 3, expected);
    copy.release(&copy);
    assert_int_equal(released, 1);
    copy_schema.release(&copy_schema);
    free(before);
    free(after);

    for (size_t cut = 0; cut < packed.meta_len; cut++) {
        void *shorter = memcpy(exact(cut), packed.meta, cut);
        assert_int_equal(arrow_read(packed.payload, packed.payload_len, shorter, cut, NULL, NULL, &copy, &copy_schema),
                         -EBADMSG);
        free(shorter);
    }
    mutate(packed, packed.meta, packed.meta_len);
    mutate(packed, packed.payload, packed.payload_len);
    unpack(packed);
}

static void test_fixed(void **state)
{
    (void)state;
    check(ARRAY(.length = 3, BUFFERS(NULL, INTS(1, -2, 3))), SCHEMA(.format = "i"), "[1, -2, 3]");
    check(ARRAY(.length = 3, .null_count = -1, BUFFERS(BYTES(5), INTS(1, -2, 3))), SCHEMA(.format = "i"),
          "[1, null, 3]");
    check(ARRAY(.length = 2, .offset = 1, .null_count = 1, BUFFERS(BYTES(5), INTS(1, -2, 3))), SCHEMA(.format = "i"),
          "[null, 3]");
    check(ARRAY(.length = 3, .offset = 9, .null_count = -1, BUFFERS(BYTES(0xff, 4), BYTES(0xff, 6))),
          SCHEMA(.format = "b"), "[null, true, null]");
    check(ARRAY(.length = 3, .offset = 9, BUFFERS(NULL, BYTES(0xff, 6))), SCHEMA(.format = "b"), "[true, true, false]");
    check(ARRAY(.length = 2, BUFFERS(NULL, "abcdef")), SCHEMA(.format = "w:3"), "[616263, 646566]");
    check(ARRAY(.length = 1, BUFFERS(NULL, LONGS(7, 0))), SCHEMA(.format = "d:10,-2"),
          "[07000000000000000000000000000000]");
    check(ARRAY(.length = 1, BUFFERS(NULL, LONGS(7))), SCHEMA(.format = "d:10,2,64"), "[7]");
    check(ARRAY(.length = 1, BUFFERS(NULL, LONGS(7))), SCHEMA(.format = "tsn:Europe/Berlin"), "[7]");
    check(ARRAY(.length = 0, BUFFERS(NULL, NULL)), SCHEMA(.format = "g"), "[]");
    check(ARRAY(.length = 2, .null_count = 2), SCHEMA(.format = "n"), "[null, null]");
}

static void test_binary(void **state)
{
    (void)state;
    check(ARRAY(.length = 3, .null_count = 1, BUFFERS(BYTES(5), INTS(0, 1, 1, 3), "abc")), SCHEMA(.format = "u"),
          "[\"a\", null, \"bc\"]");
    check(ARRAY(.length = 2, .offset = 1, BUFFERS(NULL, LONGS(0, 1, 3, 6), "abcdef")), SCHEMA(.format = "Z"),
          "[\"bc\", \"def\"]");
    check(ARRAY(.length = 1, BUFFERS(NULL, INTS(0, 0), NULL)), SCHEMA(.format = "z"), "[\"\"]");
    check(ARRAY(.length = 0, BUFFERS(NULL, NULL, NULL)), SCHEMA(.format = "z"), "[]");
    struct packed packed =
        pack(ARRAY(.length = 1, .offset = 2, BUFFERS(NULL, INTS(0, 1, 5, 9), "abcdefghi")), SCHEMA(.format = "u"));
    assert_int_equal(packed.payload_len, 2 * ARROW_ALIGN);
    assert_memory_equal(packed.payload, INTS(0, 4), 8);
    assert_memory_equal((char *)packed.payload + ARROW_ALIGN, "fghi\0", 5);
    unpack(packed);
}

static void test_view(void **state)
{
    (void)state;
    struct {
        int32_t size;
        char text[12];
    } views[] = {{3, "abc"}, {14, "long"}, {-1, "null"}};
    memcpy(views[1].text + 4, INTS(1, 2), 8);
    const char *first = "unused", *second = "..long enough text";
    check(ARRAY(.length = 3, .null_count = 1,
                BUFFERS(BYTES(3), views, first, second, LONGS((int64_t)strlen(first), (int64_t)strlen(second)))),
          SCHEMA(.format = "vu"), "[\"abc\", \"long enough te\", null]");
    check(ARRAY(.length = 1, BUFFERS(NULL, views, NULL)), SCHEMA(.format = "vz"), "[\"abc\"]");
}

static void test_lists(void **state)
{
    (void)state;
    struct ArrowArray *ints = ARRAY(.length = 5, .offset = 1, BUFFERS(NULL, INTS(0, 1, 2, 3, 4, 5)));
    struct ArrowSchema *item = SCHEMA(.format = "i", .name = "item");
    check(ARRAY(.length = 3, .null_count = 1, BUFFERS(BYTES(5), INTS(0, 2, 2, 5)), CHILDREN(ints)),
          SCHEMA(.format = "+l", FIELDS(item)), "[[1, 2], null, [3, 4, 5]]");
    check(ARRAY(.length = 1, .offset = 2, BUFFERS(NULL, LONGS(0, 2, 2, 5)), CHILDREN(ints)),
          SCHEMA(.format = "+L", FIELDS(item)), "[[3, 4, 5]]");
    check(ARRAY(.length = 2, .offset = 1, BUFFERS(NULL, INTS(9, 3, 0), INTS(9, 2, 5)), CHILDREN(ints)),
          SCHEMA(.format = "+vl", FIELDS(item)), "[[4, 5], [1, 2, 3, 4, 5]]");
    check(ARRAY(.length = 1, BUFFERS(NULL, LONGS(3), LONGS(1)), CHILDREN(ints)), SCHEMA(.format = "+vL", FIELDS(item)),
          "[[4]]");
    check(ARRAY(.length = 1, .offset = 1, BUFFERS(NULL), CHILDREN(ints)), SCHEMA(.format = "+w:2", FIELDS(item)),
          "[[3, 4]]");
    check(ARRAY(.length = 2, .null_count = 1, BUFFERS(BYTES(2)), CHILDREN(ints)),
          SCHEMA(.format = "+w:2", FIELDS(item)), "[null, [3, 4]]");
    struct ArrowArray *none = ARRAY(.length = 0, BUFFERS(NULL, NULL));
    check(ARRAY(.length = 0, BUFFERS(NULL, NULL), CHILDREN(none)), SCHEMA(.format = "+l", FIELDS(item)), "[]");
}

static void test_struct_and_map(void **state)
{
    (void)state;
    struct ArrowArray *keys = ARRAY(.length = 3, BUFFERS(NULL, INTS(0, 1, 2, 3), "abc"));
    struct ArrowArray *values = ARRAY(.length = 3, .null_count = 1, BUFFERS(BYTES(5), INTS(1, 2, 3)));
    struct ArrowArray *pairs = ARRAY(.length = 3, BUFFERS(NULL), CHILDREN(keys, values));
    struct ArrowSchema *pair =
        SCHEMA(.format = "+s", .name = "entries",
               FIELDS(SCHEMA(.format = "u", .name = "key"), SCHEMA(.format = "i", .name = "value")));
    check(pairs, pair, "[{key: \"a\", value: 1}, {key: \"b\", value: null}, {key: \"c\", value: 3}]");
    check(ARRAY(.length = 2, .offset = 1, .null_count = -1, BUFFERS(BYTES(4)), CHILDREN(keys, values)), pair,
          "[null, {key: \"c\", value: 3}]");
    check(ARRAY(.length = 2, BUFFERS(NULL, INTS(0, 1, 3)), CHILDREN(pairs)),
          SCHEMA(.format = "+m", .flags = ARROW_FLAG_MAP_KEYS_SORTED, FIELDS(pair)),
          "[[{key: \"a\", value: 1}], [{key: \"b\", value: null}, {key: \"c\", value: 3}]]");
    check(ARRAY(.length = 2, BUFFERS(NULL)), SCHEMA(.format = "+s"), "[{}, {}]");
}

static void test_union(void **state)
{
    (void)state;
    struct ArrowArray *ints = ARRAY(.length = 3, BUFFERS(NULL, INTS(1, 2, 3)));
    struct ArrowArray *texts = ARRAY(.length = 3, BUFFERS(NULL, INTS(0, 1, 2, 3), "abc"));
    struct ArrowSchema *number = SCHEMA(.format = "i", .name = "number");
    struct ArrowSchema *text = SCHEMA(.format = "u", .name = "text");
    check(ARRAY(.length = 3, BUFFERS(BYTES(5, 0, 5)), CHILDREN(ints, texts)),
          SCHEMA(.format = "+us:5,0", FIELDS(number, text)), "[5/1, 0/\"b\", 5/3]");
    check(ARRAY(.length = 2, .offset = 1, BUFFERS(BYTES(5, 0, 5)), CHILDREN(ints, texts)),
          SCHEMA(.format = "+us:5,0", FIELDS(number, text)), "[0/\"b\", 5/3]");
    check(ARRAY(.length = 2, .offset = 1, BUFFERS(BYTES(5, 0, 5), INTS(0, 2, 1)), CHILDREN(ints, texts)),
          SCHEMA(.format = "+ud:5,0", FIELDS(number, text)), "[0/\"c\", 5/2]");
}

static void test_encoded(void **state)
{
    (void)state;
    struct ArrowArray *texts = ARRAY(.length = 2, .offset = 1, BUFFERS(NULL, INTS(0, 1, 2, 3), "abc"));
    struct ArrowSchema *text = SCHEMA(.format = "u", .name = "values");
    check(
        ARRAY(.length = 3, .offset = 1, .null_count = 1, .dictionary = texts, BUFFERS(BYTES(0xb), BYTES(9, 1, 255, 0))),
        SCHEMA(.format = "C", .flags = ARROW_FLAG_DICTIONARY_ORDERED, .dictionary = text), "[\"c\", null, \"b\"]");
    struct ArrowArray *ends = ARRAY(.length = 2, .offset = 1, BUFFERS(NULL, INTS(0, 2, 4)));
    check(ARRAY(.length = 3, .offset = 1, CHILDREN(ends, texts)),
          SCHEMA(.format = "+r", FIELDS(SCHEMA(.format = "i", .name = "run_ends"), text)), "[\"b\", \"c\", \"c\"]");
}

static void test_metadata(void **state)
{
    (void)state;
    static const char metadata[] = "\1\0\0\0\3\0\0\0key\5\0\0\0value";
    check(ARRAY(.length = 1, BUFFERS(NULL, INTS(1))),
          SCHEMA(.format = "i", .name = "name", .flags = ARROW_FLAG_NULLABLE, .metadata = metadata), "[1]");
}

/* A consumer may move a child out of its parent and release the parent first. */
static void test_moved_child(void **state)
{
    (void)state;
    struct ArrowArray *ints = ARRAY(.length = 2, BUFFERS(NULL, INTS(1, 2)));
    struct packed packed = pack(ARRAY(.length = 2, BUFFERS(NULL), CHILDREN(ints, ints)),
                                SCHEMA(.format = "+s", FIELDS(SCHEMA(.format = "i"), SCHEMA(.format = "i"))));
    struct ArrowArray array, child;
    struct ArrowSchema schema, field;
    int released = 0;
    assert_int_equal(arrow_read(packed.payload, packed.payload_len, packed.meta, packed.meta_len, &released,
                                count_release, &array, &schema),
                     0);
    child = *array.children[1];
    array.children[1]->release = NULL;
    field = *schema.children[1];
    schema.children[1]->release = NULL;
    array.release(&array);
    schema.release(&schema);
    assert_null(array.release);
    assert_int_equal(released, 0);
    char *text = text_of(&child, &field);
    assert_string_equal(text, "i 0 = [1, 2]");
    free(text);
    child.release(&child);
    assert_int_equal(released, 1);
    field.release(&field);
    unpack(packed);
}

static void refuse(const struct ArrowArray *array, const struct ArrowSchema *schema, const char *part)
{
    size_t payload, meta;
    struct error error = ERROR_INIT;
    assert_int_equal(arrow_measure(array, schema, &payload, &meta, &error), -EINVAL);
    assert_int_equal(arrow_measure(array, schema, &payload, &meta, NULL), -EINVAL);
    if (!strstr(error.message, part))
        fail_msg("'%s' doesn't say '%s'", error.message, part);
}

static void test_contradictions(void **state)
{
    (void)state;
    struct ArrowArray *ints = ARRAY(.length = 2, BUFFERS(NULL, INTS(1, 2)));
    struct ArrowSchema *item = SCHEMA(.format = "i", .name = "item");
    refuse(NULL, item, "is NULL");
    refuse(ints, NULL, "has no schema");
    refuse(ints, &(struct ArrowSchema){.format = "i"}, "released");
    refuse(ints, SCHEMA(.format = "?"), "unknown type, format '?'");
    refuse(ints, SCHEMA(.format = NULL), "unknown type");
    refuse(ints, SCHEMA(.format = "u"), "has 2 buffers, its format 'u' 3");
    refuse(ints, SCHEMA(.format = "i", .dictionary = item), "dictionary");
    refuse(ints, SCHEMA(.format = "i", FIELDS(item)), "0 children, its schema 1");
    refuse(ARRAY(.length = 2, BUFFERS(NULL, NULL)), item, "NULL");
    refuse(ARRAY(.length = -1, BUFFERS(NULL, INTS(1))), item, "out of range");
    refuse(ARRAY(.length = 1, .offset = INT64_MAX, BUFFERS(NULL, INTS(1))), item, "out of range");
    refuse(ARRAY(.length = 1, .offset = INT64_MAX / 8, BUFFERS(NULL, INTS(1))), item, "more elements than memory");
    refuse(ARRAY(.length = 1, .null_count = 2, BUFFERS(NULL, INTS(1))), item, "null count");
    refuse(ARRAY(.length = 3, BUFFERS(NULL), CHILDREN(ints)), SCHEMA(.format = "+s", FIELDS(item)),
           "child 0 (item): the Arrow array has 2 elements");
    refuse(ARRAY(.length = 1, BUFFERS(NULL, INTS(1, 3)), CHILDREN(ints)), SCHEMA(.format = "+l", FIELDS(item)),
           "child 0 (item)");
    refuse(ARRAY(.length = 1, BUFFERS(NULL, INTS(1, 0)), CHILDREN(ints)), SCHEMA(.format = "+l", FIELDS(item)),
           "descend");
    refuse(ARRAY(.length = 1, BUFFERS(NULL), CHILDREN(NULL)), SCHEMA(.format = "+s", FIELDS(item)), "child 0");
    refuse(ARRAY(.length = 1, BUFFERS(NULL, INTS(0, 1)), CHILDREN(ints)), SCHEMA(.format = "+m", FIELDS(item)),
           "key and value");
    refuse(ARRAY(.length = 1, BUFFERS(BYTES(0)), CHILDREN(ints)), SCHEMA(.format = "+us:0,1", FIELDS(item)), "union");
    refuse(ARRAY(.length = 1, CHILDREN(ints, ints)), SCHEMA(.format = "+r", FIELDS(SCHEMA(.format = "f"), item)),
           "run ends");
}

static void test_formats(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",     "w",  "w:",  "w:x", "w:99999999999", "+w:-1",  "d:",      "d:0,1",   "d:3",    "d:3,1,", "d:3,1,127",
        "tsx:", "ts", "tss", "+us", "+ud:1,",        "+us:,1", "+us:1,1", "+us:128", "d:77,0", "ii"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refuse(ARRAY(.length = 0, BUFFERS(NULL, NULL)), SCHEMA(.format = bad[i]), "unknown type");
}

static void test_depth(void **state)
{
    (void)state;
    struct ArrowArray arrays[ARROW_DEPTH_MOST + 1];
    struct ArrowSchema schemas[ARROW_DEPTH_MOST + 1];
    struct ArrowArray *children[ARROW_DEPTH_MOST];
    struct ArrowSchema *fields[ARROW_DEPTH_MOST];
    const void *buffers[1] = {NULL};
    for (int i = 0; i <= ARROW_DEPTH_MOST; i++) {
        arrays[i] = *ARRAY(.length = 1, .n_buffers = 1, .buffers = buffers, .n_children = i > 0);
        schemas[i] = *SCHEMA(.format = "+s", .n_children = i > 0);
        if (i > 0) {
            children[i - 1] = &arrays[i - 1];
            fields[i - 1] = &schemas[i - 1];
            arrays[i].children = &children[i - 1];
            schemas[i].children = &fields[i - 1];
        }
    }
    struct packed packed = pack(&arrays[ARROW_DEPTH_MOST - 1], &schemas[ARROW_DEPTH_MOST - 1]);
    struct ArrowArray array;
    struct ArrowSchema schema;
    assert_int_equal(
        arrow_read(packed.payload, packed.payload_len, packed.meta, packed.meta_len, NULL, NULL, &array, &schema), 0);
    array.release(&array);
    schema.release(&schema);
    unpack(packed);
    refuse(&arrays[ARROW_DEPTH_MOST], &schemas[ARROW_DEPTH_MOST], "nested more than 64 levels");
}

static void test_plain(void **state)
{
    (void)state;
    const void *data;
    size_t size;
    struct ArrowArray array;
    struct ArrowSchema schema;
    int released = 0;
    const int32_t *ints = INTS(1, 2, 3);
    assert_true(
        arrow_is_plain(ARRAY(.length = 2, .offset = 1, BUFFERS(BYTES(7), ints)), SCHEMA(.format = "i"), &data, &size));
    assert_ptr_equal(data, ints + 1);
    assert_int_equal(size, 8);
    assert_int_equal(arrow_read_plain('i', data, size, &released, count_release, &array, &schema), 0);
    char *text = text_of(&array, &schema);
    assert_string_equal(text, "i '' 2 = [2, 3]");
    free(text);
    assert_true(arrow_is_plain(&array, &schema, &data, &size));
    array.release(&array);
    schema.release(&schema);
    assert_int_equal(released, 1);
    assert_true(arrow_is_plain(ARRAY(.length = 0), SCHEMA(.format = "n"), &data, &size));
    assert_int_equal(size, 0);
    assert_int_equal(arrow_read_plain('n', NULL, 0, NULL, NULL, &array, &schema), 0);
    assert_int_equal(array.length, 0);
    assert_string_equal(schema.format, "n");
    array.release(&array);
    assert_int_equal(arrow_read_plain('i', ints, 7, NULL, NULL, &array, &schema), -EBADMSG);
    assert_int_equal(arrow_read_plain('n', ints, 4, NULL, NULL, &array, &schema), -EBADMSG);
    assert_int_equal(arrow_read_plain('b', ints, 4, NULL, NULL, &array, &schema), -EBADMSG);
    assert_int_equal(arrow_read_plain('\0', ints, 0, NULL, NULL, &array, &schema), -EBADMSG);
    assert_false(arrow_is_plain(ARRAY(.length = 1), SCHEMA(.format = "n"), &data, &size));
    assert_false(arrow_is_plain(ARRAY(.length = 1, .null_count = 1, BUFFERS(BYTES(0), ints)), SCHEMA(.format = "i"),
                                &data, &size));
    assert_false(
        arrow_is_plain(ARRAY(.length = 1, BUFFERS(NULL, ints)), SCHEMA(.format = "i", .name = "x"), &data, &size));
    assert_false(arrow_is_plain(ARRAY(.length = 1, BUFFERS(NULL, ints)), SCHEMA(.format = "tdD"), &data, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),          cmocka_unit_test(test_binary),
        cmocka_unit_test(test_view),           cmocka_unit_test(test_lists),
        cmocka_unit_test(test_struct_and_map), cmocka_unit_test(test_union),
        cmocka_unit_test(test_encoded),        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_moved_child),    cmocka_unit_test(test_contradictions),
        cmocka_unit_test(test_formats),        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
