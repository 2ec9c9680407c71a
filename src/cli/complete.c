/* `dora complete`: what can stand next on a command line, for the shells' completion (share/completions). */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/complete_names.h"

/* A candidate that fits what is typed already: one a line, with a tab before its explanation. */
static void offer(const char *prefix, const char *candidate, const char *typed, const char *about)
{
    if (strncmp(candidate, typed, strlen(typed)) == 0)
        printf("%s%s%s%s\n", prefix, candidate, *about ? "\t" : "", about);
}

static void offer_commands(const struct command *const *list, const char *typed)
{
    for (; *list; list++)
        if (!(*list)->hidden)
            offer("", command_word(*list), typed, (*list)->summary);
}

static void offer_options(const struct command *command, const char *typed)
{
    char name[64];
    for (const struct option_spec *spec = command->options; spec && spec->name; spec++) {
        snprintf(name, sizeof name, "--%s", spec->name);
        if (!spec->hidden)
            offer("", name, typed, spec->help);
    }
    offer("", "--help", typed, "Print this help");
}

static bool has_suffix(const char *word, size_t len, const char *suffix)
{
    size_t size = strlen(suffix);
    return len >= size && memcmp(word + len - size, suffix, size) == 0;
}

static void offer_name(const char *typed, const char *name, const char *about)
{
    offer("", name, typed, about);
}

/* Candidates for one word of a usage line or the name of an option's value: "a|b", "PATH", … */
static void offer_values(const char *prefix, const char *what, size_t len, const char *typed)
{
    if (memchr(what, '|', len)) {
        char choice[64];
        for (const char *at = what, *end = what + len; at < end;) {
            const char *bar = memchr(at, '|', (size_t)(end - at));
            size_t size = (size_t)((bar ? bar : end) - at);
            snprintf(choice, sizeof choice, "%.*s", (int)size, at);
            offer(prefix, choice, typed, "");
            at += size + 1;
        }
    } else if (has_suffix(what, len, "PATH") || has_suffix(what, len, "FILE") || has_suffix(what, len, "_YAML")) {
        puts(":files");
    } else if (has_suffix(what, len, "DATAFLOW") || has_suffix(what, len, "OR_UUID") ||
               has_suffix(what, len, "OR_NAME")) {
        complete_dataflows(offer_name, typed);
    } else if (has_suffix(what, len, "NODE")) {
        complete_nodes(offer_name, typed);
    }
}

/* The index-th word of the usage line, without its brackets; "…" behind the last one repeats it. */
static void offer_operand(const struct command *command, int index, const char *typed)
{
    if (!command->operands || index >= command->max_operands)
        return;
    const char *word = command->operands;
    for (; index > 0; index--) {
        const char *next = strchr(word, ' ');
        if (!next || strncmp(next + 1, "…", strlen("…")) == 0)
            break;
        word = next + 1;
    }
    word += strspn(word, "[");
    offer_values("", word, strcspn(word, " ]."), typed);
}

/* The option that `word` is, where it is one without its value. */
static const struct option_spec *find_option(const struct command *command, const char *word)
{
    for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
        if (word[0] == '-' &&
            ((word[1] == '-' && strcmp(word + 2, spec->name) == 0) || (word[1] && word[1] == spec->letter && !word[2])))
            return spec;
    return NULL;
}

static void offer_option_value(const struct option_spec *spec, const char *prefix, const char *typed)
{
    const char *what = spec->choices ? spec->choices : spec->value;
    if (what)
        offer_values(prefix, what, strlen(what), typed);
}

/* --name=VALUE in one word. */
static void offer_joined(const struct command *command, const char *word, const char *equals)
{
    char name[64], prefix[80];
    snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
    snprintf(prefix, sizeof prefix, "%s=", name);
    const struct option_spec *spec = find_option(command, name);
    if (spec)
        offer_option_value(spec, prefix, equals + 1);
}

static void offer_for(const struct command *command, char **words, int last)
{
    const struct option_spec *awaits = NULL; /* the option whose value comes next */
    bool only_operands = false;
    int operands = 0;
    for (int i = 0; i < last; i++) {
        if (strcmp(words[i], "=") == 0 && i > 0 && !only_operands)
            awaits = find_option(command, words[i - 1]); /* bash cuts --name=VALUE into three words */
        else if (awaits)
            awaits = NULL;
        else if (!only_operands && strcmp(words[i], "--") == 0)
            only_operands = true;
        else if (!only_operands && words[i][0] == '-' && words[i][1])
            awaits = find_option(command, words[i]);
        else
            operands++;
        if (awaits && strcmp(words[i], "=") != 0 && (!awaits->value || awaits->optional))
            awaits = NULL;
    }
    const char *typed = words[last], *equals = strchr(typed, '=');
    if (!only_operands && last > 0 && strcmp(typed, "=") == 0 && find_option(command, words[last - 1]))
        offer_option_value(find_option(command, words[last - 1]), "", "");
    else if (awaits)
        offer_option_value(awaits, "", typed);
    else if (!only_operands && typed[0] == '-' && equals)
        offer_joined(command, typed, equals);
    else if (!only_operands && typed[0] == '-')
        offer_options(command, typed);
    else
        offer_operand(command, operands, typed);
}

static int run(const struct options *options)
{
    char **words = options->operands;
    int last = options->operand_count - 1;
    bool explains = last > 0 && command_find(words[0]) == &command_help;
    const struct command *group = NULL;
    for (int i = explains; i < last; i++) {
        const struct command *command = group ? command_find_in(group, words[i]) : command_find(words[i]);
        if (command && !command->commands && !explains)
            offer_for(command, words + i + 1, last - i - 1);
        if (!command || !command->commands)
            return COMMAND_OK;
        group = command;
    }
    if (words[last][0] == '-') {
        offer("", "--help", words[last], "Print the list of commands");
        if (!group)
            offer("", "--version", words[last], "Print the version");
    } else {
        offer_commands(group ? group->commands : commands, words[last]);
    }
    return COMMAND_OK;
}

const struct command command_complete = {
    .name = "complete",
    .operands = "-- WORD…",
    .min_operands = 1,
    .max_operands = INT_MAX,
    .summary = "Print what can stand next on a command line, for the shells",
    .details = "The words are those behind `dora`, the last one as far as it is typed. Prints candidates, one a line,\n"
               "with a tab before what explains them; a line `:files` asks the shell for names of files.",
    .hidden = true,
    .run = run,
};
