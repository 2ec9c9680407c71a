#include "daemon/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"

struct watch {
    uv_poll_t poll;
    int fd;
    void (*ready)(void *context, int events);
    void *context;
};

struct alarm {
    uv_timer_t timer;
    void (*due)(void *context);
    void *context;
};

int watch_loop(uv_loop_t *loop)
{
    /* One for the loop, and then a pipe, without which libuv would end the process. */
    int ends[2], one = epoll_create1(EPOLL_CLOEXEC);
    int rc = one < 0 || pipe2(ends, O_CLOEXEC) < 0 ? -errno : 0;
    if (one >= 0)
        close(one);
    if (rc < 0)
        return rc;
    close(ends[0]);
    close(ends[1]);
    return uv_loop_init(loop);
}

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    watch->ready(watch->context, status < 0 ? UV_READABLE | UV_WRITABLE : events);
}

int watch_open(struct watch **out, uv_loop_t *loop, int fd, int events, void (*ready)(void *context, int events),
               void *context, struct error *error)
{
    struct watch *watch = malloc(sizeof *watch);
    if (!watch) {
        close(fd);
        return error_set(error, -ENOMEM, "no memory to watch a descriptor");
    }
    watch->fd = fd;
    watch->ready = ready;
    watch->context = context;
    watch->poll.data = watch;
    int rc = uv_poll_init(loop, &watch->poll, fd);
    if (rc < 0) {
        close(fd);
        free(watch);
        return error_sys(error, rc, "watch a descriptor");
    }
    rc = uv_poll_start(&watch->poll, events, on_poll);
    if (rc < 0) {
        watch_close(watch);
        return error_sys(error, rc, "watch a descriptor");
    }
    *out = watch;
    return 0;
}

int watch_fd(const struct watch *watch)
{
    return watch->fd;
}

void watch_events(struct watch *watch, int events)
{
    uv_poll_start(&watch->poll, events, on_poll); /* fails only for a handle that is closing */
}

void watch_close(struct watch *watch)
{
    if (!watch)
        return;
    uv_close((uv_handle_t *)&watch->poll, free_handle);
    close(watch->fd);
}

static void on_timer(uv_timer_t *timer)
{
    struct alarm *alarm = timer->data;
    alarm->due(alarm->context);
}

int alarm_open(struct alarm **out, uv_loop_t *loop, void (*due)(void *context), void *context, struct error *error)
{
    struct alarm *alarm = malloc(sizeof *alarm);
    if (!alarm)
        return error_set(error, -ENOMEM, "no memory for a timer");
    alarm->due = due;
    alarm->context = context;
    alarm->timer.data = alarm;
    uv_timer_init(loop, &alarm->timer); /* never fails */
    *out = alarm;
    return 0;
}

void alarm_set(struct alarm *alarm, int64_t delay_ns)
{
    uint64_t ms = delay_ns <= 0 ? 0 : ((uint64_t)delay_ns + CLOCK_MILLI - 1) / CLOCK_MILLI;
    /* The loop's own clock stands still while callbacks run; a delay counts from now. */
    uv_update_time(alarm->timer.loop);
    uv_timer_start(&alarm->timer, on_timer, ms, 0);
}

void alarm_clear(struct alarm *alarm)
{
    uv_timer_stop(&alarm->timer);
}

void alarm_close(struct alarm *alarm)
{
    if (alarm)
        uv_close((uv_handle_t *)&alarm->timer, free_handle);
}
