#include "base/uuid.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"

void uuid_make(char text[UUID_TEXT])
{
    uint64_t milliseconds = (uint64_t)(clock_ntp64_to_ns(clock_ntp64()) / CLOCK_MILLI), random[2];
    /* So few bytes come whole once the machine has gathered any entropy; before that, time must do. */
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        random[0] = clock_ntp64();
        random[1] = (uint64_t)clock_now();
    }
    snprintf(text, UUID_TEXT, "%08x-%04x-7%03x-%04x-%012llx", (unsigned)(uint32_t)(milliseconds >> 16),
             (unsigned)(milliseconds & 0xffff), (unsigned)(random[0] & 0xfff),
             (unsigned)(0x8000 | (random[0] >> 12 & 0x3fff)), (unsigned long long)(random[1] & 0xffffffffffff));
}
