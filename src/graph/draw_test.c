#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "graph/draw.h"
#include "graph/draw_layout.h"
#include "graph/draw_text.h"

static struct graph_output camera_outputs[] = {{.id = "image"}};
static struct graph_input camera_inputs[] = {
    {.id = "tick", .kind = GRAPH_INPUT_TIMER, .interval_ns = 33333333, .queue_size = 10}};
static struct graph_input end_inputs[] = {
    {.id = "image", .source = "camera", .source_output = "image", .queue_size = 3},
    {.id = "logs", .kind = GRAPH_INPUT_LOGS, .log_level = GRAPH_LOG_WARN, .log_node = "camera", .queue_size = 10},
    {.id = "picture", .source = "camera", .source_output = "image", .queue_size = 3},
    {.id = "tick", .kind = GRAPH_INPUT_TIMER, .interval_ns = 33333333, .queue_size = 10},
};
static struct graph_env camera_env[] = {{"GREETING", "<b>\"hello\" & 'bye'</b>"}};
static struct graph_node nodes[] = {
    {.id = "camera",
     .description = "</title><script>alert(1)</script>",
     .path = "nodes/camera.py",
     .inputs = camera_inputs,
     .input_count = 1,
     .outputs = camera_outputs,
     .output_count = 1,
     .env = camera_env,
     .env_count = 1},
    {.id = "end", .kind = GRAPH_NODE_DYNAMIC, .inputs = end_inputs, .input_count = 4},
};
static const struct graph graph = {.path = "flows/a&b.yml", .nodes = nodes, .node_count = 2};

static void mermaid_shows_every_edge(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(draw_mermaid(&graph, &out), 0);
    assert_string_equal(out.data, "flowchart TB\n"
                                  "  camera[\"camera\"]\n"
                                  "  _1([\"end\"])\n" /* a word of Mermaid's own */
                                  "  _0_0((\"timer 33.333 ms\"))\n"
                                  "  _0_0 -. \"tick\" .-> camera\n"
                                  "  camera -- \"image\" --> _1\n"
                                  "  _1_1[(\"logs of camera from warn on\")]\n"
                                  "  _1_1 -. \"logs\" .-> _1\n"
                                  "  camera -- \"image → picture\" --> _1\n"
                                  "  _0_0 -. \"tick\" .-> _1\n");
    buf_free(&out);
}

static void dot_shows_every_edge(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(draw_dot(&graph, &out), 0);
    assert_non_null(strstr(out.data, "digraph dataflow {"));
    assert_non_null(strstr(out.data, "\"camera\" [shape=box, label=\"camera\\ncamera.py\"];"));
    assert_non_null(strstr(out.data, "\"camera\" -> \"end\" [label=\"image → picture\"];"));
    assert_non_null(strstr(out.data, "\"dora/timer 33.333 ms\" -> \"end\" [label=\"tick\", style=dashed];"));
    buf_free(&out);
}

static void pages_escape_what_they_show(void **state)
{
    (void)state;
    struct buf out = {0};
    assert_int_equal(draw_html(&graph, &out), 0);
    assert_null(strstr(out.data, "alert(1)</script>"));
    assert_null(strstr(out.data, "<b>"));
    assert_non_null(strstr(out.data, "GREETING=&lt;b&gt;&quot;hello&quot; &amp; &#39;bye&#39;&lt;/b&gt;"));
    assert_non_null(strstr(out.data, "flows/a&amp;b.yml"));
    assert_non_null(strstr(out.data, "nodes/camera.py"));
    assert_non_null(strstr(out.data, "camera/image → end/picture"));
    assert_non_null(strstr(out.data, "queue: 3, drop oldest"));
    assert_null(strstr(out.data, "http://")); /* needs no network */
    assert_null(strstr(out.data, "https://"));
    buf_free(&out);
}

static void a_dataflow_without_nodes_is_drawn(void **state)
{
    (void)state;
    struct buf out = {0};
    const struct graph empty = {.path = "empty.yml"};
    assert_int_equal(draw_html(&empty, &out), 0);
    assert_int_equal(draw_mermaid(&empty, &out), 0);
    assert_int_equal(draw_dot(&empty, &out), 0);
    buf_free(&out);
}

static void intervals_use_the_largest_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {{2000000000, "2 s"}, {1500000000, "1500 ms"}, {20000, "20 µs"}, {33333333, "33.333 ms"}, {7, "7 ns"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf out = {0};
        draw_interval(&out, cases[i].ns);
        assert_string_equal(out.data, cases[i].text);
        buf_free(&out);
    }
}

/* Lays out `count` boxes with edges given as pairs of indexes. */
struct laid {
    struct layout_box boxes[64];
    struct layout_edge edges[512];
    struct layout layout;
};

static void lay_out(struct laid *laid, size_t count, const unsigned (*pairs)[2], size_t pair_count)
{
    memset(laid, 0, sizeof *laid);
    for (size_t b = 0; b < count; b++)
        laid->boxes[b] = (struct layout_box){.width = 100, .height = 60, .margin = 10};
    for (size_t e = 0; e < pair_count; e++)
        laid->edges[e] = (struct layout_edge){.from = pairs[e][0], .to = pairs[e][1], .from_dy = 30, .to_dy = 30};
    laid->layout =
        (struct layout){.boxes = laid->boxes, .box_count = count, .edges = laid->edges, .edge_count = pair_count};
    assert_int_equal(layout_run(&laid->layout), 0);
}

static void check_geometry(const struct laid *laid)
{
    const struct layout *layout = &laid->layout;
    for (size_t a = 0; a < layout->box_count; a++) {
        const struct layout_box *x = &laid->boxes[a];
        assert_true(x->x >= 0 && x->y >= 0);
        assert_true(x->x + x->column_width <= layout->width && x->y + x->height <= layout->height);
        for (size_t b = a + 1; b < layout->box_count; b++) {
            const struct layout_box *y = &laid->boxes[b];
            bool apart = x->x + x->column_width <= y->x || y->x + y->column_width <= x->x || x->y + x->height <= y->y ||
                         y->y + y->height <= x->y;
            assert_true(apart);
        }
    }
    for (size_t e = 0; e < layout->edge_count; e++) {
        const struct layout_edge *edge = &laid->edges[e];
        const struct layout_box *from = &laid->boxes[edge->from], *to = &laid->boxes[edge->to];
        const struct layout_point *points = layout->points + edge->point;
        const struct layout_point *last = &points[edge->point_count - 1];
        assert_true(edge->back == (from->column >= to->column));
        assert_true(points[0].x == from->x + from->column_width && points[0].y == from->y + 30);
        assert_true(last->x == to->x && last->y == to->y + 30);
        for (size_t p = 0; p < edge->point_count; p++) {
            assert_true(points[p].x >= 0 && points[p].x <= layout->width);
            assert_true(points[p].y >= 0 && points[p].y <= layout->height);
        }
    }
}

static void chains_are_straight(void **state)
{
    (void)state;
    static const unsigned pairs[][2] = {{2, 1}, {1, 0}};
    struct laid laid;
    lay_out(&laid, 3, pairs, 2);
    check_geometry(&laid);
    assert_int_equal(laid.boxes[2].column, 0);
    assert_int_equal(laid.boxes[0].column, 2);
    assert_true(laid.boxes[0].y == laid.boxes[1].y && laid.boxes[1].y == laid.boxes[2].y);
    layout_free(&laid.layout);
}

static void cycles_are_opened_where_data_comes_in(void **state)
{
    (void)state;
    /* 3 feeds the cycle 2 → 1 → 0 → 2; 1 also feeds itself. */
    static const unsigned pairs[][2] = {{0, 2}, {2, 1}, {1, 0}, {3, 2}, {1, 1}};
    struct laid laid;
    lay_out(&laid, 4, pairs, 5);
    check_geometry(&laid);
    assert_true(laid.edges[0].back);
    assert_false(laid.edges[1].back || laid.edges[2].back || laid.edges[3].back);
    assert_true(laid.edges[4].back);
    layout_free(&laid.layout);
}

static void two_crossing_edges_are_untangled(void **state)
{
    (void)state;
    static const unsigned pairs[][2] = {{0, 3}, {1, 2}};
    struct laid laid;
    lay_out(&laid, 4, pairs, 2);
    check_geometry(&laid);
    assert_true((laid.boxes[0].y < laid.boxes[1].y) == (laid.boxes[3].y < laid.boxes[2].y));
    layout_free(&laid.layout);
}

static void any_graph_has_a_layout(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 200; round++) {
        unsigned pairs[512][2];
        size_t boxes = 1 + (size_t)(rand_r(&seed) % 24), edges = (size_t)(rand_r(&seed) % 80);
        for (size_t e = 0; e < edges; e++)
            for (int end = 0; end < 2; end++)
                pairs[e][end] = (unsigned)((size_t)rand_r(&seed) % boxes);
        struct laid laid;
        lay_out(&laid, boxes, (const unsigned(*)[2])pairs, edges);
        check_geometry(&laid);
        layout_free(&laid.layout);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mermaid_shows_every_edge),
        cmocka_unit_test(dot_shows_every_edge),
        cmocka_unit_test(pages_escape_what_they_show),
        cmocka_unit_test(a_dataflow_without_nodes_is_drawn),
        cmocka_unit_test(intervals_use_the_largest_unit),
        cmocka_unit_test(chains_are_straight),
        cmocka_unit_test(cycles_are_opened_where_data_comes_in),
        cmocka_unit_test(two_crossing_edges_are_untangled),
        cmocka_unit_test(any_graph_has_a_layout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
