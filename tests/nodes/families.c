/* A node that sends an array of each Arrow type on `out`, named by the parameter `family`, for every tick of its input.
 */
#include <dora/dora.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MOST = 128, CHILDREN_MOST = 128, FAMILIES_MOST = 64 };

struct field {
    struct ArrowSchema *schema;
    struct ArrowArray *array;
};

static struct ArrowSchema schemas[FIELDS_MOST];
static struct ArrowArray arrays[FIELDS_MOST];
static const void *buffers[FIELDS_MOST][8];
static struct ArrowSchema *schema_children[CHILDREN_MOST];
static struct ArrowArray *array_children[CHILDREN_MOST];
static size_t field_count, child_count, family_count;

static struct family {
    const char *name;
    struct field field;
} families[FAMILIES_MOST];

/* All of it is static: there is nothing to release. */
static void release_array(struct ArrowArray *array)
{
    array->release = NULL;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

/* `content`: the buffers behind validity, up to NULL; unions and run ends have none of that. */
static struct field field(const char *format, int64_t length, const void *validity, const void *const *content)
{
    size_t i = field_count++;
    int64_t count = 0;
    int has_validity = strncmp(format, "+u", 2) != 0 && strcmp(format, "+r") != 0 && strcmp(format, "n") != 0;
    if (has_validity)
        buffers[i][count++] = validity;
    for (; content && *content; content++)
        buffers[i][count++] = *content;
    schemas[i] = (struct ArrowSchema){.format = format, .flags = ARROW_FLAG_NULLABLE, .release = release_schema};
    arrays[i] = (struct ArrowArray){.length = length,
                                    .null_count = validity                   ? -1
                                                  : strcmp(format, "n") == 0 ? length
                                                                             : 0,
                                    .n_buffers = count,
                                    .buffers = buffers[i],
                                    .release = release_array};
    return (struct field){&schemas[i], &arrays[i]};
}

#define FIELD(format, length, validity, ...)                                                                           \
    field(format, length, validity, (const void *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static struct field named(struct field child, const char *name)
{
    child.schema->name = name;
    return child;
}

static struct field with(struct field parent, const struct field *children, size_t count)
{
    parent.schema->children = &schema_children[child_count];
    parent.array->children = &array_children[child_count];
    parent.schema->n_children = parent.array->n_children = (int64_t)count;
    for (size_t i = 0; i < count; i++) {
        schema_children[child_count] = children[i].schema;
        array_children[child_count++] = children[i].array;
    }
    return parent;
}

#define WITH(parent, ...)                                                                                              \
    with(parent, (const struct field[]){__VA_ARGS__},                                                                  \
         sizeof((const struct field[]){__VA_ARGS__}) / sizeof(struct field))

static void add(const char *name, struct field field)
{
    families[family_count++] = (struct family){name, field};
}

static struct field int32s(void)
{
    static const int32_t values[] = {1, 2, 3, 4, 5, 6};
    return FIELD("i", 6, NULL, values);
}

static struct field words(void)
{
    static const int32_t offsets[] = {0, 2, 2, 7};
    return FIELD("u", 3, NULL, offsets, "ab\xc3\xa9\"\\\n");
}

static void make_numbers(void)
{
    static const int8_t i8[] = {-128, 127};
    static const uint8_t u8[] = {0, 255}, some[] = {5}, bits[] = {6};
    static const int16_t i16[] = {-32768, 32767};
    static const uint16_t u16[] = {0, 65535}, halves[] = {0x3c00, 0xc100, 0x7c00};
    static const int32_t i32[] = {INT32_MIN, INT32_MAX};
    static const uint32_t u32[] = {0, UINT32_MAX};
    static const int64_t i64[] = {INT64_MIN, INT64_MAX};
    static const uint64_t u64[] = {0, UINT64_MAX};
    static const float singles[] = {0.1f, -1, 1e30f};
    static double doubles[] = {0.1, 2, 0, 0};
    doubles[2] = strtod("nan", NULL);
    doubles[3] = -strtod("inf", NULL);
    static const uint64_t decimals[] = {1250, 0, (uint64_t)-7, UINT64_MAX};
    add("null", FIELD("n", 2, NULL));
    add("bool", FIELD("b", 3, some, bits));
    add("int8", FIELD("c", 2, NULL, i8));
    add("uint8", FIELD("C", 2, NULL, u8));
    add("int16", FIELD("s", 2, NULL, i16));
    add("uint16", FIELD("S", 2, NULL, u16));
    add("int32", FIELD("i", 2, NULL, i32));
    add("uint32", FIELD("I", 2, NULL, u32));
    add("int64", FIELD("l", 2, NULL, i64));
    add("uint64", FIELD("L", 2, NULL, u64));
    add("float16", FIELD("e", 3, NULL, halves));
    add("float32", FIELD("f", 3, NULL, singles));
    add("float64", FIELD("g", 4, NULL, doubles));
    add("decimal", FIELD("d:5,2", 2, NULL, decimals));
}

static void make_texts(void)
{
    static const int64_t large[] = {0, 2, 3};
    static const int32_t small[] = {0, 2, 3};
    static const struct view {
        int32_t size;
        char text[12];
    } views[] = {{5, "short"}, {0, ""}};
    static const int64_t no_sizes[1];
    add("utf8", words());
    add("large_utf8", FIELD("U", 2, NULL, large, "abc"));
    add("binary", FIELD("z", 2, NULL, small, "\x00\xff\x10"));
    add("fixed_binary", FIELD("w:2", 2, NULL, "\x01\x02\xfe\xff"));
    add("utf8_view", FIELD("vu", 2, NULL, views, no_sizes));
}

static void make_times(void)
{
    static const int32_t date32[] = {19782, -1}, time32[] = {45000500}, months[] = {14}, days_ms[] = {2, 1500};
    static const int64_t date64[] = {1709164800000}, time64[] = {1000000001};
    static const int64_t stamps[] = {1709209800500000, -1}, durations[] = {1500, -250};
    static const struct {
        int32_t months, days;
        int64_t ns;
    } all[] = {{1, 2, 3}};
    add("date32", FIELD("tdD", 2, NULL, date32));
    add("date64", FIELD("tdm", 1, NULL, date64));
    add("time32", FIELD("ttm", 1, NULL, time32));
    add("time64", FIELD("ttn", 1, NULL, time64));
    add("timestamp_utc", FIELD("tsu:UTC", 2, NULL, stamps));
    add("timestamp", FIELD("tsu:", 1, NULL, stamps));
    add("duration", FIELD("tDm", 2, NULL, durations));
    add("interval_months", FIELD("tiM", 1, NULL, months));
    add("interval_days", FIELD("tiD", 1, NULL, days_ms));
    add("interval_all", FIELD("tin", 1, NULL, all));
}

static void make_nested(void)
{
    static const int32_t offsets[] = {0, 2, 2, 6}, view_offsets[] = {4, 0}, view_sizes[] = {2, 1};
    static const int64_t large[] = {0, 1, 6};
    static const uint8_t some[] = {5}, codes[] = {2, 0};
    static const int8_t ids[] = {7, 3, 7};
    static const int32_t dense[] = {5, 1, 0}, ends[] = {2, 3};
    static const int32_t pairs[] = {0, 1, 3};
    add("list", WITH(FIELD("+l", 3, some, offsets), int32s()));
    add("large_list", WITH(FIELD("+L", 2, NULL, large), int32s()));
    add("list_view", WITH(FIELD("+vl", 2, NULL, view_offsets, view_sizes), int32s()));
    add("fixed_list", WITH(FIELD("+w:3", 2, NULL), int32s()));
    add("struct", WITH(FIELD("+s", 3, some), named(int32s(), "x"), named(words(), "name")));
    struct field entries = WITH(FIELD("+s", 3, NULL), named(words(), "key"), named(int32s(), "value"));
    add("map", WITH(FIELD("+m", 2, NULL, pairs), named(entries, "entries")));
    struct field dictionary = FIELD("C", 2, NULL, codes), names = words();
    dictionary.schema->dictionary = names.schema;
    dictionary.array->dictionary = names.array;
    add("dictionary", dictionary);
    add("dense_union", WITH(FIELD("+ud:7,3", 3, NULL, ids, dense), named(int32s(), "i"), named(words(), "s")));
    add("sparse_union", WITH(FIELD("+us:7,3", 3, NULL, ids), named(int32s(), "i"), named(words(), "s")));
    add("runs", WITH(FIELD("+r", 3, NULL), named(FIELD("i", 2, NULL, ends), "run_ends"), named(int32s(), "values")));
}

static void send_all(dora_node *node, dora_params *params)
{
    for (size_t i = 0; i < family_count; i++) {
        struct ArrowArray array = *families[i].field.array;
        struct ArrowSchema schema = *families[i].field.schema;
        dora_params_set_string(params, "family", families[i].name);
        if (dora_send_arrow(node, "out", &array, &schema, params) < 0)
            fprintf(stderr, "%s: %s\n", families[i].name, dora_node_error(node));
    }
}

int main(void)
{
    dora_node *node;
    dora_error error;
    dora_params *params = dora_params_new();
    make_numbers();
    make_texts();
    make_times();
    make_nested();
    if (!params || dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", params ? error.message : "no memory"), 1;
    dora_event *event;
    while (dora_next(node, &event, DORA_FOREVER) == 0) {
        if (dora_event_type(event) == DORA_EVENT_INPUT)
            send_all(node, params);
        dora_event_free(event);
    }
    dora_params_free(params);
    dora_node_close(node);
    return 0;
}
