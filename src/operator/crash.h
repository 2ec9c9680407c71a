/* Who it was: on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT a line on standard error and the daemon are told the
 * operator in whose thread it was; on SIGTERM, which a host gets that hasn't ended in time, a line names each operator
 * that is still busy. Then the signal does what it would have done: the process ends by it, with a core where there are
 * any. */
#ifndef OPERATOR_CRASH_H
#define OPERATOR_CRASH_H

#include <stdbool.h>

#include "dora/dora.h"

/* Takes over the signals, for the whole process; SIGTERM only where it would end it. `hands_on`: a crash goes on to
 * whoever had its signal before, such as an interpreter that says where it was; else as if nobody had had it. */
int crash_install(bool hands_on);

/* The calling thread will run operators, and gets a stack for the handler, since its own may be what has run out.
 * Without memory it goes on without being named. What it takes is kept until the process ends. */
void crash_thread_begin(void);
void crash_thread_end(void); /* by the same thread, before it ends */

/* From now on the calling thread runs the operator `id` (valid until the next call; NULL: none), whose node is `node`
 * (NULL: not there yet, or no more). Nothing on a thread without crash_thread_begin. */
void crash_blame(const char *id, dora_node *node);

#endif
