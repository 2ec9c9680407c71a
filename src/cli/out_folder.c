#include "cli/out_folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"

void out_folder_make(const char *directory)
{
    autofree char *path = NULL;
    if (asprintf(&path, "%s/out", directory) < 0)
        return;
    mkdir(path, 0777);
    autoclose int out = open(path, O_DIRECTORY | O_PATH | O_CLOEXEC);
    autoclose int ignore = openat(out, ".gitignore", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (ignore >= 0)
        (void)!write(ignore, "*\n", 2);
}
