/* A line that is one of dora's log messages: a JSON object with `level` and `timestamp`, such as dora_log_message() and
 * dora's other libraries print. */
#ifndef DAEMON_LOG_MESSAGE_H
#define DAEMON_LOG_MESSAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "graph/graph.h"

struct log_message {
    enum graph_log_level level;
    const char *message; /* "" when there is none */
    size_t len;
    const char *target; /* or NULL */
    char *fields;       /* a JSON object, or NULL */
    json_t *root;       /* what the strings live in */
};

/* False when the line is anything else; then nothing is to be freed. */
bool log_message_parse(struct log_message *message, const char *line, size_t len);
void log_message_free(struct log_message *message);

#endif
