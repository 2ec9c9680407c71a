#include "cli/ask.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "cli/session.h"
#include "cli/values.h"

json_t *ask(const struct options *options, const char *method, json_t *params, int64_t timeout_ns)
{
    json_t *result = NULL;
    if (!params && !(params = json_object())) {
        report_error("out of memory");
        return NULL;
    }
    struct control_client *client = session_open(options);
    if (client && session_choose(client, options, -1, "dataflow", params))
        result = session_call(client, method, json_incref(params), timeout_ns);
    json_decref(params);
    control_client_close(client);
    return result;
}

bool ask_wants_json(const struct options *options)
{
    const char *format = options_value(options, "format");
    return format && strcmp(format, "json") == 0;
}

bool ask_duration(const struct options *options, const char *name, int64_t *ns)
{
    struct error error = ERROR_INIT;
    const char *text = options_value(options, name);
    if (!text || value_duration(text, ns, &error) == 0)
        return true;
    report_error("`--%s`: %s", name, error.message);
    return false;
}

bool ask_grace(const struct options *options, json_t *params)
{
    int64_t ns = -1;
    if (!ask_duration(options, "grace-duration", &ns))
        return false;
    return ns < 0 || json_object_set_new(params, "grace", json_real((double)ns / (double)CLOCK_SECOND)) == 0;
}

bool ask_number(const struct options *options, const char *name, int64_t least, int64_t *number)
{
    const char *text = options_value(options, name);
    if (!text)
        return true;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < least) {
        report_error("`--%s`: `%s` is not a whole number from %lld", name, text, (long long)least);
        return false;
    }
    *number = value;
    return true;
}

bool ask_print_line(json_t *object)
{
    bool is_printed = object && json_dumpf(object, stdout, JSON_COMPACT) == 0;
    json_decref(object);
    if (is_printed)
        putchar('\n');
    else if (!object)
        report_error("out of memory");
    return is_printed;
}

const char *ask_bytes(char text[ASK_BYTES_MOST], double bytes)
{
    static const char *const units[] = {"B", "KB", "MB", "GB", "TB"};
    size_t unit = 0;
    for (; bytes >= 999.95 && unit < sizeof units / sizeof *units - 1; unit++)
        bytes /= 1000;
    snprintf(text, ASK_BYTES_MOST, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
    return text;
}

const char *ask_time(char text[ASK_TIME_MOST], int64_t ns)
{
    if (ns < 1000)
        snprintf(text, ASK_TIME_MOST, "%" PRId64 " ns", ns);
    else if (ns < 1000000)
        snprintf(text, ASK_TIME_MOST, "%.1f µs", (double)ns / 1e3);
    else if (ns < 1000000000)
        snprintf(text, ASK_TIME_MOST, "%.2f ms", (double)ns / 1e6);
    else
        snprintf(text, ASK_TIME_MOST, "%.3f s", (double)ns / 1e9);
    return text;
}
