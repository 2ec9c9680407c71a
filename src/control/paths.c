#include "control/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static int print_path(char path[PATH_MAX], struct error *error, const char *folder, const char *name)
{
    int len = snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return len < PATH_MAX ? 0 : error_set(error, -ENAMETOOLONG, "the path of the folder %s is too long", folder);
}

/* As the XDG specification has it, what is no absolute path counts as unset. */
static const char *folder_from_env(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] == '/' ? value : NULL;
}

/* In a folder where everybody may write, somebody else may have made it first. */
static int check_private(const char *path, struct error *error)
{
    autoclose int fd = open(path, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat) < 0)
        return error_sys(error, -errno, "can't use the folder %s", path);
    if (stat.st_uid != geteuid())
        return error_set(error, -EPERM,
                         "the folder %s belongs to user %u: remove it, or set XDG_RUNTIME_DIR to a folder of your own",
                         path, (unsigned)stat.st_uid);
    if (stat.st_mode & 077)
        return error_set(error, -EPERM, "the folder %s is open to other users: `chmod 700 %s`", path, path);
    return 0;
}

int control_runtime_folder(char path[PATH_MAX], struct error *error)
{
    const char *runtime = folder_from_env("XDG_RUNTIME_DIR");
    char of_user[32];
    snprintf(of_user, sizeof of_user, "dora-%u", (unsigned)geteuid());
    int rc = print_path(path, error, runtime ? runtime : "/tmp", runtime ? "dora" : of_user);
    if (rc < 0)
        return rc;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_sys(error, -errno, "can't make the folder %s%s", path, runtime ? " (in $XDG_RUNTIME_DIR)" : "");
    return check_private(path, error);
}

static const char *home(void)
{
    const char *home = folder_from_env("HOME");
    if (home)
        return home;
    const struct passwd *user = getpwuid(geteuid());
    return user ? user->pw_dir : NULL;
}

static int make_with_parents(char *path, struct error *error)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = '\0';
        int rc = mkdir(path, 0700) < 0 ? -errno : 0;
        struct stat stat_;
        if (rc < 0 && stat(path, &stat_) == 0 && S_ISDIR(stat_.st_mode))
            rc = 0; /* whatever mkdir found wrong with making it, such as a file system that is read-only */
        if (rc < 0)
            error_sys(error, rc, "can't make the folder %s", path);
        if (slash)
            *slash = '/';
        if (rc < 0 || !slash)
            return rc;
    }
}

int control_state_folder(char path[PATH_MAX], struct error *error)
{
    const char *state = folder_from_env("XDG_STATE_HOME"), *folder = state ? state : home();
    if (!folder)
        return error_set(error, -ENOENT, "there is no home folder to keep the state in: set HOME or XDG_STATE_HOME");
    int rc = print_path(path, error, folder, state ? "dora" : ".local/state/dora");
    return rc < 0 ? rc : make_with_parents(path, error);
}

static int add_name(char path[PATH_MAX], const char *name, struct error *error)
{
    size_t len = strlen(path);
    if (len + 1 + strlen(name) >= PATH_MAX)
        return error_set(error, -ENAMETOOLONG, "the path of the folder %s is too long", path);
    snprintf(path + len, PATH_MAX - len, "/%s", name);
    return 0;
}

int control_runtime_file(char path[PATH_MAX], const char *name, struct error *error)
{
    int rc = control_runtime_folder(path, error);
    return rc < 0 ? rc : add_name(path, name, error);
}

int control_state_file(char path[PATH_MAX], const char *name, struct error *error)
{
    int rc = control_state_folder(path, error);
    return rc < 0 ? rc : add_name(path, name, error);
}
