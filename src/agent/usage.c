#include "agent/usage.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* The kernel walks all pages for PSS; above this that costs more than a look is worth. */
static const uint64_t cheap = 256 << 20;

int64_t usage_cpu(pid_t pid)
{
    clockid_t clock;
    struct timespec time;
    if (pid <= 0 || clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &time) < 0)
        return 0;
    return time.tv_sec * CLOCK_SECOND + time.tv_nsec;
}

static bool read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);
    text[len > 0 ? len : 0] = '\0';
    return len > 0;
}

int64_t usage_thread_cpu(pid_t pid, uint32_t thread)
{
    char name[48], text[128];
    long long ns;
    snprintf(name, sizeof name, "task/%u/schedstat", thread);
    return pid > 0 && read_proc(pid, name, text, sizeof text) && sscanf(text, "%lld", &ns) == 1 ? ns : 0;
}

uint64_t usage_memory(pid_t pid)
{
    char text[2048];
    unsigned long long pages = 0;
    if (pid <= 0 || !read_proc(pid, "statm", text, sizeof text) || sscanf(text, "%*u %llu", &pages) != 1)
        return 0;
    uint64_t resident = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    if (resident > cheap || !read_proc(pid, "smaps_rollup", text, sizeof text))
        return resident;
    const char *line = strstr(text, "\nPss:");
    return line ? strtoull(line + 5, NULL, 10) * 1024 : resident;
}

int64_t usage_age(pid_t pid)
{
    char text[1024];
    unsigned long long ticks;
    struct timespec now;
    /* The name in parentheses may hold anything; starttime is the 22nd field, the 20th behind it. */
    char *name_end = pid > 0 && read_proc(pid, "stat", text, sizeof text) ? strrchr(text, ')') : NULL;
    if (!name_end ||
        sscanf(name_end + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &ticks) != 1 ||
        clock_gettime(CLOCK_BOOTTIME, &now) < 0)
        return 0;
    int64_t age = now.tv_sec * CLOCK_SECOND + now.tv_nsec -
                  (int64_t)((double)ticks * (double)CLOCK_SECOND / (double)sysconf(_SC_CLK_TCK));
    return age > 0 ? age : 0;
}
