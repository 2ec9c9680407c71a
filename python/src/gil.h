/* Waiting without the GIL. libdora calls back around each wait (dora_node_options), so that what doesn't wait is done
 * without giving up the GIL, which costs more than a small message. */
#ifndef PYTHON_GIL_H
#define PYTHON_GIL_H

#include <stdbool.h>

/* Around a call that takes long without waiting, such as a large copy. */
void gil_release(void);
void gil_take(void);

/* For threads that somebody else has made: the first time, the thread becomes one of Python's. `for_good`: it is none
 * any more. In between it is without the GIL. */
void gil_enter(void);
void gil_leave(bool for_good);

/* For dora_node_options. A signal's handler that raises ends the wait with -EINTR and the exception set; `context` is a
 * NodeObject, and one that is closed meanwhile ends the wait with -ESHUTDOWN. */
void gil_wait_begin(void *context);
int gil_wait_end(void *context);

#endif
