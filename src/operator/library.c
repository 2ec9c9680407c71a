#include "operator/library.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* What the formats of 32 and 64 bits have in common at the beginning. */
struct head {
    unsigned char ident[EI_NIDENT];
    uint16_t type, machine;
};

static int read_head(const char *file, struct head *head)
{
    autoclose int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t size = read(fd, head, sizeof *head);
    if (size < 0)
        return -errno;
    return size == sizeof *head && memcmp(head->ident, ELFMAG, SELFMAG) == 0 ? 0 : -ENOEXEC;
}

static const char *machine_name(const struct head *head)
{
    static const struct {
        uint16_t machine;
        const char *name;
    } names[] = {{EM_X86_64, "x86-64"}, {EM_386, "x86 (32 bits)"}, {EM_AARCH64, "AArch64"}, {EM_ARM, "ARM (32 bits)"},
                 {EM_RISCV, "RISC-V"},  {EM_PPC64, "PowerPC"},     {EM_S390, "s390x"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].machine == head->machine)
            return names[i].name;
    return "another machine";
}

/* What dlopen() says of these is hard to understand, or wrong: a library of another machine is "no such file". */
static int check(const char *file, struct error *error)
{
    struct head head, own;
    int rc = read_head(file, &head);
    if (rc == -ENOENT)
        return error_set(error, rc, "there is no %s: build the operator, or correct `shared-library` in the descriptor",
                         file);
    if (rc == -ENOEXEC)
        return error_set(error, rc, "%s is no shared library", file);
    if (rc < 0)
        return error_sys(error, rc, "read %s", file);
    if (read_head("/proc/self/exe", &own) < 0)
        return 0;
    if (head.machine != own.machine || head.ident[EI_CLASS] != own.ident[EI_CLASS] ||
        head.ident[EI_DATA] != own.ident[EI_DATA])
        return error_set(error, -ENOEXEC, "%s is built for %s, and this machine is %s: build it for this one", file,
                         machine_name(&head), machine_name(&own));
    if (head.type != ET_DYN)
        return error_set(error, -ENOEXEC,
                         "%s is a program or an object file, and no shared library: link it with -shared", file);
    return 0;
}

static int find(void *handle, const char *file, const char *name, void *function, struct error *error)
{
    void *found = dlsym(handle, name);
    if (!found)
        return error_set(error, -ELIBBAD,
                         "%s has no function `%s`: an operator defines dora_init_operator, dora_on_event and "
                         "dora_drop_operator as operator_api.h declares them",
                         file, name);
    memcpy(function, &found, sizeof found);
    return 0;
}

int library_open(struct operator_library *library, const char *file, struct error *error)
{
    int rc = check(file, error);
    if (rc < 0)
        return rc;
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
        const char *why = dlerror();
        bool lacks_dora = why && strstr(why, "undefined symbol: dora_");
        return error_set(
            error, -ELIBBAD, "%s%s", why ? why : "it can't be loaded",
            lacks_dora ? ": link the operator with libdora_operator_api_c.a, and with libdora.so where it uses dora.h"
                       : "");
    }
    rc = find(handle, file, "dora_init_operator", &library->init.init_operator, error);
    if (rc == 0)
        rc = find(handle, file, "dora_on_event", &library->on_event.on_event, error);
    if (rc == 0)
        rc = find(handle, file, "dora_drop_operator", &library->drop.drop_operator, error);
    return rc;
}
