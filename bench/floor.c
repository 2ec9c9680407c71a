/* The machine's own floor: what handing over a message costs with nothing around it, by the same clocks and on the same
 * cores as the dataflows it is held against. Results go to standard output (see bench.h), in ns unless said otherwise.
 *
 * A hand-over writes 8 bytes and a counter to one cache line that two processes share. The waiting side either sleeps
 * on the counter (futex) or reads it until it changes (spin, without a pause instruction: nothing is faster).
 */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { CORES_MAX = 64, PROCESSES_MAX = 256 };

struct slot {
    _Alignas(64) _Atomic uint32_t turn;
    int64_t stamp;
};

struct job {
    int cores[CORES_MAX]; /* process i runs on cores[i % core_count] */
    int core_count;       /* 0: wherever the kernel likes */
    bool spin;
    size_t count; /* messages, or repetitions */
    int64_t pace; /* ns between two messages; 0: back to back */
    size_t size;  /* processes, or bytes */
};

static void *shared(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        bench_die("cannot map %zu bytes: %s", size, strerror(errno));
    return memory;
}

static void pin(const struct job *job, size_t process)
{
    if (!job->core_count)
        return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(job->cores[process % (size_t)job->core_count], &set);
    if (sched_setaffinity(0, sizeof set, &set) < 0)
        bench_die("cannot run on core %d: %s", job->cores[process % (size_t)job->core_count], strerror(errno));
}

/* Forks process `index`, pinned; true in the child. */
static bool child(const struct job *job, size_t index)
{
    pid_t pid = fork();
    if (pid < 0)
        bench_die("cannot fork: %s", strerror(errno));
    if (pid > 0)
        return false;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(job, index);
    return true;
}

static void join(size_t children)
{
    for (size_t i = 0; i < children; i++) {
        int status;
        if (wait(&status) < 0 || status != 0)
            bench_die("a process of the floor failed");
    }
}

static void hand_over(const struct job *job, struct slot *slot, int64_t stamp)
{
    slot->stamp = stamp;
    atomic_fetch_add_explicit(&slot->turn, 1, memory_order_release); /* publishes the stamp */
    if (!job->spin)
        syscall(SYS_futex, &slot->turn, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* Waits for hand-over number `turn` (from 1) of `slot`. */
static int64_t take(const struct job *job, struct slot *slot, uint32_t turn)
{
    uint32_t seen;
    while ((int32_t)((seen = atomic_load_explicit(&slot->turn, memory_order_acquire)) - turn) < 0)
        if (!job->spin)
            syscall(SYS_futex, &slot->turn, FUTEX_WAIT, seen, NULL, NULL, 0);
    return slot->stamp;
}

/* Two processes answer each other: half of each round trip. */
static void ping_pong(const struct job *job)
{
    struct slot *slots = shared(2 * sizeof *slots);
    int64_t *values = bench_values(job->count);
    if (child(job, 1)) {
        for (uint32_t i = 1; i <= job->count; i++)
            hand_over(job, &slots[1], take(job, &slots[0], i));
        _exit(0);
    }
    pin(job, 0);
    for (uint32_t i = 1; i <= job->count; i++) {
        int64_t sent = bench_now();
        hand_over(job, &slots[0], sent);
        take(job, &slots[1], i);
        values[i - 1] = (bench_now() - sent) / 2;
    }
    join(1);
    bench_save(values, job->count);
    free(values);
}

/* One process to size - 1 others, each with its own slot: how late the slowest of them is, for each message. */
static void fan_out(const struct job *job)
{
    size_t receivers = job->size - 1;
    struct slot *slots = shared((receivers + 1) * sizeof *slots);
    struct slot *ready = &slots[receivers];
    int64_t *late = shared(receivers * job->count * sizeof *late);
    for (size_t r = 0; r < receivers; r++) {
        if (!child(job, r + 1))
            continue;
        hand_over(job, ready, 0);
        for (uint32_t i = 1; i <= job->count; i++) {
            int64_t sent = take(job, &slots[r], i);
            late[r * job->count + i - 1] = bench_now() - sent;
        }
        _exit(0);
    }
    pin(job, 0);
    for (uint32_t r = 1; r <= receivers; r++)
        take(job, ready, r);
    int64_t next = bench_now() + job->pace;
    for (size_t i = 0; i < job->count; i++) {
        bench_pace(&next, job->pace);
        int64_t sent = bench_now();
        for (size_t r = 0; r < receivers; r++)
            hand_over(job, &slots[r], sent);
    }
    join(receivers);
    for (size_t i = 0; i < job->count; i++)
        for (size_t r = 1; r < receivers; r++)
            if (late[r * job->count + i] > late[i])
                late[i] = late[r * job->count + i];
    bench_save(late, job->count);
}

/* `size` processes in a row: the way from the first to the last, divided by the hops. */
static void chain(const struct job *job)
{
    struct slot *slots = shared(job->size * sizeof *slots);
    struct slot *ready = &slots[0];
    int64_t *values = shared(job->count * sizeof *values);
    for (size_t p = 1; p < job->size; p++) {
        if (!child(job, p))
            continue;
        hand_over(job, ready, 0);
        for (uint32_t i = 1; i <= job->count; i++) {
            int64_t sent = take(job, &slots[p], i);
            if (p + 1 < job->size)
                hand_over(job, &slots[p + 1], sent);
            else
                values[i - 1] = (bench_now() - sent) / (int64_t)(job->size - 1);
        }
        _exit(0);
    }
    pin(job, 0);
    for (uint32_t p = 1; p < job->size; p++)
        take(job, ready, p);
    int64_t next = bench_now() + job->pace;
    for (size_t i = 0; i < job->count; i++) {
        bench_pace(&next, job->pace);
        hand_over(job, &slots[1], bench_now());
    }
    join(job->size - 1);
    bench_save(values, job->count);
}

/* A ring of one cache line a message between two processes that never sleep: messages a second. A slot's turn says
 * which message it holds, so that nothing but the messages crosses over, and now and then the reader's position. */
static void ring(const struct job *job)
{
    enum { SLOTS = 1024, REPORT = 128 };
    struct slot *tail = shared((1 + SLOTS) * sizeof *tail), *slots = tail + 1;
    if (child(job, 1)) {
        for (uint32_t i = 0; i < job->count; i++) {
            struct slot *slot = &slots[i % SLOTS];
            while (atomic_load_explicit(&slot->turn, memory_order_acquire) != i + 1)
                ;
            if (slot->stamp != (int64_t)i)
                bench_die("the ring of the floor lost message %u", i);
            if (i % REPORT == REPORT - 1)
                atomic_store_explicit(&tail->turn, i + 1, memory_order_release);
        }
        _exit(0);
    }
    pin(job, 0);
    uint32_t room = SLOTS;
    int64_t start = bench_now();
    for (uint32_t i = 0; i < job->count; i++) {
        while (i == room)
            room = atomic_load_explicit(&tail->turn, memory_order_acquire) + SLOTS;
        slots[i % SLOTS].stamp = i;
        atomic_store_explicit(&slots[i % SLOTS].turn, i + 1, memory_order_release);
    }
    join(1);
    bench_save(&(int64_t){(int64_t)((double)job->count * 1e9 / (double)(bench_now() - start))}, 1);
}

/* Copies `size` bytes into memory that another process could read. */
static void copy(const struct job *job)
{
    char *from = shared(job->size), *to = shared(job->size);
    int64_t *values = bench_values(job->count), next = 0;
    pin(job, 0);
    for (size_t i = 0; i < job->count; i++) {
        bench_pace(&next, job->pace);
        int64_t start = bench_now();
        memcpy(to, from, job->size);
        __asm__ volatile("" : : "r"(to) : "memory");
        values[i] = bench_now() - start;
    }
    bench_save(values, job->count);
    free(values);
}

/* Starts `size` processes of this program that end at once, and waits for them all. */
static void spawn(const struct job *job)
{
    extern char **environ;
    int64_t *values = bench_values(job->count);
    char name[] = "bench_floor", order[] = "exit";
    char *argv[] = {name, order, NULL};
    for (size_t i = 0; i < job->count; i++) {
        int64_t start = bench_now();
        for (size_t p = 0; p < job->size; p++) {
            int rc = posix_spawn(&(pid_t){0}, "/proc/self/exe", NULL, NULL, argv, environ);
            if (rc)
                bench_die("cannot spawn: %s", strerror(rc));
        }
        join(job->size);
        values[i] = bench_now() - start;
    }
    bench_save(values, job->count);
    free(values);
}

static void parse_cores(struct job *job, const char *text)
{
    if (strcmp(text, "-") == 0)
        return;
    while (*text) {
        char *end;
        long core = strtol(text, &end, 10);
        if (end == text || core < 0 || core >= CPU_SETSIZE || job->core_count == CORES_MAX || (*end && *end != ','))
            bench_die("'%s' is no list of at most %d cores, such as 0,1", text, CORES_MAX);
        job->cores[job->core_count++] = (int)core;
        text = *end ? end + 1 : end;
    }
}

static size_t number(const char *text, size_t least, size_t most)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end || value < least || value > most)
        bench_die("'%s' is no number from %zu to %zu", text, least, most);
    return value;
}

static const struct {
    const char *name;
    void (*run)(const struct job *);
    bool spin;
    size_t size_min, size_max; /* of SIZE; 0, 0: it takes none */
} floors[] = {
    {"futex", ping_pong, false, 0, 0},
    {"spin", ping_pong, true, 0, 0},
    {"futex-fan-out", fan_out, false, 2, PROCESSES_MAX},
    {"spin-fan-out", fan_out, true, 2, PROCESSES_MAX},
    {"futex-chain", chain, false, 2, PROCESSES_MAX},
    {"ring", ring, true, 0, 0},
    {"memcpy", copy, false, 1, SIZE_MAX},
    {"spawn", spawn, false, 1, PROCESSES_MAX},
};

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "exit") == 0)
        return 0;
    if (argc == 2 && strcmp(argv[1], "idle") == 0)
        return pause();
    for (size_t i = 0; argc == 6 && i < sizeof floors / sizeof *floors; i++) {
        if (strcmp(argv[1], floors[i].name) != 0)
            continue;
        struct job job = {
            .spin = floors[i].spin,
            .count = number(argv[3], 1, UINT32_MAX),
            .pace = (int64_t)number(argv[4], 0, INT64_MAX),
            .size = number(argv[5], floors[i].size_min, floors[i].size_max),
        };
        parse_cores(&job, argv[2]);
        floors[i].run(&job);
        return 0;
    }
    fprintf(stderr, "usage: bench_floor NAME CORES COUNT PACE_NS SIZE\n"
                    "       bench_floor idle | exit\n"
                    "CORES such as 0,1, or - for any. NAME, and what SIZE means (0 where nothing is said):\n"
                    "  futex, spin                    ping-pong of two processes\n"
                    "  futex-fan-out, spin-fan-out    SIZE processes, the first sends to the others\n"
                    "  futex-chain                    SIZE processes in a row\n"
                    "  ring                           two processes, messages a second\n"
                    "  memcpy                         SIZE bytes\n"
                    "  spawn                          SIZE processes\n");
    return 2;
}
