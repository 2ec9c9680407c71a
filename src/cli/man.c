/* `dora man`: the manual's pages, made from the commands' tables; in mdoc(7). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/report.h"
#include "cli/roff.h"

/* The page's name: dora-CMD. */
static void page_name(char name[64], const struct command *command)
{
    snprintf(name, 64, command ? "dora-%s" : "dora", command ? command->name : "");
    for (char *blank; (blank = strchr(name, ' '));)
        *blank = '-';
}

static void put_head(FILE *page, const char *name, const char *summary)
{
    /* The same sources make the same page, where the build says what date they have. */
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t now = epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
    struct tm day;
    char date[64] = "";
    if (gmtime_r(&now, &day))
        strftime(date, sizeof date, "%B %e, %Y", &day);
    fprintf(page, ".Dd %s\n.Dt", date);
    char title[128];
    snprintf(title, sizeof title, "%s", name);
    for (char *at = title; *at; at++)
        *at = *at >= 'a' && *at <= 'z' ? (char)(*at - 'a' + 'A') : *at;
    roff_argument(page, "", title);
    fputs(" 1\n.Os dora\n.Sh NAME\n.Nm", page);
    roff_argument(page, "", name);
    fputs("\n.Nd ", page);
    roff_line(page, summary, strlen(summary));
}

static void put_option(FILE *page, const struct option_spec *spec)
{
    fputs(".It", page);
    char name[128];
    if (spec->letter) {
        roff_argument(page, "Fl", (char[]){spec->letter, '\0'});
        fputs(" ,", page);
    }
    snprintf(name, sizeof name, "-%s", spec->name);
    roff_argument(page, "Fl", name);
    if (spec->value && spec->optional)
        fputs(" Ns Op \\&= Ns", page);
    if (spec->value)
        roff_argument(page, "Ar", spec->value);
    fputc('\n', page);
    roff_text(page, spec->help, strlen(spec->help));
    fprintf(page, ".\n%s", spec->repeatable ? "It may be repeated.\n" : "");
    if (spec->choices) {
        fputs("One of: ", page);
        roff_text(page, spec->choices, strlen(spec->choices));
        fputs(".\n", page);
    }
    if (spec->env) {
        fputs(".Pp\nWhere it is not given, the environment variable\n.Ev", page);
        roff_argument(page, "", spec->env);
        fputs("\nstands in.\n", page);
    }
}

static void put_options(FILE *page, const struct command *command)
{
    static const struct option_spec help = {.name = "help", .letter = 'h', .help = "Print a summary of this page"};
    fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n", page);
    for (const struct option_spec *spec = command->options; spec && spec->name; spec++)
        if (!spec->hidden)
            put_option(page, spec);
    put_option(page, &help);
    fputs(".El\n", page);
}

static void put_exit_status(FILE *page)
{
    fputs(".Sh EXIT STATUS\n.Bl -tag -width Ds\n"
          ".It 0\nAll went well.\n"
          ".It 1\nIt failed; a message on standard error says why, and what to do.\n"
          ".It 2\nThe command line was wrong.\n.El\n",
          page);
}

/* The commands of a list, each of which has a page of its own. */
static void put_list(FILE *page, const struct command *const *list)
{
    fputs(".Bl -tag -width Ds\n", page);
    for (; *list; list++) {
        if ((*list)->hidden)
            continue;
        char name[64];
        page_name(name, *list);
        fputs(".It Xr", page);
        roff_argument(page, "", name);
        fputs(" 1\n", page);
        roff_text(page, (*list)->summary, strlen((*list)->summary));
        fputs(".\n", page);
    }
    fputs(".El\n", page);
}

static void put_group(FILE *page, const struct command *group)
{
    fputs(".Sh SYNOPSIS\n.Nm dora", page);
    roff_argument(page, "Cm", group->name);
    fputs("\n.Ar COMMAND\n.Op Ar OPTIONS\n.Ar ...\n.Sh DESCRIPTION\n", page);
    roff_text(page, group->summary, strlen(group->summary));
    fputs(".\nEach command has a page of its own:\n", page);
    put_list(page, group->commands);
    fputs(".Sh SEE ALSO\n.Xr dora 1\n", page);
}

static void put_command(FILE *page, const struct command *command)
{
    char name[64];
    page_name(name, command);
    put_head(page, name, command->summary);
    if (command->commands) {
        put_group(page, command);
        return;
    }
    const char *names[] = {command->name, command->alias};
    fputs(".Sh SYNOPSIS\n", page);
    for (size_t i = 0; i < 2 && names[i]; i++) {
        fputs(".Nm dora", page);
        roff_argument(page, "Cm", names[i]);
        fputs(command->options ? "\n.Op Ar OPTIONS\n" : "\n", page);
        if (command->operands) {
            fputs(".Ar", page);
            roff_argument(page, "", command->operands);
            fputc('\n', page);
        }
    }
    fputs(".Sh DESCRIPTION\n", page);
    if (!command->details) {
        roff_text(page, command->summary, strlen(command->summary));
        fputs(".\n", page);
    } else {
        roff_paragraphs(page, command->details);
    }
    put_options(page, command);
    put_exit_status(page);
    if (command->example) {
        fputs(".Sh EXAMPLES\n.Bd -literal -offset indent\n", page);
        for (const char *at = command->example; *at;) {
            size_t len = strcspn(at, "\n");
            roff_line(page, at, len);
            at += len + (at[len] == '\n');
        }
        fputs(".Ed\n", page);
    }
    fputs(".Sh SEE ALSO\n.Xr dora 1\n", page);
}

static void put_overview(FILE *page)
{
    put_head(page, "dora", "run dataflows of processes that share memory");
    fputs(".Sh SYNOPSIS\n.Nm\n.Ar COMMAND\n.Op Ar OPTIONS\n.Ar ...\n"
          ".Sh DESCRIPTION\n"
          "A dataflow is a YAML descriptor that names nodes, each a program of its own, and wires their outputs to "
          "other\n"
          "nodes' inputs.\n"
          "Each command has a page of its own:\n",
          page);
    put_list(page, commands);
    fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n"
          ".It Fl h , Fl \\-help\nPrint the list of commands.\n"
          ".It Fl V , Fl \\-version\nPrint the version.\n.El\n",
          page);
    put_exit_status(page);
}

static int write_page(const char *folder, const struct command *command)
{
    char name[64], path[PATH_MAX];
    page_name(name, command);
    snprintf(path, sizeof path, "%s/%s.1", folder, name);
    autofile FILE *page = fopen(path, "we");
    if (page && command)
        put_command(page, command);
    else if (page)
        put_overview(page);
    if (page && fflush(page) == 0 && !ferror(page))
        return COMMAND_OK;
    report_error("can't write %s: %s", path, strerror(errno));
    return COMMAND_FAILED;
}

static int write_list(const char *folder, const struct command *const *list)
{
    int status = COMMAND_OK;
    for (; *list && status == COMMAND_OK; list++) {
        status = write_page(folder, *list);
        if (status == COMMAND_OK && (*list)->commands)
            status = write_list(folder, (*list)->commands);
    }
    return status;
}

static int run(const struct options *options)
{
    const char *folder = options_value(options, "output");
    if (folder)
        return write_page(folder, NULL) == COMMAND_OK ? write_list(folder, commands) : COMMAND_FAILED;
    if (!options->operand_count) {
        put_overview(stdout);
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
    put_command(stdout, command);
    return COMMAND_OK;
}

static const struct option_spec options[] = {
    {.name = "output", .value = "FOLDER", .help = "Write all pages there, as files, instead of printing one"},
    {0},
};

const struct command command_man = {
    .name = "man",
    .operands = "[COMMAND [COMMAND]]",
    .max_operands = 2,
    .summary = "Print a page of the manual, in mdoc(7)",
    .example = "dora man run | man -l -",
    .options = options,
    .hidden = true,
    .run = run,
};
