#include "bench.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000LL

int64_t bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

void bench_pace(int64_t *next, int64_t interval)
{
    if (interval <= 0)
        return;
    if (!*next)
        *next = bench_now();
    struct timespec t = {.tv_sec = *next / SECOND, .tv_nsec = *next % SECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
    *next += interval;
}

int64_t bench_param(const char *name, int64_t fallback)
{
    const char *text = getenv(name);
    if (!text)
        return fallback;
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (errno || end == text || *end)
        bench_die("%s is '%s', which is no integer", name, text);
    return value;
}

int64_t *bench_values(size_t count)
{
    int64_t *values = malloc((count ? count : 1) * sizeof *values);
    if (!values)
        bench_die("no memory for %zu results", count);
    /* Not calloc: the first touch of a page must not fall into what is measured. */
    memset(values, 0, count * sizeof *values);
    return values;
}

void bench_save(const int64_t *values, size_t count)
{
    const char *path = getenv("BENCH_OUT");
    FILE *file = path ? fopen(path, "wb") : stdout;
    if (!file)
        bench_die("cannot write %s: %s", path, strerror(errno));
    if (fwrite(values, sizeof *values, count, file) != count || (path ? fclose(file) : fflush(file)) != 0)
        bench_die("cannot write the results: %s", strerror(errno));
}

void bench_die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}
