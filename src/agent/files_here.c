/* `file.*`: files that come to this machine, piece by piece; and which of them the nodes of a dataflow run. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/base64.h"
#include "agent/files.h"
#include "agent/parts.h"
#include "base/cleanup.h"
#include "graph/model.h"

enum { ARRIVING_MOST = 16, NAME_SIZE = 256 };

/* One that is not complete yet. What was begun and is not gone on with makes room for others. */
struct arriving {
    struct arriving *next; /* the one that something came for last is the first */
    char sha256[SHA256_TEXT], name[NAME_SIZE];
    char path[PATH_MAX]; /* where it is gathered */
    int fd;
    uint64_t size, len;
};

/* The end of one, on a thread of its own. */
struct settling {
    uv_work_t work;
    struct arriving *file;
    struct control_request *request;
    struct error error;
};

static void drop(struct arriving *file)
{
    if (*file->path)
        unlink(file->path);
    cleanup_close(&file->fd);
    free(file);
}

static struct arriving **find(struct agent *agent, const char *sha256, const char *name)
{
    struct arriving **at = &agent->arriving;
    while (*at && (strcmp((*at)->sha256, sha256) != 0 || strcmp((*at)->name, name) != 0))
        at = &(*at)->next;
    return at;
}

static struct arriving *take_out(struct arriving **at)
{
    struct arriving *file = *at;
    if (file)
        *at = file->next;
    return file;
}

static void put_first(struct agent *agent, struct arriving *file)
{
    size_t count = 0;
    file->next = agent->arriving;
    agent->arriving = file;
    for (struct arriving **at = &agent->arriving; *at;)
        if (++count > ARRIVING_MOST)
            drop(take_out(at));
        else
            at = &(*at)->next;
}

static int make(struct arriving *file, struct error *error)
{
    struct statvfs disk;
    int rc = files_begin(file->path, &file->fd, error);
    if (rc < 0) {
        file->path[0] = '\0';
        return rc;
    }
    if (fstatvfs(file->fd, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize < file->size)
        return error_set(error, -ENOSPC, "there is no room on the disk of %s for %llu MB", file->path,
                         (unsigned long long)(file->size >> 20));
    return 0;
}

static uint16_t own_elf(void)
{
    autoclose int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    return fd < 0 ? 0 : files_elf(fd);
}

static bool is_there(const char *sha256, const char *name, uint64_t size)
{
    char path[PATH_MAX];
    struct stat status;
    return files_path(path, sha256, name, NULL) == 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           (uint64_t)status.st_size == size;
}

void file_offer(struct agent *agent, struct control_request *request, json_t *params)
{
    const char *sha256, *name;
    char text[2][32];
    json_int_t size, elf;
    struct error error = ERROR_INIT;
    uint16_t own = own_elf();
    if (json_unpack(params, "{s:s, s:s, s:I, s:I}", "sha256", &sha256, "name", &name, "size", &size, "elf", &elf) < 0 ||
        !files_is_sha256(sha256) || !files_is_name(name) || size <= 0 || size > FILES_SIZE_MOST || elf < 0 ||
        elf > UINT16_MAX) {
        control_refusef(request, "invalid", NULL, "a file has a SHA-256, a name, a size of at most %d MiB, and `elf`",
                        FILES_SIZE_MOST >> 20);
        return;
    }
    if (!files_elf_runs((uint16_t)elf, own)) {
        control_refusef(request, "refused", "build it for that kind of machine, or over there",
                        "`%s` is for %s, and machine %s is %s", name, files_elf_name((uint16_t)elf, text[0]),
                        agent->options.machine, files_elf_name(own, text[1]));
        return;
    }
    if (is_there(sha256, name, (uint64_t)size)) {
        control_answer(request, json_pack("{s:b, s:I}", "has", 1, "offset", size));
        return;
    }
    struct arriving *file = take_out(find(agent, sha256, name));
    if (file && file->size != (uint64_t)size) {
        drop(file);
        file = NULL;
    }
    if (!file) {
        file = calloc(1, sizeof *file);
        int rc = file ? 0 : error_set(&error, -ENOMEM, "no memory for a file");
        if (rc == 0) {
            file->fd = -1;
            file->size = (uint64_t)size;
            strcpy(file->sha256, sha256);
            strcpy(file->name, name);
            rc = make(file, &error);
        }
        if (rc < 0) {
            if (file)
                drop(file);
            control_refusef(request, "failed", NULL, "%s", error.message);
            return;
        }
    }
    put_first(agent, file);
    control_answer(request, json_pack("{s:b, s:I}", "has", 0, "offset", (json_int_t)file->len));
}

static void settle(uv_work_t *work)
{
    struct settling *settling = (struct settling *)work;
    const struct arriving *file = settling->file;
    if (files_settle(file->path, file->fd, file->sha256, file->name, &settling->error) == 0)
        settling->error.code = 0;
}

static void has_settled(uv_work_t *work, int status)
{
    struct settling *settling = (struct settling *)work;
    struct arriving *file = settling->file;
    json_int_t size = (json_int_t)file->size;
    bool is_good = status == 0 && settling->error.code == 0;
    if (is_good)
        file->path[0] = '\0'; /* it is what was to be made */
    drop(file);
    if (is_good)
        control_answer(settling->request, json_pack("{s:I, s:b}", "offset", size, "has", 1));
    else
        control_refusef(settling->request, "failed", NULL, "%s", settling->error.message);
    free(settling);
}

/* Takes over the file. */
static void begin_settling(struct agent *agent, struct control_request *request, struct arriving *file)
{
    struct settling *settling = calloc(1, sizeof *settling);
    if (settling) {
        settling->file = file;
        settling->request = request;
    }
    if (settling && uv_queue_work(agent->loop, &settling->work, settle, has_settled) == 0)
        return;
    free(settling);
    drop(file);
    control_refusef(request, "failed", NULL, "no memory for a file");
}

static int append(struct arriving *file, const char *data, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t written = pwrite(file->fd, data + done, len - done, (off_t)(file->len + done));
        if (written < 0 && errno != EINTR)
            return -errno;
        done += written > 0 ? (size_t)written : 0;
    }
    file->len += len;
    return 0;
}

void file_put(struct agent *agent, struct control_request *request, json_t *params)
{
    const char *sha256, *name, *text;
    json_int_t offset;
    size_t len = 0;
    if (json_unpack(params, "{s:s, s:s, s:I, s:s}", "sha256", &sha256, "name", &name, "offset", &offset, "data",
                    &text) < 0) {
        control_refusef(request, "invalid", NULL, "file.put takes sha256, name, offset and data");
        return;
    }
    struct arriving **at = find(agent, sha256, name), *file = *at;
    if (!file) {
        control_refusef(request, "not-found", NULL, "the file `%.200s` was not offered", name);
        return;
    }
    autofree char *data = file->len == (uint64_t)offset ? base64_read(text, &len) : NULL;
    if (file->len == (uint64_t)offset && (!data || len > file->size - file->len)) {
        control_refusef(request, "invalid", NULL, "that is no piece of the file `%s`", file->name);
        return;
    }
    /* Somebody else may bring the same file: who asks goes on from where it is. */
    int rc = data ? append(file, data, len) : 0;
    take_out(at);
    if (rc < 0) {
        struct error error = ERROR_INIT;
        error_sys(&error, rc, "write the file `%s`", file->name);
        drop(file);
        control_refusef(request, "failed", NULL, "%s", error.message);
    } else if (file->len == file->size) {
        begin_settling(agent, request, file);
    } else {
        put_first(agent, file);
        control_answer(request, json_pack("{s:I}", "offset", (json_int_t)file->len));
    }
}

/* ---- What is not needed any more ---- */

struct keeping {
    const struct agent *agent;
    const json_t *keep;
};

static bool runs_here(const struct run *run, const char *sha256)
{
    const char *id;
    json_t *file;
    json_object_foreach(run->files, id, file) if (strcmp(json_get_text(file, "sha256") ?: "", sha256) == 0) return true;
    return false;
}

static bool is_kept(void *context, const char *sha256)
{
    const struct keeping *keeping = context;
    size_t i;
    json_t *one;
    json_array_foreach(keeping->keep, i, one) if (strcmp(json_string_value(one) ?: "", sha256) == 0) return true;
    for (const struct run *run = keeping->agent->runs; run; run = run->next)
        if (runs_here(run, sha256))
            return true;
    return false;
}

void file_clean(struct agent *agent, struct control_request *request, json_t *params)
{
    struct keeping keeping = {agent, json_object_get(params, "keep")};
    files_remove(is_kept, &keeping);
    control_answer(request, json_object());
}

void files_arriving_drop(struct agent *agent)
{
    while (agent->arriving)
        drop(take_out(&agent->arriving));
}

/* ---- What nodes run ---- */

static bool is_own(const struct daemon_part *part, size_t node)
{
    return !part->machines || strcmp(part->machines[node], part->machine) == 0;
}

int run_files_check(const struct run *run, const char *node, struct error *error)
{
    char path[PATH_MAX];
    json_t *file = json_object_get(run->files, node);
    const char *sha256 = json_get_text(file, "sha256"), *name = json_get_text(file, "name");
    if (!file || (sha256 && name && files_path(path, sha256, name, NULL) == 0 && access(path, X_OK) == 0))
        return 0;
    return error_set(
        error, -ENOENT,
        "node `%s`: its program `%s` was not carried to this machine; `dora start` carries it to where the "
        "descriptor places it",
        node, name ? name : "?");
}

int run_files_read(struct run *run, json_t *files, const struct daemon_part *part, struct error *error)
{
    const char *from = json_get_text(files, "machine");
    json_t *nodes = json_object_get(files, "nodes");
    char path[PATH_MAX];
    if (!json_is_object(nodes) || (from && strcmp(from, run->agent->options.machine) == 0))
        return 0; /* here, `path` means the file itself */
    run->files = json_incref(nodes);
    for (size_t i = 0; i < run->graph->node_count; i++) {
        struct graph_node *node = &run->graph->nodes[i];
        json_t *file = json_object_get(nodes, node->id);
        const char *sha256 = json_get_text(file, "sha256"), *name = json_get_text(file, "name");
        if (!file || node->kind != GRAPH_NODE_STANDARD)
            continue;
        if (!sha256 || !name || !files_is_sha256(sha256) || !files_is_name(name))
            return error_set(error, -EINVAL, "`files` says nothing of use about node `%s`", node->id);
        int rc = files_path(path, sha256, name, error);
        if (rc < 0)
            return rc;
        rc = is_own(part, i) ? run_files_check(run, node->id, error) : 0;
        if (rc < 0)
            return rc;
        node->path = graph_text(run->graph, path);
    }
    return 0;
}
