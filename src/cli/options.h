/* The command line, read by a table of options. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct command;

struct option_spec {
    const char *name;    /* without "--" */
    char letter;         /* `-f`; 0 for none */
    const char *value;   /* what the value is, such as "PATH"; NULL for a flag */
    const char *help;    /* one sentence without a full stop */
    const char *env;     /* the environment variable that stands in where the option is not given, or NULL */
    const char *choices; /* the values allowed, such as "table|json"; NULL for any */
    bool optional;       /* `--name` alone is allowed too, and then has the value ""; otherwise `--name=VALUE` */
    bool repeatable;     /* may be given several times; for others the last one counts */
    bool hidden;         /* left out of --help */
};

/* A command line taken apart. It points into argv, which must outlive it. */
struct options {
    const struct command *command;
    bool help; /* --help was given; nothing else has been checked */
    struct option_given {
        const struct option_spec *spec;
        const char *value; /* NULL for a flag */
    } * given;
    size_t given_count;
    char **operands;
    int operand_count;
};

/* Reads argv[1 …] by the table of `command`; argv[0] is the command's name, and argv is reordered. 0; -EINVAL for wrong
 * usage, with the message in `error` and the advice in `hint`, or -ENOMEM. options_free() afterwards in any case. Not
 * from several threads at once: getopt_long() has but one state. */
int options_parse(struct options *options, const struct command *command, int argc, char **argv, struct error *error,
                  struct error *hint);
void options_free(struct options *options);

/* Was it given (or is its environment variable set)? */
bool options_has(const struct options *options, const char *name);

/* The value given last, else the environment's unless that is empty, else NULL. */
const char *options_value(const struct options *options, const char *name);

/* The value given at the index-th time, or NULL behind the last one. For repeatable options. */
const char *options_value_at(const struct options *options, const char *name, size_t index);

#endif
