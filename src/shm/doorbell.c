#include "shm/doorbell.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/cleanup.h"
#include "shm/futex.h"
#include "shm/segment.h"

struct doorbell_word {
    _Alignas(64) _Atomic uint32_t state;
};

int doorbell_create(int *memory, int *event, struct error *error)
{
    autoclose int memory_fd = segment_create("dora-doorbell", sizeof(struct doorbell_word), error);
    if (memory_fd < 0)
        return memory_fd;
    autoclose int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0)
        return error_sys(error, -errno, "make a doorbell");
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
    *bell = (struct doorbell){.word = map, .event_fd = event};
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
        /* Fails only when the counter is full, and then it is readable. */
        (void)!write(bell->event_fd, &(uint64_t){1}, sizeof(uint64_t));
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

/* Empties an eventfd. It never waits, though all who hold the descriptor share its flags and one may have made it a
 * blocking one. */
static void drain(int event_fd)
{
    uint64_t count;
    if (preadv2(event_fd, &(struct iovec){&count, sizeof count}, 1, -1, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP)
        (void)!read(event_fd, &count, sizeof count); /* Linux before 5.8 */
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
