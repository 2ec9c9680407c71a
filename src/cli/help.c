#include "cli/help.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/wrap.h"

enum { NAME_COLUMN = 15, OPTION_COLUMN = 32 };

static void heading(const char *text)
{
    printf(report_color(STDOUT_FILENO) ? "\n\033[1m%s\033[0m\n" : "\n%s\n", text);
}

/* Text in a column of its own, behind its label: in the next line where that is too long, or the terminal narrow. */
static void put_entry(const char *label, const char *text, size_t column)
{
    size_t width = wrap_width(), at = table_text_width(label) + 2;
    if (width < 2 * column + 2)
        column = 8;
    if (at + 1 > column) {
        printf("  %s\n%*s", label, (int)column, "");
        at = column;
    } else {
        printf("  %s%*s", label, (int)(column - at), "");
        at = column;
    }
    wrap_line(text, strlen(text), at, column, width);
}

static void list_commands(const struct command *const *list)
{
    heading("Commands:");
    for (; *list; list++)
        if (!(*list)->hidden)
            put_entry(command_word(*list), (*list)->summary, NAME_COLUMN);
}

void help_overview(void)
{
    wrap_paragraphs("Dataflows of processes that share memory: nodes, wired by a YAML descriptor", wrap_width());
    heading("Usage:");
    puts("  dora COMMAND [OPTIONS] …");
    list_commands(commands);
    heading("Options:");
    put_entry("-h, --help", "Print this help", NAME_COLUMN);
    put_entry("--version", "Print the version", NAME_COLUMN);
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
    char label[256], text[1024];
    option_label(spec, label, sizeof label);
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s%s", spec->help, spec->repeatable ? " (may be repeated)" : "",
             spec->choices ? " [one of: " : "", spec->choices ? spec->choices : "", spec->choices ? "]" : "",
             spec->env ? " [environment: " : "", spec->env ? spec->env : "", spec->env ? "]" : "");
    put_entry(label, text, OPTION_COLUMN);
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
    wrap_paragraphs(group->summary, wrap_width());
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
    wrap_paragraphs(command->summary, wrap_width());
    if (command->details) {
        putchar('\n');
        wrap_paragraphs(command->details, wrap_width());
    }
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
