#include "base/program_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int program_place(const char *name, const char *env, char path[PATH_MAX], struct error *error)
{
    static const char *const places[] = {"../libexec/dora/", ""};
    const char *named = getenv(env);
    char self[PATH_MAX];
    if (named && *named) {
        snprintf(path, PATH_MAX, "%s", named);
        return access(path, X_OK) == 0 ? 0 : error_sys(error, -errno, "run %s (%s)", path, env);
    }
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash = len > 0 ? memrchr(self, '/', (size_t)len) : NULL;
    if (!slash)
        return error_sys(error, -errno, "find out where this program is");
    *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (snprintf(path, PATH_MAX, "%s/%s%s", self, places[i], name) < PATH_MAX && access(path, X_OK) == 0)
            return 0;
    return error_set(error, -ENOENT, "%s/%s%s is missing", self, places[0], name);
}
