/* A line of a log file, read back. */
#ifndef CLI_LOG_RECORD_H
#define CLI_LOG_RECORD_H

#include <jansson.h>

#include "daemon/logs.h"

struct log_record {
    struct log_line line;
    json_t *root; /* what the strings live in */
    char *fields;
    char *text; /* of a line that is no record */
};

/* Reads what the daemon writes, and dora's log messages too. Anything else becomes a plain line that `node` printed at
 * `unix_ns`. -ENOMEM otherwise 0. */
int log_record_read(struct log_record *record, const char *text, size_t len, const char *node, int64_t unix_ns);
void log_record_free(struct log_record *record);

/* "2026-01-31T12:00:00[.123][Z|+01:00]" in nanoseconds since 1970. 0 or -EINVAL. */
int log_record_time(const char *text, int64_t *unix_ns);

#endif
