#include "cli/log_place.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { LEVELS = 3, BOOT_MOST = 40 }; /* …/out/UUID, …/out, … */

/* A place is "LEVEL:BOOT:DEVICE:INODE:NETWORK". Inodes are of a device, and devices of a computer that is running;
 * only a network's file system has the same inodes on several. */
struct place {
    unsigned level; /* how many names were taken off, up to what exists */
    char boot[BOOT_MOST];
    uint64_t device, inode;
    unsigned is_network;
};

static bool is_network(const char *path)
{
    /* NFS, SMB, CIFS, 9P, Ceph, FUSE, AFS, Lustre */
    static const uint32_t types[] = {0x6969,     0xfe534d42, 0xff534d42, 0x01021997,
                                     0x00c36400, 0x65735546, 0x5346414f, 0x0bd00bd0};
    struct statfs status;
    if (statfs(path, &status) < 0)
        return false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if ((uint32_t)status.f_type == types[i])
            return true;
    return false;
}

static void read_boot(char boot[BOOT_MOST])
{
    autoclose int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, boot, BOOT_MOST - 1);
    boot[len > 0 ? len : 0] = '\0';
    boot[strcspn(boot, "\n")] = '\0';
}

/* Of the folder without the last `level` names. */
static bool find(const char *folder, unsigned level, struct place *place)
{
    autofree char *path = strdup(folder);
    struct stat status;
    for (unsigned i = 0; i < level && path; i++) {
        char *slash = strrchr(path, '/');
        if (!slash || slash == path)
            return false;
        *slash = '\0';
    }
    if (!path || stat(path, &status) < 0)
        return false;
    *place = (struct place){level, "", status.st_dev, status.st_ino, is_network(path)};
    read_boot(place->boot);
    return true;
}

void log_place_add(struct buf *places, const char *folder)
{
    struct place place;
    unsigned level = 0;
    while (level < LEVELS && !find(folder, level, &place))
        level++;
    if (level < LEVELS)
        buf_printf(places, "%s%u:%s:%" PRIu64 ":%" PRIu64 ":%u", places->len ? "," : "", level, place.boot,
                   place.device, place.inode, place.is_network);
}

static bool is_same(const char *folder, const struct place *there)
{
    struct place here;
    if (there->level >= LEVELS || !find(folder, there->level, &here) || here.inode != there->inode)
        return false;
    return strcmp(here.boot, there->boot) == 0 ? here.device == there->device : here.is_network || there->is_network;
}

bool log_place_is_among(const char *folder, const char *places)
{
    while (*places) {
        struct place there;
        if (sscanf(places, "%u:%39[^:]:%" SCNu64 ":%" SCNu64 ":%u", &there.level, there.boot, &there.device,
                   &there.inode, &there.is_network) == 5 &&
            is_same(folder, &there))
            return true;
        places += strcspn(places, ",");
        places += *places == ',';
    }
    return false;
}
