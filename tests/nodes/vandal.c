/* A node that harms what it can reach: test_garbage.py runs it beside others, which must not notice.
 *
 *     vandal WHAT SEED ROUNDS
 *
 * WHAT: link, doorbell, page, arena (garbage in the shared memory of that name), events (the pipes
 * of doorbells full), files (cuts, grows and writes whatever descriptor it has), socket (garbage to the daemon), flood
 * (many packets that are right), hello (who it is, again). Between the rounds it behaves like any node, so that the
 * others go on reading what it wrote.
 */
#include <dora/dora.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/proto.h"

enum { MAPS_MOST = 64, FDS_MOST = 64, PACE_US = 2000 };

struct map {
    unsigned char *start;
    size_t size;
};

/* The shared maps it can write whose name begins so; of each the part that has memory. */
static size_t find_maps(const char *name, struct map maps[MAPS_MOST])
{
    FILE *file = fopen("/proc/self/maps", "re");
    char line[512], mode[8], path[256];
    unsigned long long start, end;
    size_t count = 0;
    while (file && count < MAPS_MOST && fgets(line, sizeof line, file))
        if (sscanf(line, "%llx-%llx %7s %*s %*s %*s %255s", &start, &end, mode, path) == 4 && mode[1] == 'w' &&
            strncmp(path, "/memfd:", 7) == 0 && strncmp(path + 7, name, strlen(name)) == 0)
            maps[count++] = (struct map){(unsigned char *)(uintptr_t)start, (size_t)(end - start)};
    if (file)
        fclose(file);
    return count;
}

/* Its descriptors of this kind, by what /proc/self/fd says. */
static size_t find_fds(const char *kind, int fds[FDS_MOST])
{
    size_t count = 0;
    for (int fd = 3; fd < 256 && count < FDS_MOST; fd++) {
        char path[64], target[256];
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(path, target, sizeof target - 1);
        if (len < 0)
            continue;
        target[len] = '\0';
        if (strstr(target, kind))
            fds[count++] = fd;
    }
    return count;
}

static uint64_t any(void)
{
    return (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^ (uint64_t)random();
}

/* A word that is likely to be taken for something. */
static uint64_t tempting(uint64_t old)
{
    switch (random() % 8) {
    case 0:
        return old + 1;
    case 1:
        return old - 1;
    case 2:
        return any() % 64;
    case 3:
        return UINT64_MAX;
    case 4:
        return old ^ 1ull << random() % 64;
    case 5:
        return old + ((uint64_t)1 << random() % 40);
    case 6:
        return any() % (1 << 20);
    default:
        return any();
    }
}

static void scribble(struct map map, bool everywhere)
{
    volatile uint64_t *words = (volatile uint64_t *)(void *)map.start;
    size_t count = map.size / sizeof *words;
    for (size_t i = everywhere ? count : 1 + (size_t)random() % 16; i-- > 0;) {
        size_t at = everywhere ? i : (size_t)random() % count;
        words[at] = tempting(words[at]);
    }
}

static void harm_maps(const char *name, long round)
{
    struct map maps[MAPS_MOST];
    size_t count = find_maps(name, maps);
    for (size_t i = 0; i < count; i++) {
        int fds[FDS_MOST];
        struct stat status;
        if (strcmp(name, "dora-arena") == 0) {
            if (find_fds("dora-arena", fds) == 0 || fstat(fds[0], &status) < 0 || status.st_size == 0)
                continue;
            maps[i].size = (size_t)status.st_size;
        }
        scribble(maps[i], round % 16 == 15);
    }
}

static void harm_events(void)
{
    int fds[FDS_MOST];
    struct map bells[MAPS_MOST];
    size_t count = find_fds("pipe:", fds), bell_count = find_maps("dora-doorbell", bells);
    for (size_t i = 0; i < count; i++) {
        static const char nonsense[4096];
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
        while (write(fds[i], nonsense, sizeof nonsense) > 0)
            ;
    }
    for (size_t i = 0; i < bell_count; i++)
        *(volatile uint32_t *)(void *)bells[i].start = 2; /* armed, to be woken by a write */
}

static void harm_files(void)
{
    int fds[FDS_MOST];
    size_t count = find_fds("memfd:", fds);
    char garbage[256];
    memset(garbage, 0xa5, sizeof garbage);
    for (size_t i = 0; i < count; i++) {
        (void)!ftruncate(fds[i], 0);
        (void)!ftruncate(fds[i], 1 << 20);
        (void)!fallocate(fds[i], FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096);
        (void)!pwrite(fds[i], garbage, sizeof garbage, random() % 4096);
        fcntl(fds[i], F_ADD_SEALS, F_SEAL_WRITE);
        fcntl(fds[i], F_SETFL, (int)random());
        flock(fds[i], LOCK_EX | LOCK_NB);
    }
}

static void harm_socket(const char *what)
{
    int fds[FDS_MOST];
    if (find_fds("socket:", fds) == 0)
        return;
    char garbage[4096];
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (char)random();
    if (strcmp(what, "socket") == 0) {
        send(fds[0], garbage, (size_t)random() % sizeof garbage, MSG_NOSIGNAL | MSG_DONTWAIT);
        return;
    }
    struct proto_packet close_output = {
        .type = PROTO_CLOSE_OUTPUT, .body = &(struct proto_index){0}, .body_len = sizeof(struct proto_index)};
    struct proto_packet hello = {.type = PROTO_HELLO,
                                 .body = &(struct proto_hello){.version = PROTO_VERSION},
                                 .body_len = sizeof(struct proto_hello),
                                 .text = {"0", "good"},
                                 .text_count = 2,
                                 .fds = {0},
                                 .fd_count = 1};
    for (int i = 0; i < 1000; i++)
        if (proto_send(fds[0], strcmp(what, "flood") ? &hello : &close_output, MSG_DONTWAIT) < 0)
            break;
}

static void do_harm(const char *what, long round)
{
    if (strcmp(what, "events") == 0) {
        harm_events();
    } else if (strcmp(what, "files") == 0) {
        harm_files();
    } else if (strcmp(what, "socket") == 0 || strcmp(what, "flood") == 0 || strcmp(what, "hello") == 0) {
        harm_socket(what);
    } else {
        char name[32];
        snprintf(name, sizeof name, "dora-%s", what);
        harm_maps(name, round);
    }
}

/* Messages of every shape, so that there is much to be misread. */
static void behave(dora_node *node)
{
    char data[3000];
    memset(data, 'v', sizeof data);
    dora_params *params = dora_params_new();
    dora_params_set_string(params, "key",
                           "some text that is long enough to be put in a block of the arena, where it lies");
    dora_params_set_int(params, "number", 42);
    for (int i = 0; i < 8; i++)
        dora_send(node, "out", data, (size_t)random() % sizeof data, random() % 2 ? params : NULL);
    dora_params_free(params);
    dora_event *event;
    for (int i = 0; i < 32 && dora_next(node, &event, 0) == 0; i++)
        dora_event_free(event);
}

int main(int argc, char **argv)
{
    dora_node *node;
    dora_error error;
    if (argc < 4 || dora_node_open(&node, NULL, &error) < 0)
        return 1;
    srandom((unsigned)strtoul(argv[2], NULL, 10) + dora_restart_count(node));
    long rounds = strtol(argv[3], NULL, 10);
    for (long round = 0; round < rounds; round++) {
        behave(node);
        do_harm(argv[1], round);
        usleep(PACE_US);
    }
    _exit(0); /* without a word */
}
