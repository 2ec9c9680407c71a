#include "cli/log_folders.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/cleanup.h"

static int add(struct log_files *files, const char *directory, const char *own, const char *uuid, struct error *error)
{
    struct buf path = {0};
    if (own && own[0] == '/')
        buf_puts(&path, own);
    else
        buf_printf(&path, "%s%s%s", directory, own ? "/" : "", own ? own : "");
    buf_printf(&path, "/out/%s", uuid);
    autofree char *folder = buf_take(&path);
    return folder ? log_files_add(files, folder, error) : error_sys(error, -ENOMEM, "can't find the log files");
}

int log_folders_add(struct log_files *files, const struct graph *graph, const char *uuid, struct error *error)
{
    int rc = add(files, graph->directory, NULL, uuid, error);
    for (size_t i = 0; rc == 0 && i < graph->node_count; i++)
        if (graph->nodes[i].working_dir)
            rc = add(files, graph->directory, graph->nodes[i].working_dir, uuid, error);
    return rc;
}
