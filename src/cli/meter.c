#include "cli/meter.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

static struct meter_sample *at(const struct meter *meter, size_t index)
{
    return &meter->samples[(meter->first + index) & (meter->capacity - 1)];
}

static int grow(struct meter *meter)
{
    size_t capacity = meter->capacity ? 2 * meter->capacity : 64;
    struct meter_sample *samples = calloc(capacity, sizeof *samples);
    if (!samples)
        return -ENOMEM;
    for (size_t i = 0; i < meter->count; i++)
        samples[i] = *at(meter, i);
    free(meter->samples);
    meter->samples = samples;
    meter->first = 0;
    meter->capacity = capacity;
    return 0;
}

void meter_forget(struct meter *meter, int64_t now)
{
    while (meter->count && now - at(meter, 0)->time > meter->window) {
        meter->first++;
        meter->count--;
    }
}

int meter_add(struct meter *meter, struct meter_sample sample)
{
    meter_forget(meter, sample.time);
    if (meter->count == meter->capacity && grow(meter) < 0)
        return -ENOMEM;
    *at(meter, meter->count++) = sample;
    return 0;
}

void meter_free(struct meter *meter)
{
    free(meter->samples);
    *meter = (struct meter){.window = meter->window};
}

struct sums {
    size_t count;
    double mean, squares, least, most; /* Welford's running mean and sum of squared deviations */
};

static void add(struct sums *sums, double value)
{
    double before = value - sums->mean;
    sums->mean += before / (double)++sums->count;
    sums->squares += before * (value - sums->mean);
    sums->least = sums->count == 1 || value < sums->least ? value : sums->least;
    sums->most = sums->count == 1 || value > sums->most ? value : sums->most;
}

static struct meter_summary summary(const struct meter *meter, const struct sums *sums)
{
    return (struct meter_summary){
        .count = sums->count,
        .mean = sums->mean,
        .least = sums->least,
        .most = sums->most,
        .deviation = sums->count ? sqrt(sums->squares / (double)sums->count) : 0,
        .span = meter->count ? (double)(at(meter, meter->count - 1)->time - at(meter, 0)->time) / 1e9 : 0,
        .sum = sums->mean * (double)sums->count,
    };
}

struct meter_summary meter_values(const struct meter *meter)
{
    struct sums sums = {0};
    for (size_t i = 0; i < meter->count; i++)
        add(&sums, (double)at(meter, i)->value);
    return summary(meter, &sums);
}

struct meter_summary meter_intervals(const struct meter *meter)
{
    struct sums sums = {0};
    for (size_t i = 1; i < meter->count; i++)
        add(&sums, (double)(at(meter, i)->time - at(meter, i - 1)->time));
    return summary(meter, &sums);
}
