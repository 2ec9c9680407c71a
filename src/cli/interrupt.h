/* Ctrl-C and SIGTERM for commands that go on until they are told to end, and then end in order. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

/* From now on such a signal is noted instead of ending the process; a second one ends it. */
void interrupt_catch(void);
bool interrupt_seen(void);

/* Becomes readable with the signal, and stays so; -1: it can't be had. Before interrupt_catch(). */
int interrupt_fd(void);

/* Sleeps until `deadline` (CLOCK_MONOTONIC ns) or a signal. */
void interrupt_sleep(int64_t deadline);

#endif
