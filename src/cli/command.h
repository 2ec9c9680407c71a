/* Commands of `dora`, one a file.
 *
 * `NAME.c` defines `const struct command command_NAME` and joins the list COMMANDS in commands.h, or that of its group:
 * `dora topic echo` is `command_topic_echo` in the list COMMANDS_TOPIC. Everything a user can
 * read about a command (--help, the errors for wrong usage, completion, the manual) comes from that struct.
 *
 *     static const struct option_spec run_options[] = {
 *         {.name = "uv", .help = "Run Python nodes through uv"},
 *         {.name = "stop-after", .value = "DURATION", .help = "Stop the dataflow after this time"},
 *         {.name = "env", .value = "KEY=VALUE", .repeatable = true, .help = "Set a variable for all nodes"},
 *         {0},
 *     };
 *     static int run(const struct options *options)
 *     {
 *         const char *path = options->operands[0];
 *         const char *stop_after = options_value(options, "stop-after");
 *         …
 *     }
 *     const struct command command_run = {.name = "run", .operands = "PATH", .min_operands = 1, .max_operands = 1,
 *                                         .summary = "…", .options = run_options, .run = run};
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>

#include "cli/options.h"

/* What a command exits with. */
enum { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2 };

struct command {
    const char *name;     /* of a command in a group with the group's in front: "topic echo" */
    const char *alias;    /* a second name, or NULL */
    const char *operands; /* for the usage line, such as "PATH"; NULL for none */
    int min_operands, max_operands;
    const char *summary;               /* one line, an imperative without a full stop */
    const char *details;               /* paragraphs for --help, or NULL */
    const char *example;               /* command lines, one a line, or NULL */
    const struct option_spec *options; /* ended by one without name; NULL for none. --help is always added */
    bool hidden;                       /* left out of `dora --help` */

    const struct command *const *commands; /* a group's, ended by NULL; the group itself has but name and summary */

    /* NULL for a group. Does the work and returns the exit status. The options are checked: the number of operands,
     * values where they belong, choices. */
    int (*run)(const struct options *options);
};

#endif
