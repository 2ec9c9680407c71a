/* `dora graph`: a picture of a dataflow. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/write.h"
#include "cli/command.h"
#include "cli/findings.h"
#include "cli/report.h"
#include "graph/draw.h"

enum { NAMES_MAX = 10000 };

extern char **environ;

/* Creates STEM-graph.html in the current directory, or STEM-graph.N.html with the first N that is free. Returns the
 * descriptor, or a negative errno. */
static int create_page(const char *descriptor, char *name, size_t size)
{
    const char *slash = strrchr(descriptor, '/'), *base = slash ? slash + 1 : descriptor;
    const char *dot = strrchr(base, '.');
    int stem = dot && dot != base ? (int)(dot - base) : (int)strlen(base);
    for (int i = 0; i < NAMES_MAX; i++) {
        if (i)
            snprintf(name, size, "%.*s-graph.%d.html", stem, base, i);
        else
            snprintf(name, size, "%.*s-graph.html", stem, base);
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd >= 0 ? fd : -errno;
    }
    return -EEXIST;
}

static void open_page(char *name)
{
    char *argv[] = {(char[]){"xdg-open"}, name, NULL};
    pid_t pid;
    int status = 0;
    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) < 0 || status != 0)
        report_hint("`xdg-open` could not show it; open the file in a browser");
}

static int write_page(const struct graph *graph, const struct buf *page, bool show)
{
    char name[NAME_MAX + 1];
    autoclose int fd = create_page(graph->path, name, sizeof name);
    int result = fd < 0 ? fd : write_all(fd, page->data, page->len);
    if (result < 0) {
        report_error("can't write %s: %s", name, strerror(-result));
        return COMMAND_FAILED;
    }
    autofree char *path = realpath(name, NULL);
    printf("The graph is in %s\n", path ? path : name);
    fflush(stdout);
    if (show)
        open_page(name);
    return COMMAND_OK;
}

static int run(const struct options *options)
{
    bool mermaid = options_has(options, "mermaid"), dot = options_has(options, "dot");
    if (mermaid && dot) {
        report_error("`--mermaid` and `--dot` exclude each other");
        report_hint("give one of them, or none for an HTML page");
        return COMMAND_USAGE;
    }
    struct graph *graph = findings_load(options->operands[0], NULL);
    if (!graph)
        return COMMAND_FAILED;
    autobuf struct buf text = {0};
    int result = (mermaid ? draw_mermaid : dot ? draw_dot : draw_html)(graph, &text);
    int status = COMMAND_OK;
    if (result < 0) {
        report_error("can't draw %s: %s", graph->path, strerror(-result));
        status = COMMAND_FAILED;
    } else if (mermaid || dot) {
        fwrite(text.data, 1, text.len, stdout);
    } else {
        status = write_page(graph, &text, options_has(options, "open"));
    }
    graph_free(graph);
    return status;
}

static const struct option_spec options[] = {
    {.name = "mermaid", .help = "Print a Mermaid flowchart instead"},
    {.name = "dot", .help = "Print a Graphviz graph instead"},
    {.name = "open", .help = "Show the page in the browser"},
    {0},
};

const struct command command_graph = {
    .name = "graph",
    .operands = "PATH",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Draw a dataflow",
    .details =
        "Writes a page that shows the dataflow to NAME-graph.html in the current directory. The page needs nothing\n"
        "else, no network either.",
    .example = "dora graph dataflow.yml --open\n"
               "dora graph dataflow.yml --dot | dot -Tsvg > dataflow.svg",
    .options = options,
    .run = run,
};
