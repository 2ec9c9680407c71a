#include "cli/carry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base64.h"
#include "agent/files.h"
#include "base/cleanup.h"
#include "cli/json_value.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/session.h"

/* A piece may take its time where the way is slow. */
static const int64_t piece_patience = 120 * CLOCK_SECOND;

/* One file, on its way to one machine. */
struct load {
    struct control_client *client;
    const char *node, *machine; /* NULL: the coordinator's, whose name isn't known */
    const char *name;
    char sha256[SHA256_TEXT];
    int fd;
    uint64_t size, offset;
    bool has; /* it is over there */
};

static bool wants_to_be(const struct graph_node *node)
{
    return node->distribute && strcmp(node->distribute, "local") != 0;
}

static bool is_carried(const struct graph_node *node)
{
    return wants_to_be(node) && node->kind == GRAPH_NODE_STANDARD && node->path;
}

static bool anything_is(const struct graph *graph)
{
    bool is_any = false;
    for (size_t i = 0; i < graph->node_count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        if (wants_to_be(node) && node->kind == GRAPH_NODE_OPERATORS)
            fprintf(stderr, "warning: node `%s`: what its operators load is not carried to its machine yet\n",
                    node->id);
        is_any |= is_carried(node);
    }
    return is_any;
}

/* ---- The file here ---- */

enum { COMMAND_ON_PATH = 1 };

/* 0: `path` is the file; COMMAND_ON_PATH; or a negative errno. */
static int look_below(const struct graph *graph, const char *directory, const char *name, struct buf *path)
{
    struct graph from = *graph;
    size_t len = strlen(directory);
    from.directory = directory;
    buf_clear(path);
    int rc = graph_find_program(&from, name, path);
    if (strchr(name, '/') || (rc == 0 && strncmp(path->data, directory, len) == 0 && path->data[len] == '/'))
        return rc;
    return rc == -ENOMEM ? rc : COMMAND_ON_PATH;
}

/* Where the node would look for it if it ran here. */
static int find(const struct graph *graph, const struct graph_node *node, struct buf *path)
{
    autobuf struct buf below = {0};
    int rc = -ENOENT;
    if (node->working_dir)
        buf_printf(&below, "%s%s%s", node->working_dir[0] == '/' ? "" : graph->directory,
                   node->working_dir[0] == '/' ? "" : "/", node->working_dir);
    if (below.failed)
        return -ENOMEM;
    if (below.data)
        rc = look_below(graph, below.data, node->path, path);
    return rc == 0 ? 0 : look_below(graph, graph->directory, node->path, path);
}

/* -1: reported. */
static int open_file(const struct graph_node *node, const char *path, struct stat *status)
{
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, status) < 0)
        report_error("node `%s`: can't read %s: %s", node->id, path, strerror(errno));
    else if (!S_ISREG(status->st_mode))
        report_error("node `%s`: %s is no file that could be carried to its machine", node->id, path);
    else if (status->st_size == 0)
        report_error("node `%s`: %s is empty", node->id, path);
    else if (status->st_size > FILES_SIZE_MOST)
        report_error("node `%s`: %s has %lld MiB, and at most %d can be carried to its machine; bring it there, and "
                     "leave `distribute` out",
                     node->id, path, (long long)status->st_size >> 20, FILES_SIZE_MOST >> 20);
    else
        return take_fd(&fd);
    return -1;
}

/* ---- Carrying it ---- */

static const char *label(const struct load *load)
{
    return load->machine ? load->machine : "of the coordinator";
}

static json_t *about(const struct load *load)
{
    return json_pack("{s:s?, s:s, s:s}", "machine", load->machine, "sha256", load->sha256, "name", load->name);
}

static bool fail(const struct load *load, int rc, struct error *error)
{
    progress_clear();
    error_add(error, "node `%s`: can't carry `%s` to machine %s", load->node, load->name, label(load));
    session_report(load->client, rc, error, true);
    return false;
}

static bool offer(struct load *load)
{
    struct error error = ERROR_INIT;
    json_t *params = about(load), *result = NULL;
    json_object_set_new(params, "size", json_integer((json_int_t)load->size));
    json_object_set_new(params, "elf", json_integer(files_elf(load->fd)));
    int rc = control_call(load->client, "file.offer", params, SESSION_PATIENCE, NULL, NULL, &result, &error);
    if (rc < 0)
        return fail(load, rc, &error);
    load->has = json_is_true(json_object_get(result, "has"));
    load->offset = (uint64_t)json_number(result, "offset");
    json_decref(result);
    return true;
}

/* One piece. -ENOENT: it has to be offered again. */
static int put(struct load *load, uint8_t *piece, struct error *error)
{
    ssize_t len = pread(load->fd, piece, FILES_PIECE, (off_t)load->offset);
    if (len <= 0)
        return error_set(error, -EIO, "it can't be read to its end: it was changed meanwhile");
    autofree char *text = base64_write(piece, (size_t)len);
    json_t *params = about(load), *result = NULL;
    json_object_set_new(params, "offset", json_integer((json_int_t)load->offset));
    json_object_set_new(params, "data", text ? json_string(text) : NULL);
    int rc = control_call(load->client, "file.put", params, piece_patience, NULL, NULL, &result, error);
    if (rc < 0)
        return rc;
    load->has = json_is_true(json_object_get(result, "has"));
    load->offset = (uint64_t)json_number(result, "offset");
    json_decref(result);
    return 0;
}

static bool send_all(struct load *load)
{
    enum { OFFERS_MOST = 10 };
    struct error error = ERROR_INIT;
    autofree uint8_t *piece = malloc(FILES_PIECE);
    int offers = 0, rc = piece ? 0 : error_set(&error, -ENOMEM, "no memory for a piece of it");
    while (rc == 0 && !load->has) {
        progress_show("carrying %s to machine %s: %.0f %% of %.1f MB", load->name, label(load),
                      100 * (double)load->offset / (double)load->size, (double)load->size / 1e6);
        rc = put(load, piece, &error);
        /* Another command brought the same file, or its daemon was started anew. */
        if (rc == -ENOENT && offers++ < OFFERS_MOST) {
            if (!offer(load))
                return false;
            rc = 0;
        }
    }
    progress_clear();
    return rc == 0 || fail(load, rc, &error);
}

/* ---- All of them ---- */

struct loads {
    struct load *list;
    size_t count;
};

static void free_loads(struct loads *loads)
{
    for (size_t i = 0; i < loads->count; i++) {
        free((char *)loads->list[i].name);
        close(loads->list[i].fd);
    }
    free(loads->list);
}

static bool is_known(const struct loads *loads, const struct load *load)
{
    for (size_t i = 0; i < loads->count; i++) {
        const struct load *other = &loads->list[i];
        if (strcmp(other->sha256, load->sha256) == 0 && strcmp(other->name, load->name) == 0 &&
            strcmp(label(other), label(load)) == 0)
            return true;
    }
    return false;
}

static bool add_load(struct loads *loads, struct load load)
{
    if (is_known(loads, &load))
        return true;
    struct load *grown = realloc(loads->list, (loads->count + 1) * sizeof *grown);
    if (grown)
        loads->list = grown;
    load.fd = grown ? fcntl(load.fd, F_DUPFD_CLOEXEC, 3) : -1;
    load.name = grown ? strdup(load.name) : NULL;
    if (load.fd < 0 || !load.name) {
        report_error("no memory, or no descriptor, for a file to carry");
        cleanup_close(&load.fd);
        return false;
    }
    loads->list[loads->count++] = load;
    return true;
}

/* What of this node is to be carried where. False: reported. */
static bool add_node(struct loads *loads, struct control_client *client, const struct graph *graph,
                     const struct graph_node *node, const json_t *place, json_t *files)
{
    const char *here = json_string_value(json_object_get(place, "here"));
    autobuf struct buf path = {0};
    struct stat status;
    size_t i;
    json_t *machine, *machines = json_object_get(json_object_get(place, "machines"), node->id);
    bool is_only_here = true;
    json_array_foreach(machines, i, machine) is_only_here &=
        here && strcmp(json_string_value(machine) ?: "", here) == 0;
    int rc = is_only_here ? COMMAND_ON_PATH : find(graph, node, &path);
    if (rc == COMMAND_ON_PATH)
        return true;
    if (rc < 0) {
        report_error("node `%s`: there is no file `%s` to carry to its machine", node->id, node->path);
        report_hint("it is looked for in %s; `dora build` builds what is to be built", graph->directory);
        return false;
    }
    autoclose int fd = open_file(node, path.data, &status);
    if (fd < 0)
        return false;
    const char *name = strrchr(path.data, '/') + 1;
    struct load load = {.client = client, .node = node->id, .name = name, .fd = fd, .size = (uint64_t)status.st_size};
    rc = files_is_name(name) ? sha256_file(fd, load.sha256) : -ENAMETOOLONG;
    if (rc < 0) {
        report_error("node `%s`: can't read %s: %s", node->id, path.data, strerror(-rc));
        return false;
    }
    json_object_set_new(files, node->id, json_pack("{s:s, s:s}", "sha256", load.sha256, "name", name));
    json_array_foreach(machines, i, machine)
    {
        load.machine = json_string_value(machine);
        if (!(here && load.machine && strcmp(load.machine, here) == 0) && !add_load(loads, load))
            return false;
    }
    return true;
}

bool carry(struct control_client *client, const struct graph *graph, json_t *params)
{
    struct loads loads = {0};
    json_t *place = NULL, *files = json_object();
    bool ok = true;
    if (anything_is(graph)) {
        progress_show("looking what is to be carried …");
        place = session_call(client, "dataflow.place", json_pack("{s:O}", "yaml", json_object_get(params, "yaml")),
                             SESSION_PATIENCE);
        progress_clear();
        ok = place != NULL;
    }
    for (size_t i = 0; place && ok && i < graph->node_count; i++)
        if (is_carried(&graph->nodes[i]))
            ok = add_node(&loads, client, graph, &graph->nodes[i], place, files);
    /* All are looked at before the first is sent. */
    for (size_t i = 0; ok && i < loads.count; i++)
        ok = offer(&loads.list[i]);
    for (size_t i = 0; ok && i < loads.count; i++)
        ok = loads.list[i].has || send_all(&loads.list[i]);
    if (ok && json_object_size(files) > 0)
        json_object_set_new(json_object_get(params, "options"), "files",
                            json_pack("{s:O, s:O}", "machine", json_object_get(place, "here"), "nodes", files));
    json_decref(files);
    json_decref(place);
    free_loads(&loads);
    return ok;
}
