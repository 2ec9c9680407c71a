#include "cli/interrupt.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <time.h>

#include "base/clock.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t seen;
static volatile sig_atomic_t fd = -1;

static void note(int number)
{
    (void)number;
    int saved = errno;
    seen = 1;
    if (fd >= 0)
        eventfd_write(fd, 1);
    errno = saved;
}

void interrupt_catch(void)
{
    /* No SA_RESTART: who waits looks again. */
    struct sigaction action = {.sa_handler = note, .sa_flags = (int)SA_RESETHAND};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

int interrupt_fd(void)
{
    if (fd < 0)
        fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd;
}

bool interrupt_seen(void)
{
    return seen;
}

void interrupt_sleep(int64_t deadline)
{
    struct timespec until = {.tv_sec = deadline / CLOCK_SECOND, .tv_nsec = deadline % CLOCK_SECOND};
    if (!seen)
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}
