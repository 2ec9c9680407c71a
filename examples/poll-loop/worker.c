/* Waits in poll() for two things at once: dora's events, and a timer of its own that reports the mean every 200 ms. */
#include <dora/dora.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct mean {
    double sum;
    long count, total;
};

/* Takes all that is there: only then is dora's descriptor armed again. 0, or what ended the stream. */
static int take_events(dora_node *node, struct mean *mean)
{
    dora_event *event;
    int rc;
    while ((rc = dora_next(node, &event, 0)) == 0) {
        size_t size;
        const double *values = dora_event_data(event, &size);
        if (dora_event_type(event) == DORA_EVENT_INPUT && strcmp(dora_event_format(event), "g") == 0)
            for (size_t i = 0; i < size / sizeof *values; i++) {
                mean->sum += values[i];
                mean->count++;
            }
        dora_event_free(event);
    }
    return rc == -ETIMEDOUT ? 0 : rc;
}

static void report(struct mean *mean)
{
    if (mean->count)
        printf("mean of %ld values: %.3f\n", mean->count, mean->sum / (double)mean->count);
    mean->total += mean->count;
    mean->sum = 0;
    mean->count = 0;
}

static int run(dora_node *node, int timer)
{
    struct mean mean = {0, 0, 0};
    int events = dora_fd(node), rc = events < 0 ? events : 0;
    while (rc == 0) {
        struct pollfd polled[] = {{events, POLLIN, 0}, {timer, POLLIN, 0}};
        if (poll(polled, 2, -1) < 0 && errno != EINTR)
            return -errno;
        uint64_t expirations;
        if (polled[1].revents && read(timer, &expirations, sizeof expirations) == (ssize_t)sizeof expirations)
            report(&mean);
        if (polled[0].revents)
            rc = take_events(node, &mean);
    }
    report(&mean);
    printf("received %ld values\n", mean.total);
    return rc == -ENODATA ? 0 : rc; /* -ENODATA: the stream has ended, as it should */
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* each line is seen when it is printed */
    dora_node *node;
    dora_error error;
    if (dora_node_open(&node, NULL, &error) < 0)
        return fprintf(stderr, "%s\n", error.message), 1;
    struct itimerspec every = {.it_interval = {0, 200000000}, .it_value = {0, 200000000}};
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    int rc = timer < 0 || timerfd_settime(timer, 0, &every, NULL) < 0 ? -errno : run(node, timer);
    if (rc < 0)
        fprintf(stderr, "%s\n", strerror(-rc));
    if (timer >= 0)
        close(timer);
    dora_node_close(node);
    return rc < 0 ? 1 : 0;
}
