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

/* Text as it is: roff would take some of its characters for others, or for orders. */
static void put_text(FILE *page, const char *text, size_t len)
{
    static const char *const names[] = {['\\'] = "\\e",  ['-'] = "\\-",   ['`'] = "\\(ga", ['\''] = "\\(aq",
                                        ['^'] = "\\(ha", ['~'] = "\\(ti", ['"'] = "\\(dq"};
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        const char *name = c < sizeof names / sizeof *names ? names[c] : NULL;
        if (name)
            fputs(name, page);
        else
            fputc(c, page);
    }
}

static void put_line(FILE *page, const char *text, size_t len)
{
    if (len && *text == '.')
        fputs("\\&", page);
    put_text(page, text, len);
    fputc('\n', page);
}

/* As roff wants it: each sentence begins a line. */
static void put_sentences(FILE *page, const char *text, size_t len)
{
    for (const char *stop; (stop = memmem(text, len, ". ", 2));) {
        put_line(page, text, (size_t)(stop + 1 - text));
        len -= (size_t)(stop + 2 - text);
        text = stop + 2;
    }
    put_line(page, text, len);
}

/* An argument of a macro, and never one itself, however it is spelled. */
static void put_argument(FILE *page, const char *macro, const char *text)
{
    fprintf(page, " %s \"\\&", macro);
    put_text(page, text, strlen(text));
    fputc('"', page);
}

/* Paragraphs with empty lines between; lines that begin with blanks stay as they are. */
static void put_paragraphs(FILE *page, const char *text)
{
    bool literal = false, parted = false;
    while (*text) {
        size_t len = strcspn(text, "\n"), blanks = len && strspn(text, " ") >= 2 ? 2 : 0;
        if (len && literal != (blanks > 0)) {
            literal = !literal;
            fputs(literal ? ".Bd -literal -offset indent\n" : ".Ed\n", page);
            parted = parted && !literal;
        }
        if (parted)
            fputs(literal ? "\n" : ".Pp\n", page);
        if (literal && len)
            put_line(page, text + blanks, len - blanks);
        else if (len)
            put_sentences(page, text, len);
        parted = !len;
        text += len + (text[len] == '\n');
    }
    if (literal)
        fputs(".Ed\n", page);
}

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
    put_argument(page, "", title);
    fputs(" 1\n.Os dora\n.Sh NAME\n.Nm", page);
    put_argument(page, "", name);
    fputs("\n.Nd ", page);
    put_line(page, summary, strlen(summary));
}

static void put_option(FILE *page, const struct option_spec *spec)
{
    fputs(".It", page);
    char name[128];
    if (spec->letter) {
        put_argument(page, "Fl", (char[]){spec->letter, '\0'});
        fputs(" ,", page);
    }
    snprintf(name, sizeof name, "-%s", spec->name);
    put_argument(page, "Fl", name);
    if (spec->value && spec->optional)
        fputs(" Ns Op \\&= Ns", page);
    if (spec->value)
        put_argument(page, "Ar", spec->value);
    fputc('\n', page);
    put_text(page, spec->help, strlen(spec->help));
    fprintf(page, ".\n%s", spec->repeatable ? "It may be repeated.\n" : "");
    if (spec->choices) {
        fputs("One of: ", page);
        put_text(page, spec->choices, strlen(spec->choices));
        fputs(".\n", page);
    }
    if (spec->env) {
        fputs(".Pp\nWhere it is not given, the environment variable\n.Ev", page);
        put_argument(page, "", spec->env);
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

static void put_command(FILE *page, const struct command *command)
{
    char name[64];
    page_name(name, command);
    put_head(page, name, command->summary);
    const char *names[] = {command->name, command->alias};
    fputs(".Sh SYNOPSIS\n", page);
    for (size_t i = 0; i < 2 && names[i]; i++) {
        fputs(".Nm dora", page);
        put_argument(page, "Cm", names[i]);
        fputs(command->options ? "\n.Op Ar OPTIONS\n" : "\n", page);
        if (command->operands) {
            fputs(".Ar", page);
            put_argument(page, "", command->operands);
            fputc('\n', page);
        }
    }
    fputs(".Sh DESCRIPTION\n", page);
    if (!command->details) {
        put_text(page, command->summary, strlen(command->summary));
        fputs(".\n", page);
    } else {
        put_paragraphs(page, command->details);
    }
    put_options(page, command);
    put_exit_status(page);
    if (command->example) {
        fputs(".Sh EXAMPLES\n.Bd -literal -offset indent\n", page);
        for (const char *at = command->example; *at;) {
            size_t len = strcspn(at, "\n");
            put_line(page, at, len);
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
          "Each command has a page of its own:\n"
          ".Bl -tag -width Ds\n",
          page);
    for (int i = 0; i < command_count; i++) {
        if (commands[i]->hidden)
            continue;
        fputs(".It Xr", page);
        char name[64];
        page_name(name, commands[i]);
        put_argument(page, "", name);
        fputs(" 1\n", page);
        put_text(page, commands[i]->summary, strlen(commands[i]->summary));
        fputs(".\n", page);
    }
    fputs(".El\n.Sh OPTIONS\n.Bl -tag -width Ds\n"
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

static int write_all(const char *folder)
{
    int status = write_page(folder, NULL);
    for (int i = 0; i < command_count && status == COMMAND_OK; i++)
        if (!commands[i]->hidden)
            status = write_page(folder, commands[i]);
    return status;
}

static int run(const struct options *options)
{
    const char *folder = options_value(options, "output");
    if (folder)
        return write_all(folder);
    if (!options->operand_count) {
        put_overview(stdout);
        return COMMAND_OK;
    }
    const struct command *command = command_find(options->operands[0]);
    if (!command)
        return command_unknown(options->operands[0]);
    put_command(stdout, command);
    return COMMAND_OK;
}

static const struct option_spec options[] = {
    {.name = "output", .value = "FOLDER", .help = "Write all pages there, as files, instead of printing one"},
    {0},
};

const struct command command_man = {
    .name = "man",
    .operands = "[COMMAND]",
    .max_operands = 1,
    .summary = "Print a page of the manual, in mdoc(7)",
    .example = "dora man run | man -l -",
    .options = options,
    .hidden = true,
    .run = run,
};
