/* The loop's handles as the daemon uses them: each frees itself once the loop has let go of it, so that whoever owns
 * one may be freed right after closing it.
 */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

#include <stdint.h>
#include <uv.h>

#include "base/error.h"

/* uv_loop_init, but a lack of descriptors is an error, whereas libuv ends the process when it has none for its first
 * loop. */
int watch_loop(uv_loop_t *loop);

/* A descriptor that is waited for. */
struct watch;

/* `ready` is called while any of `events` (UV_READABLE, UV_WRITABLE) is there; an error counts as all of them. Takes
 * over `fd` in any case. */
int watch_open(struct watch **watch, uv_loop_t *loop, int fd, int events, void (*ready)(void *context, int events),
               void *context, struct error *error);
int watch_fd(const struct watch *watch);
void watch_events(struct watch *watch, int events);
void watch_close(struct watch *watch); /* closes the descriptor; NULL is fine */

/* A time that is waited for. */
struct alarm;

int alarm_open(struct alarm **alarm, uv_loop_t *loop, void (*due)(void *context), void *context, struct error *error);
void alarm_set(struct alarm *alarm, int64_t delay_ns); /* replaces an earlier one */
void alarm_clear(struct alarm *alarm);
void alarm_close(struct alarm *alarm); /* NULL is fine */

#endif
