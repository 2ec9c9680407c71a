#include "shm/doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/cleanup.h"
#include "base/futex.h"
#include "shm/segment.h"

struct doorbell_word {
    _Alignas(64) _Atomic uint32_t state;
};

/* Opens the pipe behind a descriptor anew, both ends of it. The flags of a file are shared by all who hold it, and one
 * of them could make it wait; this one's are its opener's alone. */
static int open_anew(int fd)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

int doorbell_create(int *memory, int *event, struct error *error)
{
    autoclose int memory_fd = segment_create("dora-doorbell", sizeof(struct doorbell_word), error);
    if (memory_fd < 0)
        return memory_fd;
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) < 0)
        return error_sys(error, -errno, "make a doorbell");
    autoclose int event_fd = open_anew(ends[0]);
    int rc = event_fd < 0 ? error_sys(error, -errno, "open a doorbell's pipe in /proc") : 0;
    close(ends[0]);
    close(ends[1]);
    if (rc < 0)
        return rc;
    *memory = take_fd(&memory_fd);
    *event = take_fd(&event_fd);
    return 0;
}

int doorbell_open(struct doorbell *bell, int memory, int event, struct error *error)
{
    void *map;
    int rc = segment_map(memory, sizeof(struct doorbell_word), PROT_READ | PROT_WRITE, &map, error);
    if (rc < 0)
        return error_add(error, "doorbell"), rc;
    int own = open_anew(event);
    if (own >= 0)
        close(event);
    *bell = (struct doorbell){.word = map, .event_fd = own >= 0 ? own : event};
    return 0;
}

void doorbell_close(struct doorbell *bell)
{
    if (bell->word)
        munmap(bell->word, sizeof *bell->word);
    if (bell->event_fd >= 0)
        close(bell->event_fd);
    bell->word = NULL;
    bell->event_fd = -1;
}

void doorbell_ring(struct doorbell *bell)
{
    /* relaxed: the caller's fence orders it behind the published work. */
    if (atomic_load_explicit(&bell->word->state, memory_order_relaxed) == DOORBELL_AWAKE)
        return;
    /* seq_cst exchange: exactly one ringer takes the armed state. */
    switch (atomic_exchange(&bell->word->state, DOORBELL_AWAKE)) {
    case DOORBELL_ASLEEP:
        futex_wake(&bell->word->state);
        break;
    case DOORBELL_POLLED:
        /* Fails only when the pipe is full, and then it is readable. */
        (void)!write(bell->event_fd, "", 1);
        break;
    }
}

void doorbell_arm(struct doorbell *bell, enum doorbell_state state)
{
    bell->polled = state == DOORBELL_POLLED;
    /* seq_cst exchange: the full fence between announcing the wait and looking for work again. */
    atomic_exchange(&bell->word->state, state);
    fence_full();
}

/* Empties the pipe. What a bad ringer has put there beyond DRAINS only wakes us for nothing. */
static void drain(int event_fd)
{
    enum { DRAINS = 32 };
    char rings[2048];
    for (int i = 0; i < DRAINS && read(event_fd, rings, sizeof rings) == sizeof rings; i++)
        ;
}

void doorbell_disarm(struct doorbell *bell)
{
    /* relaxed: a ringer that still sees it armed wakes for nothing, no more. */
    atomic_store_explicit(&bell->word->state, DOORBELL_AWAKE, memory_order_relaxed);
    if (!bell->polled)
        return;
    bell->polled = false;
    /* Whatever the state was: a ringer that took an earlier wait's state may have written the event_fd only now, and
     * what nobody reads would end every later wait at once. */
    drain(bell->event_fd);
}

void doorbell_sleep(struct doorbell *bell, int64_t deadline)
{
    int64_t latest = clock_now() + DOORBELL_NAP;
    if (deadline > latest)
        deadline = latest;
    futex_wait(&bell->word->state, DOORBELL_ASLEEP, deadline);
}
