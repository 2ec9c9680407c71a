/* Who crashed: on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT a line on standard error and the daemon are told the
 * operator in whose thread it was. Then the signal does what it would have done: the process ends by it, with a core
 * where there are any. */
#ifndef OPERATOR_CRASH_H
#define OPERATOR_CRASH_H

#include "dora/dora.h"

/* Takes over the signals, for the whole process. */
int crash_install(void);

/* The calling thread gets a stack for the handler, since its own may be what has run out; NULL when memory is out, and
 * the handler runs on the thread's own. To be given to crash_thread_end by the same thread. */
void *crash_thread_begin(void);
void crash_thread_end(void *stack);

/* From now on the calling thread runs the operator `id` (valid until the next call; NULL: none), whose node is `node`
 * (NULL: not there yet, or no more). */
void crash_blame(const char *id, dora_node *node);

#endif
