/* What a process uses. */
#ifndef AGENT_USAGE_H
#define AGENT_USAGE_H

#include <stdint.h>
#include <sys/types.h>

/* CPU time so far, of all its threads, in ns; 0: there is no such process. */
int64_t usage_cpu(pid_t pid);

/* The same of one of its threads. */
int64_t usage_thread_cpu(pid_t pid, uint32_t thread);

/* For how long it has run, in ns; 0: there is no such process. */
int64_t usage_age(pid_t pid);

/* Bytes of memory: its proportional share (PSS) where that is cheap to find out, else what is resident (RSS). */
uint64_t usage_memory(pid_t pid);

#endif
