/* How often, how much and how late: statistics of a topic's last messages. */
#ifndef CLI_METER_H
#define CLI_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct meter_sample {
    int64_t time; /* ns, of any clock */
    int64_t value;
};

/* The samples of the last `window` ns, oldest first, in a ring. Zero-initialized, but for `window`. */
struct meter {
    int64_t window;
    struct meter_sample *samples;
    size_t first, count, capacity; /* of 2^k */
};

struct meter_summary {
    size_t count;
    double mean, least, most, deviation;
    double span; /* s between the first and the last */
    double sum;
};

/* Adds a sample and forgets those that are out of the window. Its time is not before that of the last one. -ENOMEM: it
 * is not kept. */
int meter_add(struct meter *meter, struct meter_sample sample);
/* Forgets what is out of the window at this time. */
void meter_forget(struct meter *meter, int64_t now);
void meter_free(struct meter *meter);

/* Of the values, or of the times between samples (then count - 1 of them). */
struct meter_summary meter_values(const struct meter *meter);
struct meter_summary meter_intervals(const struct meter *meter);

#endif
