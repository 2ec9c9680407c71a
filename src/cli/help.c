#include "cli/help.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/report.h"

static void heading(const char *text)
{
    printf(report_color(STDOUT_FILENO) ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

static void list_commands(const struct command *const *list)
{
    heading("Commands:");
    for (; *list; list++)
        if (!(*list)->hidden)
            printf("  %-12s %s\n", command_word(*list), (*list)->summary);
}

void help_overview(void)
{
    puts("Dataflows of processes that share memory: nodes, wired by a YAML descriptor");
    heading("Usage:");
    puts("  dora COMMAND [OPTIONS] …");
    list_commands(commands);
    heading("Options:");
    printf("  %-12s %s\n  %-12s %s\n", "-h, --help", "Print this help", "--version", "Print the version");
    puts("\n`dora help COMMAND` explains one command.");
}

static void option_label(const struct option_spec *spec, char *label, size_t size)
{
    char letter[8] = "    ", value[128] = "";
    if (spec->letter)
        snprintf(letter, sizeof letter, "-%c, ", spec->letter);
    if (spec->value)
        snprintf(value, sizeof value, spec->optional ? "[=%s]" : " %s", spec->value);
    snprintf(label, size, "%s--%s%s", letter, spec->name, value);
}

static void print_option(const struct option_spec *spec)
{
    char label[256];
    option_label(spec, label, sizeof label);
    /* A label too long for its column gets a line of its own. */
    if (strlen(label) > 28)
        printf("  %s\n  %-28s  %s", label, "", spec->help);
    else
        printf("  %-28s  %s", label, spec->help);
    if (spec->repeatable)
        printf(" (may be repeated)");
    if (spec->choices)
        printf(" [one of: %s]", spec->choices);
    if (spec->env)
        printf(" [environment: %s]", spec->env);
    putchar('\n');
}

static void print_indented(const char *text)
{
    while (*text) {
        int len = (int)strcspn(text, "\n");
        printf("  %.*s\n", len, text);
        text += len + (text[len] == '\n');
    }
}

static void help_group(const struct command *group)
{
    puts(group->summary);
    heading("Usage:");
    printf("  dora %s COMMAND [OPTIONS] …\n", group->name);
    list_commands(group->commands);
    printf("\n`dora help %s COMMAND` explains one command.\n", group->name);
}

void help_command(const struct command *command)
{
    if (command->commands) {
        help_group(command);
        return;
    }
    static const struct option_spec help = {.name = "help", .letter = 'h', .help = "Print this help"};
    puts(command->summary);
    if (command->details)
        printf("\n%s\n", command->details);
    heading("Usage:");
    printf("  dora %s", command->name);
    if (command->options)
        printf(" [OPTIONS]");
    printf(command->operands ? " %s\n" : "\n", command->operands);
    if (command->alias)
        printf("  dora %s: the same\n", command->alias);
    heading("Options:");
    for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
        if (!spec->hidden)
            print_option(spec);
    print_option(&help);
    if (command->example) {
        heading("Example:");
        print_indented(command->example);
    }
}

static int run(const struct options *options)
{
    if (!options->operand_count) {
        help_overview();
        return COMMAND_OK;
    }
    const struct command *command = command_find(options->operands[0]);
    if (!command)
        return command_unknown(options->operands[0]);
    if (options->operand_count > 1) {
        const struct command *group = command;
        command = command_find_in(group, options->operands[1]);
        if (!command)
            return command_unknown_in(group, options->operands[1]);
    }
    help_command(command);
    return COMMAND_OK;
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND [COMMAND]]",
    .max_operands = 2,
    .summary = "Explain a command",
    .example = "dora help validate\n"
               "dora help topic echo",
    .run = run,
};
