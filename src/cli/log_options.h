/* How log lines are to be shown, as the command line says it. */
#ifndef CLI_LOG_OPTIONS_H
#define CLI_LOG_OPTIONS_H

#include "cli/log_print.h"
#include "cli/options.h"

/* Reads --log-format, --log-filter and the level, which is the option LEVEL_OPTION, into `print` and `filters`;
 * pairs_free() the latter in any case. False: reported. */
bool log_options_read(const struct options *options, const char *level_option, struct log_print_options *print,
                      struct pairs *filters);

/* Their entries in a command's table; the level's help is the same everywhere, its name is not. */
#define LOG_LEVEL_HELP                                                                                                 \
    "Show lines of this level and those more severe: error, warn, info, debug, trace, or stdout for all"
#define LOG_FORMAT_OPTION                                                                                              \
    {                                                                                                                  \
        .name = "log-format", .value = "FORMAT", .choices = "pretty|json|compact", .env = "DORA_LOG_FORMAT",           \
        .help = "How to print lines; json prints one object a line"                                                    \
    }
#define LOG_FILTER_OPTION                                                                                              \
    {                                                                                                                  \
        .name = "log-filter", .value = "NODE=LEVEL,...", .env = "DORA_LOG_FILTER",                                     \
        .help = "Levels for single nodes, over the general one"                                                        \
    }

/* What --help of each says about JSON lines. */
#define LOG_JSON_HELP                                                                                                   \
    "With --log-format json, each line is an object:\n"                                                                 \
    "  {\"build_id\": null, \"dataflow_id\": …, \"node_id\": …, \"daemon_id\": null, \"level\": "                   \
    "\"INFO\"|…|\"stdout\",\n"                                                                                        \
    "   \"target\": …|null, \"module_path\": null, \"file\": null, \"line\": null, \"message\": …, \"timestamp\": " \
    "…,\n"                                                                                                            \
    "   \"fields\": {…}|null}"

#endif
