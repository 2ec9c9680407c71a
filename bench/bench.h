/* What the floors and the nodes of the benchmark share: the clock, pacing, parameters from the environment, and
 * results.
 *
 * A result is a file of int64_t in the machine's byte order, which bench/harness.py reads; the figures (percentiles,
 * rates) are made there, so that both sides of a comparison are reckoned alike. A benchmark has nobody to return an
 * error to: what fails here ends the process with a message and status 1.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stddef.h>
#include <stdint.h>

int64_t bench_now(void); /* CLOCK_MONOTONIC, ns: one clock for all processes of a machine */

/* Sleeps until `*next` (0 at first: now), then moves it on by `interval` ns. An interval of 0 does not sleep. */
void bench_pace(int64_t *next, int64_t interval);

/* The integer in environment variable `name`, `fallback` where it is not set. */
int64_t bench_param(const char *name, int64_t fallback);

int64_t *bench_values(size_t count); /* `count` zeros, every page already in memory; for free() */

/* Writes `values` to the file that BENCH_OUT names, to standard output where that is not set. */
void bench_save(const int64_t *values, size_t count);

_Noreturn void bench_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
