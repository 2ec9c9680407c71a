#include "daemon/log_json.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "daemon/json_text.h"

void log_json_add(struct buf *out, const struct log_line *line, const char *dataflow_id)
{
    static const char *const levels[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE", "stdout"};
    time_t when = (time_t)(line->unix_ns / CLOCK_SECOND);
    struct tm tm;
    char stamp[32] = "";
    if (gmtime_r(&when, &tm))
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
    buf_printf(out, "{\"build_id\":null,\"dataflow_id\":\"%s\",\"node_id\":", dataflow_id);
    json_text_add(out, line->node, strlen(line->node));
    buf_printf(out, ",\"daemon_id\":null,\"level\":\"%s\",\"target\":", levels[line->level]);
    if (line->target)
        json_text_add(out, line->target, strlen(line->target));
    else
        buf_puts(out, "null");
    buf_puts(out, ",\"module_path\":null,\"file\":null,\"line\":null,\"message\":");
    json_text_add(out, line->message, line->len);
    buf_printf(out, ",\"timestamp\":\"%s.%09dZ\",\"fields\":%s}", stamp, (int)(line->unix_ns % CLOCK_SECOND),
               line->fields ? line->fields : "null");
}
