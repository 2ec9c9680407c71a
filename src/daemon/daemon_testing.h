/* What the tests of the daemon share: a dataflow of nodes that follow a script (fake_node.h), and what came of it. */
#ifndef DAEMON_TESTING_H
#define DAEMON_TESTING_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "daemon/dataflow.h"
#include "daemon/fake_node.h"

enum { NODES_MOST = 8, PORTS_MOST = 4, STEPS_MOST = 16 };

static const int64_t patience = 20 * CLOCK_SECOND;
static char program[256], directory[] = "/tmp/dora-daemon-XXXXXX";

/* A dataflow under test, its graph, and what came of it. */
struct run {
    uv_loop_t loop;
    struct daemon *daemon;
    struct dataflow *dataflow; /* NULL once finished */
    struct graph graph;
    struct graph_node nodes[NODES_MOST];
    struct graph_input inputs[NODES_MOST][PORTS_MOST];
    struct graph_output outputs[NODES_MOST][PORTS_MOST];
    const char *steps[NODES_MOST][STEPS_MOST];

    struct buf said[NODES_MOST]; /* by node: its lines */
    struct buf notices;
    bool ok, has_started;
    char error[256], order[256]; /* order: the results' ids, "a b c" */
    struct {
        bool ok;
        enum node_cause cause;
        int code;
        char because[32], message[256], tail[256];
        uint32_t restarts;
    } results[NODES_MOST];          /* in the order of the graph */
    const struct daemon_part *part; /* NULL: all nodes run here */
    bool is_ready;
    struct alarm *deadline, *poll;
    int descriptors; /* open before */
};

static inline int count_descriptors(void)
{
    int count = 0;
    DIR *dir = opendir("/proc/self/fd");
    while (dir && readdir(dir))
        count++;
    if (dir)
        closedir(dir);
    return count;
}

static inline int setup(void **state)
{
    struct run *run = calloc(1, sizeof *run);
    if (!run)
        return -1;
    run->descriptors = count_descriptors();
    run->graph = (struct graph){.path = "test.yml", .directory = directory, .nodes = run->nodes};
    *state = run;
    return uv_loop_init(&run->loop);
}

static inline int teardown(void **state)
{
    struct run *run = *state;
    alarm_close(run->deadline);
    alarm_close(run->poll);
    daemon_close(run->daemon);
    uv_run(&run->loop, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&run->loop);
    for (int i = 0; i < NODES_MOST; i++)
        buf_free(&run->said[i]);
    buf_free(&run->notices);
    if (count_descriptors() != run->descriptors) {
        fprintf(stderr, "%d descriptors, and %d before\n", count_descriptors(), run->descriptors);
        rc = -1;
    }
    if (waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD) {
        fprintf(stderr, "a process is left\n");
        rc = -1;
    }
    free(run);
    return rc;
}

/* Adds a node that takes these steps; the list ends with NULL. */
static inline struct graph_node *add(struct run *run, const char *id, ...)
{
    size_t index = run->graph.node_count++;
    struct graph_node *node = &run->nodes[index];
    *node = (struct graph_node){.id = id,
                                .kind = GRAPH_NODE_STANDARD,
                                .path = program,
                                .args = run->steps[index],
                                .inputs = run->inputs[index],
                                .outputs = run->outputs[index],
                                .min_log_level = GRAPH_LOG_UNSET};
    run->steps[index][node->arg_count++] = "node";
    va_list steps;
    va_start(steps, id);
    for (const char *step; (step = va_arg(steps, const char *));)
        run->steps[index][node->arg_count++] = step;
    va_end(steps);
    return node;
}

/* Joins output `name` of one node to an input of the same name of another. */
static inline void join(struct run *run, struct graph_node *from, const char *name, struct graph_node *to)
{
    size_t output = 0;
    while (output < from->output_count && strcmp(from->outputs[output].id, name) != 0)
        output++;
    if (output == from->output_count)
        from->outputs[from->output_count++] = (struct graph_output){.id = name};
    to->inputs[to->input_count++] = (struct graph_input){.id = name,
                                                         .kind = GRAPH_INPUT_NODE,
                                                         .source = from->id,
                                                         .source_output = name,
                                                         .source_node = (size_t)(from - run->nodes),
                                                         .queue_size = 10};
}

static inline void add_timer(struct graph_node *node)
{
    node->inputs[node->input_count++] =
        (struct graph_input){.id = "tick", .kind = GRAPH_INPUT_TIMER, .interval_ns = CLOCK_SECOND, .queue_size = 10};
}

static inline int index_of(const struct run *run, const char *id)
{
    for (size_t i = 0; i < run->graph.node_count; i++)
        if (strcmp(run->nodes[i].id, id) == 0)
            return (int)i;
    fail_msg("no node %s", id);
    return -1;
}

static inline void on_log(void *context, const struct log_line *line)
{
    struct run *run = context;
    buf_printf(&run->said[index_of(run, line->node)], "%s\n", line->message);
}

static inline void on_started(void *context)
{
    ((struct run *)context)->has_started = true;
}

static inline void on_ready(void *context)
{
    ((struct run *)context)->is_ready = true;
}

static inline void on_notice(void *context, const char *text)
{
    buf_printf(&((struct run *)context)->notices, "%s\n", text);
}

static inline void on_finished(void *context, const struct dataflow_result *result)
{
    struct run *run = context;
    run->dataflow = NULL;
    run->ok = result->ok;
    snprintf(run->error, sizeof run->error, "%s", result->error ? result->error : "");
    for (size_t i = 0; i < result->node_count; i++) {
        const struct node_result *node = &result->nodes[i];
        int index = index_of(run, node->id);
        run->results[index].ok = node->ok;
        run->results[index].cause = node->cause;
        run->results[index].code = node->code;
        run->results[index].restarts = node->restarts;
        snprintf(run->results[index].because, 32, "%s", node->because ? node->because : "");
        snprintf(run->results[index].message, 256, "%s", node->message);
        snprintf(run->results[index].tail, 256, "%s", node->stderr_tail);
        size_t len = strlen(run->order);
        snprintf(run->order + len, sizeof run->order - len, "%s%s", i ? " " : "", node->id);
    }
    uv_stop(&run->loop);
}

static inline void on_deadline(void *context)
{
    struct run *run = context;
    for (size_t i = 0; i < run->graph.node_count; i++)
        fprintf(stderr, "-- %s\n%s", run->nodes[i].id, run->said[i].data ? run->said[i].data : "");
    fail_msg("it takes too long");
}

static inline void start(struct run *run)
{
    struct daemon_options options = {.exit_when_nodes_finish = -1};
    struct daemon_observer observer = {.context = run,
                                       .log = on_log,
                                       .started = on_started,
                                       .notice = on_notice,
                                       .finished = on_finished,
                                       .ready = on_ready};
    struct error error = ERROR_INIT;
    if (daemon_open(&run->daemon, &run->loop, &options, &error) < 0 ||
        daemon_start_with(run->daemon, &run->graph, "0-0-0", &options, run->part, &observer, &run->dataflow, &error) <
            0)
        fail_msg("%s", error.message);
    assert_int_equal(alarm_open(&run->deadline, &run->loop, on_deadline, run, NULL), 0);
    alarm_set(run->deadline, patience);
}

static inline void finish(struct run *run)
{
    while (run->dataflow)
        uv_run(&run->loop, UV_RUN_DEFAULT);
}

/* Runs until the node has printed this. */
static inline void run_until(struct run *run, const char *id, const char *text)
{
    int index = index_of(run, id);
    while (!run->said[index].data || !strstr(run->said[index].data, text)) {
        assert_non_null(run->dataflow);
        uv_run(&run->loop, UV_RUN_ONCE);
    }
}

static inline void run_all(struct run *run)
{
    start(run);
    finish(run);
}

static inline void assert_said(struct run *run, const char *id, const char *lines)
{
    int index = index_of(run, id);
    assert_string_equal(run->said[index].data ? run->said[index].data : "", lines);
}

static inline const char *file(const char *name)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    unlink(path);
    return path;
}

static inline const char *words(const char *word, const char *rest)
{
    static char texts[8][400];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "%s:%s", word, rest);
    return text;
}

static inline void touch(const char *path)
{
    autoclose int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* For main: plays a fake node where that is asked for, and else runs the tests. */
#define RUN_TESTS(argc, argv, tests)                                                                                   \
    do {                                                                                                               \
        if ((argc) > 1 && strcmp((argv)[1], "node") == 0)                                                              \
            return fake_node((argc)-2, (argv) + 2);                                                                    \
        if (!testing_begin())                                                                                          \
            return 1;                                                                                                  \
        return testing_end(cmocka_run_group_tests(tests, NULL, NULL));                                                 \
    } while (0)

static inline bool testing_begin(void)
{
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    /* The first loop leaves behind what all loops share, which is no leak. */
    uv_loop_t loop;
    return len > 0 && mkdtemp(directory) && uv_loop_init(&loop) == 0 && uv_loop_close(&loop) == 0;
}

static inline int testing_end(int failed)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command) != 0 || failed;
}

#endif
