#include "coordinator/crash.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/coordinator.h"

enum { CRASH_STATUS = 99 };

#define CRASH_NAME(name, text) text,
const char *const coordinator_crash_points[] = {CRASH_POINTS(CRASH_NAME) NULL};

void crash_at(enum crash_point point)
{
    const char *wanted = getenv("DORA_COORDINATOR_CRASH_AT");
    if (wanted && strcmp(wanted, coordinator_crash_points[point]) == 0)
        _exit(CRASH_STATUS);
}
