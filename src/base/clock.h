/* Time. Durations and deadlines are nanoseconds of CLOCK_MONOTONIC in an int64_t; points in calendar time are NTP64, the
 * form dora shows to users: seconds since 1970-01-01 UTC in the upper 32 bits, fractions of 2^-32 s in the lower. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define CLOCK_SECOND ((int64_t)1000000000)
#define CLOCK_MILLI  ((int64_t)1000000)
#define CLOCK_NEVER  INT64_MAX

int64_t clock_now(void); /* CLOCK_MONOTONIC, ns */
uint64_t clock_ntp64(void); /* CLOCK_REALTIME as NTP64 */
uint64_t clock_ntp64_from_ns(int64_t unix_ns);
int64_t clock_ntp64_to_ns(uint64_t ntp64); /* ns since 1970; rounds down */

/* `now + duration`, CLOCK_NEVER where that would overflow or `duration` is CLOCK_NEVER. */
int64_t clock_after(int64_t now, int64_t duration);

#endif
