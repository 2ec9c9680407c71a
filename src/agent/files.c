#include "agent/files.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "control/paths.h"

#define UNFINISHED "new-"

bool files_is_sha256(const char *text)
{
    return strlen(text) == SHA256_TEXT - 1 && strspn(text, "0123456789abcdef") == SHA256_TEXT - 1;
}

bool files_is_name(const char *name)
{
    enum { NAME_LEN_MOST = 200 };
    return *name && strlen(name) <= NAME_LEN_MOST && !strchr(name, '/') && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static int folder(char path[PATH_MAX], struct error *error)
{
    int rc = control_state_file(path, "files", error);
    if (rc == 0 && mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_sys(error, -errno, "make the folder %s", path);
    return rc;
}

static int add(char path[PATH_MAX], const char *name, struct error *error)
{
    size_t len = strlen(path);
    if (len + 1 + strlen(name) >= PATH_MAX)
        return error_set(error, -ENAMETOOLONG, "the path of the folder %s is too long", path);
    snprintf(path + len, PATH_MAX - len, "/%s", name);
    return 0;
}

int files_path(char path[PATH_MAX], const char *sha256, const char *name, struct error *error)
{
    int rc = folder(path, error);
    if (rc == 0)
        rc = add(path, sha256, error);
    return rc == 0 ? add(path, name, error) : rc;
}

int files_begin(char from[PATH_MAX], int *fd, struct error *error)
{
    int rc = folder(from, error);
    if (rc == 0)
        rc = add(from, UNFINISHED "XXXXXX", error);
    if (rc < 0)
        return rc;
    *fd = mkostemp(from, O_CLOEXEC);
    return *fd < 0 ? error_sys(error, -errno, "make the file %s", from) : 0;
}

/* ---- Kinds of machines ---- */

uint16_t files_elf(int fd)
{
    unsigned char head[EI_NIDENT + 4];
    if (pread(fd, head, sizeof head, 0) != (ssize_t)sizeof head || memcmp(head, ELFMAG, SELFMAG) != 0)
        return 0;
    const unsigned char *machine = head + EI_NIDENT + 2;
    return head[EI_DATA] == ELFDATA2MSB ? (uint16_t)(machine[0] << 8 | machine[1])
                                        : (uint16_t)(machine[1] << 8 | machine[0]);
}

bool files_elf_runs(uint16_t elf, uint16_t here)
{
    /* 64-bit machines may run what is for their 32-bit ones; whether this one does, its kernel says. */
    return elf == 0 || here == 0 || elf == here || (elf == EM_386 && here == EM_X86_64) ||
           (elf == EM_ARM && here == EM_AARCH64);
}

const char *files_elf_name(uint16_t elf, char text[32])
{
    switch (elf) {
    case EM_X86_64:
        return "x86-64";
    case EM_AARCH64:
        return "arm64";
    case EM_ARM:
        return "arm (32 bit)";
    case EM_386:
        return "x86 (32 bit)";
    case EM_RISCV:
        return "RISC-V";
    default:
        snprintf(text, 32, "ELF machine %u", elf);
        return text;
    }
}

/* ---- Finishing, and removing ---- */

int files_settle(const char *from, int fd, const char *sha256, const char *name, struct error *error)
{
    char path[PATH_MAX], found[SHA256_TEXT];
    if (fdatasync(fd) < 0)
        return error_sys(error, -errno, "write the file");
    int rc = sha256_file(fd, found);
    if (rc < 0)
        return error_sys(error, rc, "read the file again");
    if (strcmp(found, sha256) != 0)
        return error_set(error, -EBADMSG, "what has arrived is not what was offered: the file was changed meanwhile");
    rc = folder(path, error);
    if (rc == 0)
        rc = add(path, sha256, error);
    if (rc < 0)
        return rc;
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return error_sys(error, -errno, "make the folder %s", path);
    rc = add(path, name, error);
    if (rc == 0 && (fchmod(fd, 0755) < 0 || rename(from, path) < 0))
        return error_sys(error, -errno, "make the file %s", path);
    return rc;
}

static void remove_folder(int above, const char *name)
{
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(dir));)
        if (files_is_name(entry->d_name))
            unlinkat(fd, entry->d_name, 0);
    closedir(dir);
    unlinkat(above, name, AT_REMOVEDIR);
}

void files_remove(bool (*is_kept)(void *context, const char *sha256), void *context)
{
    char path[PATH_MAX];
    DIR *dir = control_state_file(path, "files", NULL) < 0 ? NULL : opendir(path);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (files_is_sha256(entry->d_name) && !is_kept(context, entry->d_name))
            remove_folder(dirfd(dir), entry->d_name);
    closedir(dir);
}

void files_forget_unfinished(void)
{
    char path[PATH_MAX];
    DIR *dir = control_state_file(path, "files", NULL) < 0 ? NULL : opendir(path);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (strncmp(entry->d_name, UNFINISHED, strlen(UNFINISHED)) == 0)
            unlinkat(dirfd(dir), entry->d_name, 0);
    closedir(dir);
}
