#include "cli/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/suggest.h"
#include "cli/command.h"

enum { OPTIONS_MAX = 64, HELP = OPTIONS_MAX, VALUE_MAX = 256 };

/* getopt_long()'s own form of a command's table. An option is known by its index there, plus FIRST, so that it is never
 * mistaken for a letter. */
enum { FIRST = 256 };

struct table {
    const struct option_spec *specs;
    size_t count;
    char letters[3 * OPTIONS_MAX + 8];
    struct option longs[OPTIONS_MAX + 2];
};

static int argument_kind(const struct option_spec *spec)
{
    return !spec->value ? no_argument : spec->optional ? optional_argument : required_argument;
}

static void table_init(struct table *table, const struct command *command)
{
    *table = (struct table){.specs = command->options};
    /* ':' in front: report a missing value apart from an unknown option. */
    char *letters = table->letters;
    *letters++ = ':';
    *letters++ = 'h';
    for (; table->specs && table->specs[table->count].name && table->count < OPTIONS_MAX; table->count++) {
        const struct option_spec *spec = &table->specs[table->count];
        int kind = argument_kind(spec);
        table->longs[table->count] = (struct option){spec->name, kind, NULL, FIRST + (int)table->count};
        if (!spec->letter)
            continue;
        *letters++ = spec->letter;
        for (int i = 0; i < kind; i++)
            *letters++ = ':';
    }
    table->longs[table->count] = (struct option){"help", no_argument, NULL, FIRST + HELP};
}

static const struct option_spec *spec_of(const struct table *table, int code)
{
    if (code >= FIRST && (size_t)(code - FIRST) < table->count)
        return &table->specs[code - FIRST];
    for (size_t i = 0; i < table->count; i++)
        if (code && table->specs[i].letter == code)
            return &table->specs[i];
    return NULL;
}

static const struct option_spec *spec_named(const struct command *command, const char *name)
{
    for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
        if (strcmp(spec->name, name) == 0)
            return spec;
    return NULL;
}

static int see_help(const struct command *command, struct error *hint)
{
    error_set(hint, -EINVAL, "`dora %s --help` explains the usage", command->name);
    return -EINVAL;
}

static int unknown_option(const struct table *table, const struct command *command, const char *word,
                          struct error *error, struct error *hint)
{
    see_help(command, hint);
    if (optopt && optopt < FIRST)
        return error_set(error, -EINVAL, "`dora %s` has no option `-%c`", command->name, optopt);
    char name[VALUE_MAX];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    const char *names[OPTIONS_MAX + 1];
    size_t starts = 0;
    for (size_t i = 0; i <= table->count; i++) {
        names[i] = table->longs[i].name;
        starts += strncmp(names[i], name, strlen(name)) == 0;
        if (strcmp(names[i], name) == 0)
            return error_set(error, -EINVAL, "the option `--%s` takes no value", name);
    }
    if (starts > 1)
        return error_set(error, -EINVAL, "`--%s` may stand for several options", name);
    const char *near = suggest(name, names, table->count + 1);
    if (near)
        error_set(hint, -EINVAL, "did you mean `--%s`?", near);
    return error_set(error, -EINVAL, "`dora %s` has no option `--%s`", command->name, name);
}

static bool is_choice(const char *choices, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = choices;; at++) {
        size_t item = strcspn(at, "|");
        if (item == len && memcmp(at, value, len) == 0)
            return true;
        at += item;
        if (!*at)
            return false;
    }
}

static int check_choice(const struct option_spec *spec, const char *value, const char *origin, struct error *error,
                        struct error *hint)
{
    if (!spec->choices || !value || is_choice(spec->choices, value) || (spec->optional && !*value))
        return 0;
    error_set(hint, -EINVAL, "use one of: %s", spec->choices);
    return error_set(error, -EINVAL, "%s can't be `%.*s`", origin, VALUE_MAX, value);
}

static int check(const struct options *options, struct error *error, struct error *hint)
{
    const struct command *command = options->command;
    for (size_t i = 0; i < options->given_count; i++) {
        const struct option_given *given = &options->given[i];
        char origin[VALUE_MAX];
        snprintf(origin, sizeof origin, "`--%s`", given->spec->name);
        if (check_choice(given->spec, given->value, origin, error, hint) < 0)
            return -EINVAL;
    }
    for (const struct option_spec *spec = command->options; spec && spec->name; spec++) {
        const char *value = spec->env ? options_value(options, spec->name) : NULL;
        if (value && check_choice(spec, value, spec->env, error, hint) < 0)
            return -EINVAL;
    }
    if (options->operand_count < command->min_operands) {
        see_help(command, hint);
        return error_set(error, -EINVAL, "`dora %s` needs %s", command->name, command->operands);
    }
    if (options->operand_count > command->max_operands) {
        see_help(command, hint);
        return error_set(error, -EINVAL, "`dora %s` has no use for `%s`", command->name,
                         options->operands[command->max_operands]);
    }
    return 0;
}

int options_parse(struct options *options, const struct command *command, int argc, char **argv, struct error *error,
                  struct error *hint)
{
    struct table table;
    table_init(&table, command);
    *options = (struct options){.command = command};
    options->given = calloc((size_t)argc + 1, sizeof *options->given);
    if (!options->given)
        return error_sys(error, -ENOMEM, "can't read the command line");

    optind = 0; /* start afresh, whatever was read before */
    opterr = 0;
    int code;
    while ((code = getopt_long(argc, argv, table.letters, table.longs, NULL)) != -1) {
        const char *word = argv[optind - 1];
        if (code == 'h' || code == FIRST + HELP) {
            options->help = true;
            return 0;
        }
        if (code == ':') {
            const struct option_spec *spec = spec_of(&table, optopt);
            see_help(command, hint);
            return error_set(error, -EINVAL, "the option `--%s` needs a value: %s", spec->name, spec->value);
        }
        const struct option_spec *spec = spec_of(&table, code);
        if (!spec)
            return unknown_option(&table, command, word, error, hint);
        const char *value = !spec->value ? NULL : optarg ? optarg : "";
        options->given[options->given_count++] = (struct option_given){spec, value};
    }
    options->operands = argv + optind;
    options->operand_count = argc - optind;
    return check(options, error, hint);
}

void options_free(struct options *options)
{
    free(options->given);
    *options = (struct options){0};
}

static const char *from_environment(const struct options *options, const char *name)
{
    const struct option_spec *spec = spec_named(options->command, name);
    const char *value = spec && spec->env ? getenv(spec->env) : NULL;
    return value && *value ? value : NULL;
}

static const struct option_given *find_given(const struct options *options, const char *name)
{
    for (size_t i = options->given_count; i > 0; i--)
        if (strcmp(options->given[i - 1].spec->name, name) == 0)
            return &options->given[i - 1];
    return NULL;
}

bool options_has(const struct options *options, const char *name)
{
    return find_given(options, name) || from_environment(options, name);
}

const char *options_value(const struct options *options, const char *name)
{
    const struct option_given *given = find_given(options, name);
    return given ? given->value : from_environment(options, name);
}

const char *options_value_at(const struct options *options, const char *name, size_t index)
{
    for (size_t i = 0; i < options->given_count; i++)
        if (strcmp(options->given[i].spec->name, name) == 0 && index-- == 0)
            return options->given[i].value;
    return NULL;
}
