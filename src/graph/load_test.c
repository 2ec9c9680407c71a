/* Reading files, printing findings, and running out of memory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "graph/test_graph.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

/* Allocations that still succeed; below 0: no limit. */
static long allocations_left = -1;

static bool may_allocate(void)
{
    if (allocations_left < 0)
        return true;
    if (allocations_left == 0)
        return false;
    allocations_left--;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return may_allocate() ? __real_realloc(memory, size) : NULL;
}

static char directory[] = "/tmp/graph_test_XXXXXX";

static const char *in_directory(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    autofile FILE *file = fopen(in_directory(name), "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fchmod(fileno(file), mode), 0);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    static const char *const names[] = {"camera",   "plain",   "script.py", "liboperator.so",
                                        "flow.yml", "big.yml", "fifo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        unlink(in_directory(names[i]));
    return rmdir(directory);
}

static void what_can_not_be_read_is_an_error(void **state)
{
    (void)state;
    struct error error = ERROR_INIT;
    assert_null(graph_load(in_directory("missing.yml"), NULL, &error));
    assert_int_equal(error.code, -ENOENT);
    assert_non_null(strstr(error.message, "missing.yml"));
    assert_null(graph_load(directory, NULL, &error));
    assert_int_equal(error.code, -EISDIR);
    assert_int_equal(mkfifo(in_directory("fifo"), 0600), 0);
    assert_null(graph_load(in_directory("fifo"), NULL, &error));
    assert_int_equal(error.code, -EINVAL);
    write_file("big.yml", "", 0600);
    assert_int_equal(truncate(in_directory("big.yml"), (16 << 20) + 1), 0);
    assert_null(graph_load(in_directory("big.yml"), NULL, &error));
    assert_int_equal(error.code, -EFBIG);
    assert_null(graph_load(in_directory("missing.yml"), NULL, NULL));
}

static bool finds(const struct graph *graph, const char *message, const char *hint)
{
    for (size_t i = 0; i < graph->finding_count; i++) {
        const struct graph_finding *finding = &graph->findings[i];
        if (strstr(finding->message, message) && (!hint || (finding->hint && strstr(finding->hint, hint))))
            return true;
    }
    return false;
}

static void sources_are_looked_up(void **state)
{
    (void)state;
    write_file("camera", "", 0755);
    write_file("plain", "", 0644);
    write_file("script.py", "", 0644);
    write_file("liboperator.so", "", 0644);
    write_file("flow.yml",
               "nodes:\n"
               "  - {id: a, path: camera}\n  - {id: b, path: ./script.py}\n  - {id: c, path: sh}\n"
               "  - {id: d, path: /bin/sh}\n  - {id: e, path: dynamic}\n  - {id: f, path: shell, args: ls}\n"
               "  - {id: g, path: nowhere, build: make}\n  - {id: h, path: 'https://example.com/x'}\n"
               "  - {id: i, path: nowhere, git: 'https://example.com/x'}\n"
               "  - {id: j, operator: {shared-library: operator}}\n  - {id: k, operator: {python: script.py}}\n"
               "  - {id: l, path: camrea}\n  - {id: m, path: plain}\n  - {id: n, path: no_such_command_anywhere}\n"
               "  - {id: o, operator: {shared-library: operatr}}\n  - {id: p, operator: {python: ./scrpt.py}}\n"
               "  - {id: q, path: nodir/x}\n  - {id: r, path: '${PWD}/nothing'}\n"
               "  - {id: s, path: ./plain}\n  - {id: t, path: .}\n",
               0644);
    struct error error = ERROR_INIT;
    struct graph_options options = {.check_sources = true};
    struct graph *graph = graph_load(in_directory("flow.yml"), &options, &error);
    assert_non_null(graph);
    if (graph->error_count != 10)
        test_show(graph);
    assert_int_equal(graph->error_count, 10);
    assert_true(finds(graph, "node `h`: its `path` is a URL", "download it"));
    assert_true(finds(graph, "node `l`: there is no file `camrea`", "did you mean `camera`?"));
    assert_true(finds(graph, "node `m`: the file `plain` is not executable", "chmod +x"));
    assert_true(finds(graph, "node `s`: the file `./plain` is not executable", in_directory("plain")));
    assert_true(finds(graph, "node `t`: `.` is a folder", "name the program in it"));
    assert_true(finds(graph, "nor a command of this name on PATH", NULL));
    assert_true(finds(graph, "there is no shared library `liboperatr.so`", "did you mean `liboperator.so`?"));
    assert_true(finds(graph, "there is no Python file `./scrpt.py`", "did you mean `script.py`?"));
    assert_true(finds(graph, "node `q`: there is no file `nodir/x`", "there is no directory"));
    autobuf struct buf found = {0};
    assert_int_equal(graph_find_program(graph, "camera", &found), 0);
    assert_string_equal(found.data, in_directory("camera"));
    buf_clear(&found);
    assert_int_equal(graph_find_program(graph, "sh", &found), 0);
    assert_non_null(strstr(found.data, "/sh"));
    assert_int_equal(graph_find_program(graph, "./sh", &found), -ENOENT);
    graph_free(graph);
}

static void findings_are_printed_as_by_a_compiler(void **state)
{
    (void)state;
    const char *text = "nodes:\n"
                       "  - {id: viewer, path: v, inputs: {\xc3\xa4: 1, image: camrea/image}}\n"
                       "  - {id: camera, path: c, outputs: [image], \x1b[31m: 1}\n";
    struct error error = ERROR_INIT;
    struct graph *graph = graph_parse(text, strcspn(text, "\x1b") - 2, "dir/flow.yml", NULL, &error);
    assert_non_null(graph);
    assert_true(graph->error_count > 0); /* the second line ends in the middle */
    graph_free(graph);
    text = "nodes:\n"
           "  - {id: viewer, path: v, description: \"\xc3\xa4\", inputs: {image: camrea/image}}\n"
           "  - {id: camera, path: c, outputs: [image]}\n";
    graph = graph_parse(text, strlen(text), "dir/flow.yml", NULL, &error);
    assert_non_null(graph);
    autobuf struct buf out = {0};
    graph_print_findings(graph, &out, false);
    assert_string_equal(out.data, "dir/flow.yml:2:61: error: input `viewer/image`: there is no node `camrea`\n"
                                  "     2 |   - {id: viewer, path: v, description: \"\xc3\xa4\", inputs: {image: "
                                  "camrea/image}}\n"
                                  "       |                                                             ^\n"
                                  "       = hint: did you mean `camera`?\n");
    graph_free(graph);
}

static void long_lines_are_cut_around_the_place(void **state)
{
    (void)state;
    autobuf struct buf text = {0}, out = {0};
    struct error error = ERROR_INIT;
    buf_puts(&text, "nodes: [{id: a, path: a, description: \"");
    for (int i = 0; i < 1000; i++)
        buf_puts(&text, "\xc3\xa4");
    buf_puts(&text, "\", wrong: 1, args: \"");
    for (int i = 0; i < 1000; i++)
        buf_putc(&text, 'x');
    buf_puts(&text, "\"}]\n");
    struct graph *graph = graph_parse(text.data, text.len, "t.yml", NULL, &error);
    assert_non_null(graph);
    graph_print_findings(graph, &out, false);
    assert_non_null(strstr(out.data, "wrong: 1"));
    assert_true(out.len < 800);
    graph_free(graph);
}

static void the_schema_is_json_with_every_definition(void **state)
{
    (void)state;
    autobuf struct buf out = {0};
    struct error error = ERROR_INIT;
    assert_int_equal(graph_schema(&out, &error), 0);
    json_t *schema = json_loads(out.data, 0, NULL);
    assert_non_null(schema);
    const json_t *definitions = json_object_get(schema, "$defs");
    const json_t *node = json_object_get(json_object_get(definitions, "node"), "properties");
    assert_non_null(json_object_get(node, "restart_policy"));
    /* Every reference leads to a definition. */
    for (const char *at = out.data; (at = strstr(at, "\"#/$defs/"));) {
        char name[64];
        at += strlen("\"#/$defs/");
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, "\""), at);
        assert_non_null(json_object_get(definitions, name));
    }
    json_decref(schema);
}

static void levels_have_names(void **state)
{
    (void)state;
    assert_string_equal(graph_log_level_name(GRAPH_LOG_TRACE), "trace");
    assert_null(graph_log_level_name(GRAPH_LOG_UNSET));
    assert_int_equal(graph_log_level_parse("WaRn"), GRAPH_LOG_WARN);
    assert_int_equal(graph_log_level_parse("loud"), GRAPH_LOG_UNSET);
}

/* Loads and prints with `allowed` allocations; true if that was enough. */
static bool load_with(const char *path, const struct graph_options *options, long allowed)
{
    struct error error = ERROR_INIT;
    allocations_left = allowed;
    struct graph *graph = graph_load(path, options, &error);
    bool enough = graph != NULL;
    if (!graph)
        assert_int_equal(error.code, -ENOMEM);
    if (graph) {
        autobuf struct buf printed = {0}, expanded = {0}, json = {0}, schema = {0};
        graph_print_findings(graph, &printed, true);
        enough &= !printed.failed;
        if (graph->error_count == 0) {
            int codes[] = {graph_expand(graph, &expanded, &error), graph_json(graph, &json, &error),
                           graph_schema(&schema, &error)};
            for (size_t i = 0; i < 3; i++) {
                assert_true(codes[i] == 0 || codes[i] == -ENOMEM);
                enough &= codes[i] == 0;
            }
        }
    }
    allocations_left = -1;
    graph_free(graph);
    return enough;
}

static void memory_that_runs_out_is_an_error(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* thousands of loads by one thread */
#endif
    static const char *const paths[] = {DESCRIPTORS "/valid/every_key.yml", DESCRIPTORS "/valid/operators.yml",
                                        DESCRIPTORS "/valid/ros2.yml", DESCRIPTORS "/invalid/module_files.yml",
                                        DESCRIPTORS "/invalid/wiring.yml"};
    struct graph_options options = {.check_sources = true}, none = {0};
    json_set_alloc_funcs(__wrap_malloc, free);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        long allowed = 0;
        while (!load_with(paths[i], i > 2 ? &options : &none, allowed) && allowed < 100000)
            allowed++;
        assert_in_range(allowed, 5, 99999);
    }
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_not_be_read_is_an_error),
        cmocka_unit_test(sources_are_looked_up),
        cmocka_unit_test(findings_are_printed_as_by_a_compiler),
        cmocka_unit_test(long_lines_are_cut_around_the_place),
        cmocka_unit_test(the_schema_is_json_with_every_definition),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
