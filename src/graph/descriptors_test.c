/* Runs over the descriptors in tests/descriptors: each valid one is valid, also after `expand`; each invalid one has
 * the errors that its comments `# expect:` list, no fewer and no more; and together they use every key of the tables.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "graph/draft.h"

static const char *const valid = DESCRIPTORS "/valid", *const invalid = DESCRIPTORS "/invalid";

static bool is_yaml(const char *name)
{
    size_t len = strlen(name);
    return len > 4 && strcmp(name + len - 4, ".yml") == 0;
}

static int for_each(const char *directory, bool deep, void (*visit)(const char *path, void *data), void *data)
{
    int count = 0;
    DIR *dir = opendir(directory);
    if (!dir)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (is_yaml(entry->d_name)) {
            visit(path, data);
            count++;
        } else if (deep && entry->d_name[0] != '.' && entry->d_type == DT_DIR) {
            count += for_each(path, true, visit, data);
        }
    }
    closedir(dir);
    return count;
}

static struct graph *load(const char *path, const struct graph_options *options)
{
    struct error error = ERROR_INIT;
    struct graph *graph = graph_load(path, options, &error);
    if (!graph)
        fail_msg("%s", error.message);
    return graph;
}

static void fail_with_findings(const struct graph *graph, const char *path, const char *why)
{
    autobuf struct buf out = {0};
    graph_print_findings(graph, &out, false);
    print_error("%s\n", out.data ? out.data : "");
    fail_msg("%s: %s", path, why);
}

static void expect_valid(const char *path, void *data)
{
    struct graph_options options = {.fragment = data != NULL};
    struct graph *graph = load(path, &options), *again;
    autobuf struct buf first = {0}, second = {0}, json = {0}, json_again = {0};
    struct error error = ERROR_INIT;
    if (graph->error_count)
        fail_with_findings(graph, path, "is valid");
    assert_int_equal(graph_expand(graph, &first, &error), 0);
    assert_int_equal(graph_json(graph, &json, &error), 0);
    again = graph_parse(first.data, first.len, path, &options, &error);
    assert_non_null(again);
    if (again->error_count)
        fail_with_findings(again, path, "is valid once expanded");
    assert_int_equal(graph_expand(again, &second, &error), 0);
    assert_int_equal(graph_json(again, &json_again, &error), 0);
    if (!data) { /* else it may have params such as "2.0", which read again as an env value is the number 2 */
        assert_string_equal(first.data, second.data);
        assert_string_equal(json.data, json_again.data);
    }
    graph_free(again);
    graph_free(graph);
}

static void valid_ones_are_valid_also_once_expanded(void **state)
{
    (void)state;
    assert_true(for_each(valid, false, expect_valid, NULL) > 5);
}

/* The lines "# expect: …" and "# hint: …" at the top of the file; returns how many errors are expected. */
static size_t check_expectations(const struct graph *graph, const char *path, const char *printed)
{
    autofile FILE *file = fopen(path, "r");
    char line[1024];
    size_t expected = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) && line[0] == '#') {
        line[strcspn(line, "\n")] = '\0';
        const char *text = strncmp(line, "# expect: ", 10) == 0 ? line + 10
                           : strncmp(line, "# hint: ", 8) == 0  ? line + 8
                                                                : NULL;
        if (text && !strstr(printed, text))
            fail_with_findings(graph, path, line);
        expected += strncmp(line, "# expect: ", 10) == 0;
    }
    return expected;
}

static void expect_invalid(const char *path, void *data)
{
    (void)data;
    struct graph *graph = load(path, NULL);
    autobuf struct buf printed = {0}, colored = {0};
    graph_print_findings(graph, &printed, false);
    graph_print_findings(graph, &colored, true);
    assert_true(colored.len > printed.len);
    size_t expected = check_expectations(graph, path, printed.data ? printed.data : "");
    if (expected == 0 || graph->error_count != expected)
        fail_with_findings(graph, path, "has as many errors as comments expect");
    for (size_t i = 0; i < graph->finding_count; i++) {
        assert_non_null(graph->findings[i].place.file);
        assert_true(graph->findings[i].place.line > 0 && graph->findings[i].place.column > 0);
    }
    graph_free(graph);
}

static void invalid_ones_have_the_errors_they_expect(void **state)
{
    (void)state;
    assert_true(for_each(invalid, false, expect_invalid, NULL) > 20);
}

struct coverage {
    const struct key *seen[400];
    size_t count;
};

static void cover(struct coverage *coverage, const struct tree *tree, const struct key_table *table)
{
    if (tree->kind == TREE_LIST) {
        for (size_t i = 0; i < tree->count; i++)
            cover(coverage, tree->items[i], table);
        return;
    }
    for (size_t p = 0; tree->kind == TREE_MAP && p < tree->count; p++)
        for (size_t k = 0; k < table->count; k++) {
            const struct key *key = &table->keys[k];
            const struct tree *value = tree->pairs[p].value;
            if (strcmp(key->name, tree->pairs[p].key->text) != 0)
                continue;
            assert_true(coverage->count < 400);
            coverage->seen[coverage->count++] = key;
            if (key->type == KEY_INPUTS) {
                for (size_t i = 0; i < value->count; i++)
                    cover(coverage, value->pairs[i].value, key->table);
            } else if (key->table) {
                cover(coverage, value, key->table);
            }
        }
}

static void cover_file(const char *path, void *data)
{
    autofree char *text = NULL;
    size_t len = 0;
    struct graph *graph = graph_new();
    assert_non_null(graph);
    assert_int_equal(file_read(path, 1 << 20, &text, &len), 0);
    struct graph_file *file = graph_file_add(graph, path, text, len);
    assert_non_null(file);
    const struct tree *tree = tree_read(graph, file);
    assert_non_null(tree);
    bool module = strstr(path, "/modules/") != NULL;
    struct coverage *coverage = data;
    size_t before = coverage->count;
    struct coverage own = {.count = 0};
    cover(&own, tree, module ? &keys_module_file : &keys_dataflow);
    for (size_t i = 0; i < own.count; i++) {
        bool known = false;
        for (size_t k = 0; k < coverage->count; k++)
            known |= coverage->seen[k] == own.seen[i];
        if (!known)
            coverage->seen[coverage->count++] = own.seen[i];
    }
    assert_true(coverage->count >= before);
    graph_free(graph);
}

static void every_key_is_used(void **state)
{
    (void)state;
    static const struct key_table *const tables[] = {
        &keys_dataflow,   &keys_debug,    &keys_type_rule,       &keys_node,        &keys_deploy,
        &keys_input,      &keys_operator, &keys_single_operator, &keys_python,      &keys_ros2,
        &keys_ros2_topic, &keys_ros2_qos, &keys_ros2_transport,  &keys_module_file, &keys_module_header};
    struct coverage coverage = {.count = 0};
    for_each(valid, true, cover_file, &coverage);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t k = 0; k < tables[t]->count; k++) {
            bool used = false;
            for (size_t i = 0; i < coverage.count; i++)
                used |= coverage.seen[i] == &tables[t]->keys[k];
            /* The hub can't be used yet, so no valid descriptor names it. */
            if (!used && strcmp(tables[t]->keys[k].name, "hub") != 0)
                fail_msg("no valid descriptor uses `%s` of %s", tables[t]->keys[k].name, tables[t]->what);
        }
}

/* What dora's own descriptors are by their names. */
static void expect_verdict(const char *path, void *data)
{
    const char *name = strrchr(path, '/') + 1;
    bool wrong = strncmp(name, "invalid-", 8) == 0;
    struct graph_options options = {.fragment = true};
    struct graph *graph = load(path, &options);
    if ((graph->error_count > 0) != wrong)
        fail_with_findings(graph, path, wrong ? "is invalid" : "is valid");
    graph_free(graph);
    if (!wrong && !strstr(path, "/modules/") && strncmp(name, "module-", 7) != 0)
        expect_valid(path, data);
}

static void dora_rs_descriptors_get_their_verdict(void **state)
{
    (void)state;
    bool fragment = true;
    int count = for_each(DORA_RS_DESCRIPTORS, true, expect_verdict, &fragment);
    if (count < 0) {
        print_message("skipped: there is no folder %s\n", DORA_RS_DESCRIPTORS);
        skip();
    }
    assert_true(count > 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_ones_are_valid_also_once_expanded),
        cmocka_unit_test(invalid_ones_have_the_errors_they_expect),
        cmocka_unit_test(every_key_is_used),
        cmocka_unit_test(dora_rs_descriptors_get_their_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
