#include "cli/log_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

/* Two or four digits, and the character behind them where there must be one. */
static bool read_number(const char **at, int digits, char end, int *number)
{
    *number = 0;
    for (; digits > 0; digits--, ++*at) {
        if (**at < '0' || **at > '9')
            return false;
        *number = *number * 10 + (**at - '0');
    }
    if (end && *(*at)++ != end)
        return false;
    return true;
}

static bool read_zone(const char *at, int *seconds)
{
    *seconds = 0;
    if (!*at || strcmp(at, "Z") == 0 || strcmp(at, "z") == 0)
        return true;
    int sign = *at == '+' ? 1 : *at == '-' ? -1 : 0, hours, minutes;
    at++;
    if (!sign || !read_number(&at, 2, ':', &hours) || !read_number(&at, 2, 0, &minutes) || *at)
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

int log_record_time(const char *text, int64_t *unix_ns)
{
    struct tm tm = {0};
    const char *at = text;
    if (!read_number(&at, 4, '-', &tm.tm_year) || !read_number(&at, 2, '-', &tm.tm_mon) ||
        !read_number(&at, 2, 0, &tm.tm_mday) || (*at != 'T' && *at != ' ') || !*at++ ||
        !read_number(&at, 2, ':', &tm.tm_hour) || !read_number(&at, 2, ':', &tm.tm_min) ||
        !read_number(&at, 2, 0, &tm.tm_sec))
        return -EINVAL;
    int64_t fraction = 0, unit = CLOCK_SECOND;
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++)
            fraction += (*at - '0') * (unit /= 10);
    int zone;
    if (!read_zone(at, &zone))
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t seconds = (int64_t)timegm(&tm) - zone;
    if (__builtin_mul_overflow(seconds, CLOCK_SECOND, unix_ns))
        return -EINVAL;
    *unix_ns += fraction;
    return 0;
}

static const char *text_of(const json_t *root, const char *key, const char *other)
{
    const char *text = json_string_value(json_object_get(root, key));
    return text || !other ? text : json_string_value(json_object_get(root, other));
}

static bool read_object(struct log_record *record)
{
    const json_t *root = record->root;
    struct log_line *line = &record->line;
    const char *level = text_of(root, "level", NULL), *stamp = text_of(root, "ts", "timestamp");
    json_t *message = json_object_get(root, "msg");
    message = message ? message : json_object_get(root, "message");
    if (!level || !stamp || !json_is_string(message) || log_record_time(stamp, &line->unix_ns) < 0)
        return false;
    line->level = graph_log_level_parse(level);
    if (line->level == GRAPH_LOG_UNSET)
        return false;
    const char *node = text_of(root, "node", "node_id"), *stream = text_of(root, "stream", NULL);
    line->node = node ? node : line->node;
    line->is_stderr = stream && strcmp(stream, "stderr") == 0;
    line->message = json_string_value(message);
    line->len = json_string_length(message);
    line->target = text_of(root, "target", NULL);
    const json_t *fields = json_object_get(root, "fields");
    if (json_object_size(fields))
        line->fields = record->fields = json_dumps(fields, JSON_COMPACT);
    return true;
}

int log_record_read(struct log_record *record, const char *text, size_t len, const char *node, int64_t unix_ns)
{
    const struct log_line plain = {.node = node, .level = GRAPH_LOG_STDOUT, .unix_ns = unix_ns};
    *record = (struct log_record){.line = plain};
    record->root = len && text[0] == '{' ? json_loadb(text, len, JSON_ALLOW_NUL, NULL) : NULL;
    if (record->root && read_object(record))
        return 0;
    record->line = plain;
    record->text = strndup(text, len);
    if (!record->text) {
        log_record_free(record);
        return -ENOMEM;
    }
    record->line.message = record->text;
    record->line.len = strlen(record->text);
    return 0;
}

void log_record_free(struct log_record *record)
{
    json_decref(record->root);
    free(record->fields);
    free(record->text);
    *record = (struct log_record){0};
}
