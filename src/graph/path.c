#include "graph/draft.h"

#include <dirent.h>
#include <string.h>

#include "base/suggest.h"

bool path_is_url(const char *path)
{
    return strncmp(path, "http://", 7) == 0 || strncmp(path, "https://", 8) == 0;
}

const char *path_directory(struct graph *graph, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == path)
        return "/";
    return slash ? graph_text_n(graph, path, (size_t)(slash - path)) : "";
}

const char *path_relative(struct graph *graph, const char *directory, const char *path)
{
    const char *joined = graph_format(graph, "%s/%s", directory, path);
    char *clean = graph_alloc(graph, strlen(joined) + 2);
    size_t len = 0;
    if (!clean)
        return "";
    for (const char *part = joined, *end; *part; part = end) {
        part += strspn(part, "/");
        end = part + strcspn(part, "/");
        size_t size = (size_t)(end - part);
        if (size == 0 || (size == 1 && *part == '.'))
            continue;
        if (size == 2 && part[0] == '.' && part[1] == '.') {
            if (len == 0)
                return NULL;
            while (len > 0 && clean[--len] != '/')
                ;
            continue;
        }
        if (len)
            clean[len++] = '/';
        memcpy(clean + len, part, size);
        len += size;
    }
    clean[len] = '\0';
    return clean;
}

const char *path_near(struct graph *graph, const char *path)
{
    const char *directory = path_directory(graph, path), *slash = strrchr(path, '/');
    DIR *dir = opendir(*directory ? directory : ".");
    if (!dir)
        return graph_format(graph, "there is no directory `%s`", directory);
    const char *wanted = slash ? slash + 1 : path, *best = NULL;
    size_t best_distance = 4;
    for (struct dirent *entry; (entry = readdir(dir));) {
        const char *name[] = {entry->d_name};
        size_t distance =
            entry->d_name[0] == '.' || !suggest(wanted, name, 1) ? SIZE_MAX : suggest_distance(wanted, entry->d_name);
        if (distance < best_distance) {
            best_distance = distance;
            best = graph_text(graph, entry->d_name);
        }
    }
    closedir(dir);
    return best ? graph_format(graph, "did you mean `%s`?", best) : NULL;
}
