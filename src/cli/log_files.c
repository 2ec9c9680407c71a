#include "cli/log_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/log_pipe.h"
#include "cli/log_place.h"
#include "cli/log_stream.h"

struct log_files {
    char *node; /* NULL: all */
    char **folders;
    size_t folder_count;
    struct log_stream *streams;
    size_t stream_count;
    struct log_pipe *pipes;
    size_t pipe_count;
    size_t taken; /* the pipe, or behind them the stream, whose head was handed out last; SIZE_MAX: none */
    char **nodes; /* that have lines, as they are numbered */
    size_t node_count;
    const char *left_out; /* places; NULL: none */
    int inotify, epoll;   /* the second: of the first and the pipes */
};

static int watch_fd(struct log_files *files, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(files->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int log_files_open(struct log_files **files, const char *node, struct error *error)
{
    struct log_files *made = calloc(1, sizeof *made);
    if (!made || (node && !(made->node = strdup(node)))) {
        free(made);
        return error_sys(error, -ENOMEM, "can't read log files");
    }
    made->taken = SIZE_MAX;
    made->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    made->epoll = made->inotify < 0 ? -1 : epoll_create1(EPOLL_CLOEXEC);
    int code = made->epoll < 0 ? -errno : watch_fd(made, made->inotify);
    if (code < 0) {
        log_files_close(made);
        return error_sys(error, code, "can't watch log files");
    }
    *files = made;
    return 0;
}

void log_files_close(struct log_files *files)
{
    if (!files)
        return;
    for (size_t i = 0; i < files->stream_count; i++)
        log_stream_close(&files->streams[i]);
    for (size_t i = 0; i < files->folder_count; i++)
        free(files->folders[i]);
    for (size_t i = 0; i < files->pipe_count; i++)
        log_pipe_close(&files->pipes[i]);
    for (size_t i = 0; i < files->node_count; i++)
        free(files->nodes[i]);
    free(files->nodes);
    free(files->pipes);
    free(files->streams);
    free(files->folders);
    free(files->node);
    cleanup_close(&files->epoll);
    cleanup_close(&files->inotify);
    free(files);
}

static void add_stream(struct log_files *files, char *stem)
{
    for (size_t i = 0; i < files->stream_count; i++) {
        if (strcmp(files->streams[i].stem, stem) == 0) {
            free(stem);
            return;
        }
    }
    struct log_stream *streams = reallocarray(files->streams, files->stream_count + 1, sizeof *streams);
    if (!streams) {
        free(stem);
        return;
    }
    files->streams = streams;
    log_stream_init(&streams[files->stream_count++], stem);
}

/* Whether "x.1" is a node's id, and not the first rotated file of "x": its first line says so. */
static bool is_node(const char *folder, const char *name, const char *node)
{
    autofree char *path = NULL, *text = NULL;
    size_t size = 0;
    struct log_record record = {0};
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        path = NULL;
    autofile FILE *file = path ? fopen(path, "re") : NULL;
    ssize_t len = file ? getline(&text, &size, file) : -1;
    bool is_so =
        len > 0 && log_record_read(&record, text, (size_t)len, "", 0) == 0 && strcmp(record.line.node, node) == 0;
    log_record_free(&record);
    return is_so;
}

/* "log_NODE.jsonl" and "log_NODE.3.jsonl": where the node's name ends. 0 for any other file. */
static size_t stem_length(const char *folder, const char *name)
{
    size_t len = strlen(name);
    if (len <= strlen("log_.jsonl") || strncmp(name, "log_", 4) != 0 || strcmp(name + len - 6, ".jsonl") != 0)
        return 0;
    len -= 6;
    size_t digits = 0;
    while (name[len - 1 - digits] >= '0' && name[len - 1 - digits] <= '9')
        digits++;
    if (!digits || name[len - 1 - digits] != '.')
        return len;
    autofree char *node = strndup(name + 4, len - 4);
    return node && is_node(folder, name, node) ? len : len - 1 - digits;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void scan(struct log_files *files, const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        size_t len = stem_length(folder, name);
        bool is_wanted =
            len && (!files->node || (len == strlen(files->node) + 4 && strncmp(name + 4, files->node, len - 4) == 0));
        char *stem;
        if (is_wanted && asprintf(&stem, "%s/%.*s", folder, (int)len, name) >= 0)
            add_stream(files, stem);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* Watches the folder, or the one it will be made in. */
static void watch(struct log_files *files, const char *folder)
{
    const uint32_t events = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
    if (inotify_add_watch(files->inotify, folder, events) >= 0)
        return;
    autofree char *parent = strdup(folder);
    for (char *slash; parent && (slash = strrchr(parent, '/')) && slash > parent;) {
        *slash = '\0';
        if (inotify_add_watch(files->inotify, parent, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >= 0)
            return;
    }
}

void log_files_leave_out(struct log_files *files, const char *places)
{
    files->left_out = places;
}

void log_files_places(const struct log_files *files, struct buf *places)
{
    for (size_t i = 0; i < files->folder_count; i++)
        log_place_add(places, files->folders[i]);
}

int log_files_add_pipe(struct log_files *files, int fd, struct error *error)
{
    struct log_pipe *pipes = reallocarray(files->pipes, files->pipe_count + 1, sizeof *pipes);
    files->pipes = pipes ? pipes : files->pipes;
    int rc = pipes ? watch_fd(files, fd) : -ENOMEM;
    if (rc == 0)
        log_pipe_init(&pipes[files->pipe_count++], fd);
    else
        close(fd);
    return rc == 0 ? 0 : error_sys(error, rc, "can't read another machine's lines");
}

void log_files_finish(struct log_files *files)
{
    for (size_t i = 0; i < files->pipe_count; i++)
        files->pipes[i].is_waited_for = true;
}

int log_files_add(struct log_files *files, const char *folder, struct error *error)
{
    if (files->left_out && log_place_is_among(folder, files->left_out))
        return 0;
    for (size_t i = 0; i < files->folder_count; i++)
        if (strcmp(files->folders[i], folder) == 0)
            return 0;
    char **folders = reallocarray(files->folders, files->folder_count + 1, sizeof *folders);
    if (!folders)
        return error_sys(error, -ENOMEM, "can't read log files");
    files->folders = folders;
    char *copy = strdup(folder);
    if (!copy)
        return error_sys(error, -ENOMEM, "can't read log files");
    folders[files->folder_count++] = copy;
    watch(files, copy);
    scan(files, copy);
    return 0;
}

size_t log_files_count(const struct log_files *files)
{
    return files->stream_count + files->pipe_count;
}

bool log_files_can_rewind(const struct log_files *files)
{
    return files->pipe_count == 0;
}

/* A node's number: lines of one are of one colour, wherever they come from. */
static size_t number_of(struct log_files *files, const char *node)
{
    for (size_t i = 0; i < files->node_count; i++)
        if (strcmp(files->nodes[i], node) == 0)
            return i;
    char **nodes = reallocarray(files->nodes, files->node_count + 1, sizeof *nodes);
    files->nodes = nodes ? nodes : files->nodes;
    if (nodes && (nodes[files->node_count] = strdup(node)))
        return files->node_count++;
    return 0;
}

static struct log_record *head_of(struct log_files *files, size_t index, bool **has_head)
{
    struct log_pipe *pipe = index < files->pipe_count ? &files->pipes[index] : NULL;
    struct log_stream *stream = pipe ? NULL : &files->streams[index - files->pipe_count];
    *has_head = pipe ? &pipe->has_head : &stream->has_head;
    return pipe ? &pipe->head : &stream->head;
}

static bool fill(struct log_files *files, size_t index)
{
    return index < files->pipe_count ? log_pipe_fill(&files->pipes[index])
                                     : log_stream_fill(&files->streams[index - files->pipe_count]);
}

const struct log_line *log_files_next(struct log_files *files, size_t *number)
{
    bool *has_head;
    const struct log_line *oldest = NULL;
    if (files->taken < log_files_count(files)) {
        log_record_free(head_of(files, files->taken, &has_head));
        *has_head = false;
    }
    files->taken = SIZE_MAX;
    for (size_t i = 0; i < log_files_count(files); i++) {
        const struct log_line *line = fill(files, i) ? &head_of(files, i, &has_head)->line : NULL;
        if (!line || (oldest && oldest->unix_ns <= line->unix_ns))
            continue;
        oldest = line;
        files->taken = i;
    }
    if (oldest)
        *number = number_of(files, oldest->node);
    return oldest;
}

bool log_files_rewind(struct log_files *files, size_t bytes, int64_t *whole_ns)
{
    bool is_cut = false;
    files->taken = SIZE_MAX;
    *whole_ns = INT64_MIN;
    for (size_t i = 0; i < files->stream_count; i++) {
        struct log_stream *stream = &files->streams[i];
        if (!log_stream_rewind(stream, (off_t)bytes))
            continue;
        is_cut = true;
        int64_t first = log_stream_fill(stream) ? stream->head.line.unix_ns : INT64_MAX;
        if (first > *whole_ns)
            *whole_ns = first;
    }
    return is_cut;
}

int log_files_fd(const struct log_files *files)
{
    return files->epoll;
}

void log_files_refresh(struct log_files *files)
{
    char events[16 << 10] __attribute__((aligned(__alignof__(struct inotify_event))));
    bool is_new = false;
    for (size_t i = 0; i < files->stream_count; i++)
        files->streams[i].at_end = false;
    for (ssize_t len; (len = read(files->inotify, events, sizeof events)) > 0;)
        for (char *at = events; at < events + len;) {
            const struct inotify_event *event = (const struct inotify_event *)at;
            is_new |= (event->mask & (IN_CREATE | IN_MOVED_TO | IN_Q_OVERFLOW)) != 0;
            at += sizeof *event + event->len;
        }
    for (size_t i = 0; is_new && i < files->folder_count; i++) {
        watch(files, files->folders[i]);
        scan(files, files->folders[i]);
    }
}
