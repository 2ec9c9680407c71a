#include "cli/log_options.h"

#include <string.h>

#include "cli/report.h"

static bool read_level(const char *option, const char *text, enum graph_log_level *level)
{
    *level = text ? graph_log_level_parse(text) : GRAPH_LOG_STDOUT;
    if (*level != GRAPH_LOG_UNSET)
        return true;
    report_error("`--%s`: there is no log level `%s`", option, text);
    report_hint("the levels are error, warn, info, debug, trace and stdout");
    return false;
}

bool log_options_read(const struct options *options, const char *level_option, struct log_print_options *print,
                      struct pairs *filters)
{
    struct error error = ERROR_INIT;
    if (!read_level(level_option, options_value(options, level_option), &print->level))
        return false;
    const char *format = options_value(options, "log-format"), *filter = options_value(options, "log-filter");
    print->format = !format || strcmp(format, "pretty") == 0 ? LOG_PRETTY
                    : strcmp(format, "json") == 0            ? LOG_JSON
                                                             : LOG_COMPACT;
    if (filter && pairs_add(filters, filter, ',', &error) < 0) {
        report_error("`--log-filter`: %s", error.message);
        return false;
    }
    enum graph_log_level level;
    for (size_t i = 0; i < filters->count; i++)
        if (!read_level("log-filter", filters->items[i].value, &level))
            return false;
    print->filters = filters;
    return true;
}
