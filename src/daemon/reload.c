#include "daemon/reload.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "daemon/dataflow.h"

/* A save is often several events: emptied, written, given its times. */
static const int64_t settled = 50 * CLOCK_MILLI;

struct reload {
    uv_fs_event_t event;
    struct alarm *alarm;
    struct participant *participant;
    char *path, *folder;
    const char *name; /* in `path` */
    struct stat seen;
};

static void look(const struct reload *reload, struct stat *status)
{
    if (stat(reload->path, status) < 0)
        *status = (struct stat){0};
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void on_settled(void *context)
{
    struct reload *reload = context;
    struct stat now;
    look(reload, &now);
    /* A file that is not there is about to be, or the old code stays. */
    if (!S_ISREG(now.st_mode) || is_same(&now, &reload->seen))
        return;
    reload->seen = now;
    struct participant *participant = reload->participant;
    if (participant->state != PARTICIPANT_JOINED && participant->state != PARTICIPANT_RUNNING)
        return;
    participant_send(
        participant,
        &(struct proto_packet){.type = PROTO_RELOAD, .text = {participant->node->operators->id}, .text_count = 1});
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct reload *reload = event->data;
    (void)events;
    if (status < 0 || !name || strcmp(name, reload->name) == 0)
        alarm_set(reload->alarm, settled);
}

static void on_closed(uv_handle_t *handle)
{
    struct reload *reload = handle->data;
    free(reload->path);
    free(reload->folder);
    free(reload);
}

void reload_end(struct reload *reload)
{
    if (!reload)
        return;
    alarm_close(reload->alarm);
    uv_close((uv_handle_t *)&reload->event, on_closed);
}

/* Where the operator's file really is, links followed: that is where an editor writes. NULL: `errno`. */
static char *find(const struct participant *participant)
{
    const char *path = participant->node->operators->path,
               *directory = participant->directory ? participant->directory : participant->dataflow->graph->directory;
    autobuf struct buf text = {0};
    buf_printf(&text, "%s%s%s", *path == '/' ? "" : directory, *path == '/' ? "" : "/", path);
    if (text.failed) {
        errno = ENOMEM;
        return NULL;
    }
    return realpath(text.data, NULL);
}

static int watch(struct reload *reload)
{
    reload->path = find(reload->participant);
    if (!reload->path)
        return -errno;
    char *slash = strrchr(reload->path, '/');
    reload->name = slash + 1;
    reload->folder = strndup(reload->path, slash == reload->path ? 1 : (size_t)(slash - reload->path));
    if (!reload->folder)
        return -ENOMEM;
    look(reload, &reload->seen);
    return uv_fs_event_start(&reload->event, on_event, reload->folder, 0);
}

static bool is_wanted(const struct participant *participant)
{
    const struct graph_node *node = participant->node;
    return participant->dataflow->options.hot_reload && !participant->reload && !participant->is_host &&
           node->operator_count == 1 && node->operators->source == GRAPH_OPERATOR_PYTHON;
}

void reload_begin(struct participant *participant)
{
    struct dataflow *dataflow = participant->dataflow;
    struct reload *reload = is_wanted(participant) ? calloc(1, sizeof *reload) : NULL;
    if (!reload)
        return;
    uv_fs_event_init(dataflow->daemon->loop, &reload->event); /* never fails */
    reload->event.data = reload;
    reload->participant = participant;
    int rc = alarm_open(&reload->alarm, dataflow->daemon->loop, on_settled, reload, NULL);
    if (rc == 0)
        rc = watch(reload);
    if (rc == 0) {
        participant->reload = reload;
        return;
    }
    reload_end(reload);
    dataflow_notice(dataflow, "node `%s` won't be reloaded: %s can't be watched: %s", participant->node->id,
                    participant->node->operators->path, strerror(-rc));
}
