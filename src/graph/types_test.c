#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/model.h"
#include "graph/types.h"
#include "graph/types_library.h"

static const struct graph_finding *find(const struct graph *graph, const char *part)
{
    for (size_t i = 0; i < graph->finding_count; i++)
        if (strstr(graph->findings[i].message, part))
            return &graph->findings[i];
    return NULL;
}

/* A dataflow of two nodes: `a` sends `out`, `b` reads it as `in`. */
struct pair_graph {
    struct graph *graph;
    struct graph_output output;
    struct graph_input input;
    struct graph_node nodes[2];
};

static void pair_make(struct pair_graph *pair, const char *from, const char *to)
{
    *pair = (struct pair_graph){.graph = graph_new()};
    assert_non_null(pair->graph);
    pair->output = (struct graph_output){.id = "out", .type = from};
    pair->input = (struct graph_input){
        .id = "in", .source = "a", .source_output = "out", .queue_size = 10, .type = to, .place = {"f.yml", 3, 4}};
    pair->nodes[0] = (struct graph_node){.id = "a", .outputs = &pair->output, .output_count = 1};
    pair->nodes[1] = (struct graph_node){.id = "b", .inputs = &pair->input, .input_count = 1};
    pair->graph->path = "nowhere/dataflow.yml";
    pair->graph->nodes = pair->nodes;
    pair->graph->node_count = 2;
}

static size_t warnings_between(const char *from, const char *to, struct graph_type_rule *rules, size_t rule_count)
{
    struct pair_graph pair;
    pair_make(&pair, from, to);
    pair.graph->type_rules = rules;
    pair.graph->type_rule_count = rule_count;
    assert_int_equal(types_check(pair.graph), 0);
    size_t count = pair.graph->warning_count;
    graph_free(pair.graph);
    return count;
}

static void types_fit_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        size_t warnings;
    } cases[] = {
        {"std/core/v1/Float32", "std/core/v1/Float32", 0},
        {"std/core/v1/Float32", "std/core/v1/Float64", 0},
        {"std/core/v1/Float64", "std/core/v1/Float32", 1},
        {"std/core/v1/UInt8", "std/core/v1/UInt64", 0}, /* two steps */
        {"std/core/v1/UInt8", "std/core/v1/Int64", 1},
        {"std/media/v1/Image", "std/core/v1/Bytes", 0},
        {"std/core/v1/Bytes", "std/media/v1/Image", 1},
        {"std/media/v1/AudioFrame[sample_type=f32]", "std/media/v1/AudioFrame", 0},
        {"std/media/v1/AudioFrame", "std/media/v1/AudioFrame[sample_type=i16]", 0},
        {"std/media/v1/AudioFrame[sample_type=f32]", "std/media/v1/AudioFrame[sample_type=i16]", 1},
        {"std/media/v1/AudioFrame[a=1,b=2]", "std/media/v1/AudioFrame[c=3,b=2]", 0},
        {"std/media/v1/AudioFrame[a=1,b=2]", "std/media/v1/AudioFrame[b=3]", 1},
        {"std/media/v1/AudioFrame[a=1", "std/media/v1/AudioFrame[a=", 1}, /* malformed, and harmless */
        {"my/own/Thing", "std/core/v1/Float32", 0},                       /* unknown: said elsewhere */
        {NULL, "std/core/v1/Float32", 0},
        {"std/core/v1/Float32", NULL, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(warnings_between(cases[i].from, cases[i].to, NULL, 0), cases[i].warnings);
}

static void rules_extend_the_library(void **state)
{
    (void)state;
    const char *first = "std/media/v1/Image", *last = "std/media/v1/PointCloud";
    struct graph_type_rule chain[] = {
        {.from = "std/math/v1/Pose", .to = last},
        {.from = first, .to = "std/math/v1/Vector3"},
        {.from = "std/math/v1/Vector3", .to = "std/math/v1/Pose"},
        {.from = last, .to = first},
    };
    assert_int_equal(warnings_between(first, last, chain, 4), 0); /* three steps, in any order */
    assert_int_equal(warnings_between(first, last, chain, 2), 1);
    assert_int_equal(warnings_between("std/math/v1/Vector3", first, chain, 4), 0);
    struct graph_type_rule longer[] = {
        {.from = first, .to = "std/math/v1/Vector3"},
        {.from = "std/math/v1/Vector3", .to = "std/math/v1/Pose"},
        {.from = "std/math/v1/Pose", .to = "std/math/v1/Transform"},
        {.from = "std/math/v1/Transform", .to = last},
    };
    assert_int_equal(warnings_between(first, last, longer, 4), 1); /* four are too many */
    struct graph_type_rule wrong[] = {{.from = "std/media/v1/Imag", .to = last}};
    assert_int_equal(warnings_between(first, first, wrong, 1), 1);
}

static void messages_name_both_ends(void **state)
{
    (void)state;
    struct pair_graph pair;
    pair_make(&pair, "std/core/v1/Float64", "std/core/v1/Float32");
    assert_int_equal(types_check(pair.graph), 0);
    const struct graph_finding *finding =
        find(pair.graph,
             "node \"b\": type mismatch on input \"in\": upstream a/out declares \"std/core/v1/Float64\", but expected "
             "\"std/core/v1/Float32\"");
    assert_non_null(finding);
    assert_true(finding->is_type);
    assert_int_equal(finding->severity, GRAPH_WARNING);
    assert_int_equal(finding->place.line, 3);
    graph_free(pair.graph);

    pair_make(&pair, "std/core/v1/Float64", NULL);
    assert_int_equal(types_check(pair.graph), 0);
    finding = find(pair.graph, "input \"in\" inferred as \"std/core/v1/Float64\"");
    assert_non_null(finding);
    assert_int_equal(finding->severity, GRAPH_NOTE);
    graph_free(pair.graph);
}

static void strict_types_want_both_ends(void **state)
{
    (void)state;
    struct pair_graph pair;
    pair_make(&pair, NULL, "std/core/v1/Float32");
    pair.graph->strict_types = true;
    assert_int_equal(types_check(pair.graph), 0);
    const struct graph_finding *finding =
        find(pair.graph, "expects type \"std/core/v1/Float32\" but upstream a/out has no type annotation");
    assert_non_null(finding);
    assert_int_equal(finding->severity, GRAPH_ERROR);
    graph_free(pair.graph);
}

static void timers_give_uint64(void **state)
{
    (void)state;
    struct pair_graph pair;
    pair_make(&pair, NULL, "std/core/v1/String");
    pair.input.kind = GRAPH_INPUT_TIMER;
    pair.input.interval_ns = 1000;
    assert_int_equal(types_check(pair.graph), 0);
    assert_non_null(find(pair.graph, "timer provides \"std/core/v1/UInt64\", but expected \"std/core/v1/String\""));
    graph_free(pair.graph);
    pair_make(&pair, NULL, "std/core/v1/UInt64");
    pair.input.kind = GRAPH_INPUT_TIMER;
    pair.input.interval_ns = 1000;
    assert_int_equal(types_check(pair.graph), 0);
    assert_int_equal(pair.graph->finding_count, 0);
    graph_free(pair.graph);
}

static void notes_are_checked(void **state)
{
    (void)state;
    struct pair_graph pair;
    pair_make(&pair, NULL, NULL);
    const struct types_note notes[] = {
        {.kind = TYPES_NOTE_OUTPUT, .node = 0, .port = "oot", .value = "std/core/v1/Bool"},
        {.kind = TYPES_NOTE_OUTPUT, .node = 0, .port = "out", .value = "std/media/v1/Imgae"},
        {.kind = TYPES_NOTE_INPUT, .node = 1, .port = "in", .value = "Image"},
        {.kind = TYPES_NOTE_INPUT, .node = 1, .port = "gone", .value = "my/entirely/Other"},
        {.kind = TYPES_NOTE_METADATA, .node = 0, .port = "none", .value = "request_id"},
        {.kind = TYPES_NOTE_METADATA, .node = 0, .port = "none", .value = "goal_id"},
        {.kind = TYPES_NOTE_METADATA, .node = 0, .port = "out", .value = NULL},
        {.kind = TYPES_NOTE_PATTERN, .node = 0, .value = "service-sever"},
        {.kind = TYPES_NOTE_PATTERN, .node = 1, .value = "service-client"},
    };
    assert_int_equal(types_check_notes(pair.graph, notes, sizeof notes / sizeof *notes), 0);
    const struct graph_finding *finding =
        find(pair.graph, "node \"a\": output_types key \"oot\" not found in outputs list");
    assert_non_null(finding);
    assert_string_equal(finding->hint, "did you mean `out`?");
    assert_non_null(find(pair.graph, "node \"a\": unknown type \"std/media/v1/Imgae\" on output \"out\" (did you mean "
                                     "\"std/media/v1/Image\"?)"));
    assert_non_null(find(pair.graph, "node \"b\": unknown type \"Image\" on input \"in\" (did you mean "
                                     "\"std/media/v1/Image\"?)"));
    assert_non_null(find(pair.graph, "input_types key \"gone\" not found in inputs list"));
    assert_non_null(find(pair.graph, "unknown type \"my/entirely/Other\" on input \"gone\""));
    assert_non_null(find(pair.graph, "output_metadata key \"none\" not found in outputs list"));
    finding = find(pair.graph, "unknown pattern \"service-sever\", expected one of: service-server, service-client, "
                               "action-server, action-client");
    assert_non_null(finding);
    assert_string_equal(finding->hint, "did you mean `service-server`?");
    assert_int_equal(pair.graph->warning_count, 7);
    graph_free(pair.graph);
}

static void suggestions_prefer_the_package(void **state)
{
    (void)state;
    struct types_type user[] = {{.urn = "ax/v1/Caps"}, {.urn = "ab/v1/Cows"}};
    const struct types_library library = {user, 2};
    assert_string_equal(types_library_suggest(&library, "ab/v1/Cats"), "ab/v1/Cows");
    assert_string_equal(types_library_suggest(&library, "std/core/v1/Flaot32"), "std/core/v1/Float32");
    assert_string_equal(types_library_suggest(&library, "std/vision/v1/Image"), "std/media/v1/Image");
    assert_string_equal(types_library_suggest(&library, "Imgae"), "std/media/v1/Image");
    assert_null(types_library_suggest(&library, "mine/v1/Whatever"));
}

/* A folder for one test, with the types of the user in it. */
struct folder {
    char path[64];
};

static void write_file(const struct folder *folder, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void folder_make(struct folder *folder)
{
    strcpy(folder->path, "/tmp/dora-types-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    char path[128];
    static const char *const parts[] = {"types", "types/arm", "types/std"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s/%s", folder->path, parts[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
}

static void folder_remove(const struct folder *folder)
{
    static const char *const parts[] = {"types/arm/v1.yml", "types/std/v1.yml", "types/arm", "types/std", "types", ""};
    char path[128];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s/%s", folder->path, parts[i]);
        if (unlink(path) < 0)
            rmdir(path);
    }
}

static void users_types_are_read(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    write_file(&folder, "types/arm/v1.yml",
               "types:\n"
               "  Grasp:\n"
               "    arrow: Struct\n"
               "    description: How to hold it\n"
               "    fields:\n"
               "      - {name: pose, type: Pose}\n"
               "      - {name: widths, type: List<Float32>, nullable: false}\n"
               "      - {name: next, type: arm/v1/Grasp}\n"
               "    params: [{name: hand, default: left}]\n"
               "    metadata: [{key: goal_id}]\n");
    char path[128];
    snprintf(path, sizeof path, "%s/dataflow.yml", folder.path);
    struct graph *graph = graph_new();
    graph->path = path;
    struct types_library library;
    assert_int_equal(types_library_load(&library, graph, true), 0);
    assert_int_equal(graph->finding_count, 0);
    const struct types_type *type = types_library_find(&library, "arm/v1/Grasp[hand=right]");
    assert_non_null(type);
    assert_int_equal(type->field_count, 3);
    assert_true(type->fields[1].required);
    assert_false(type->fields[0].required);
    assert_string_equal(type->params[0].standard, "left");
    assert_string_equal(type->metadata[0].key, "goal_id");
    graph_free(graph);
    folder_remove(&folder);
}

static void faults_in_users_types_are_found(void **state)
{
    (void)state;
    struct folder folder;
    folder_make(&folder);
    write_file(&folder, "types/std/v1.yml", "types: {Mine: {arrow: Int8}}\n");
    write_file(&folder, "types/arm/v1.yml",
               "types:\n"
               "  A: {arrow: Struckt}\n"
               "  B: {arrow: Struct, fields: [{name: x, type: Flaot32}, {type: Int8}, 7]}\n"
               "  C: {description: no arrow}\n"
               "  D: 5\n");
    char path[128];
    snprintf(path, sizeof path, "%s/dataflow.yml", folder.path);
    struct graph *graph = graph_new();
    graph->path = path;
    struct types_library library;
    assert_int_equal(types_library_load(&library, graph, false), 0);
    assert_int_equal(graph->finding_count, 0); /* not asked for */
    assert_int_equal(types_library_load(&library, graph, true), 0);
    assert_non_null(find(graph, "the types under `std/` are built in"));
    assert_non_null(find(graph, "Arrow has no type `Struckt`"));
    const struct graph_finding *finding = find(graph, "the field `x` of `arm/v1/B` has an unknown type: `Flaot32`");
    assert_non_null(finding);
    assert_string_equal(finding->hint, "did you mean `std/core/v1/Float32`?");
    assert_true(graph->error_count >= 5);
    for (size_t i = 0; i < graph->finding_count; i++)
        assert_true(graph->findings[i].place.line > 0);
    graph_free(graph);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_fit_or_not),
        cmocka_unit_test(rules_extend_the_library),
        cmocka_unit_test(messages_name_both_ends),
        cmocka_unit_test(strict_types_want_both_ends),
        cmocka_unit_test(timers_give_uint64),
        cmocka_unit_test(notes_are_checked),
        cmocka_unit_test(suggestions_prefer_the_package),
        cmocka_unit_test(users_types_are_read),
        cmocka_unit_test(faults_in_users_types_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
