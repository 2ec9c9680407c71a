#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/embedded.h"
#include "cli/new.h"

/* Names in the templates, and what stands for them in the project. */
struct swaps {
    struct swap {
        const char *from, *to;
    } items[2];
};

/* A node alone is the first talker under its own name. */
static struct swaps choose_swaps(const struct project *project)
{
    if (project->kind == PROJECT_DATAFLOW)
        return (struct swaps){{{"dora-project", project->name}}};
    if (project->kind == PROJECT_OPERATOR)
        return (struct swaps){{{"greeter_1", project->module}, {"greeter-1", project->name}}};
    if (!project->is_python)
        return (struct swaps){{{"talker_1", project->name}}};
    return (struct swaps){{{"talker_1", project->module}, {"talker-1", project->name}}};
}

static void put_swapped(struct buf *out, const char *text, const struct swaps *swaps)
{
    while (*text) {
        const struct swap *swap = NULL;
        for (int i = 0; i < 2 && !swap; i++)
            if (swaps->items[i].from && strncmp(text, swaps->items[i].from, strlen(swaps->items[i].from)) == 0)
                swap = &swaps->items[i];
        if (swap)
            buf_puts(out, swap->to);
        else
            buf_putc(out, *text);
        text += swap ? strlen(swap->from) : 1;
    }
}

static int make_parents(char *path)
{
    for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int result = mkdir(path, 0777);
        *slash = '/';
        if (result < 0 && errno != EEXIST)
            return -errno;
    }
    return 0;
}

static int write_file(const struct project *project, const struct swaps *swaps, const char *name,
                      const struct embedded *file, struct error *error)
{
    autobuf struct buf path = {0}, text = {0};
    buf_printf(&path, "%s/", project->name);
    put_swapped(&path, name, swaps);
    put_swapped(&text, file->data, swaps);
    if (path.failed || text.failed)
        return error_sys(error, -ENOMEM, "can't write %s", name);
    int result = make_parents(path.data);
    if (result < 0)
        return error_sys(error, result, "can't make the folder of %s", path.data);
    autofile FILE *stream = fopen(path.data, "wxe");
    if (!stream)
        return error_sys(error, -errno, "can't create %s", path.data);
    if (fwrite(text.data ? text.data : "", 1, text.len, stream) != text.len || fflush(stream) != 0)
        return error_sys(error, -errno, "can't write %s", path.data);
    return 0;
}

int new_write_files(const struct project *project, struct error *error)
{
    char folder[64];
    const char *node = project->kind != PROJECT_NODE ? "" : project->is_python ? "talker-1/" : "talker_1/";
    int len = snprintf(folder, sizeof folder, "templates/%s%s/%s",
                       project->kind == PROJECT_OPERATOR ? "operators/" : "", project->language, node);
    struct swaps swaps = choose_swaps(project);
    for (const struct embedded *file = embedded_files; file->path; file++) {
        if (strncmp(file->path, folder, (size_t)len) != 0)
            continue;
        int result = write_file(project, &swaps, file->path + len, file, error);
        if (result < 0)
            return result;
    }
    return 0;
}
