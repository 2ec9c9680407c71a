/* A log line as dora writes it for programs: one JSON object. */
#ifndef DAEMON_LOG_JSON_H
#define DAEMON_LOG_JSON_H

#include "base/buf.h"
#include "daemon/logs.h"

void log_json_add(struct buf *out, const struct log_line *line, const char *dataflow_id); /* without newline */

#endif
