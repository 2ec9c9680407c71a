/* `dora new`: a project that builds and runs at once, from the templates in share/templates. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/new.h"
#include "cli/report.h"

/* A name becomes a folder, a node's id, a CMake target and a Python package. */
static bool check_name(const char *name, enum project_kind kind)
{
    static const char *const reserved[] = {"all", "clean", "dora", "help", "install", "package", "test"};
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    if (strchr(name, '/')) {
        report_error("the name `%s` can't have a `/`", name);
        report_hint("change into the folder first, and give the name alone");
        return false;
    }
    for (const char *at = name; *at; at++)
        if ((unsigned char)*at >= 0x80) {
            report_error("the name `%s` can't have characters beyond ASCII", name);
            return false;
        }
    if (strspn(name, first) == 0 || strspn(name, more) != strlen(name) || strlen(name) > 200) {
        report_error("`%.200s` can't be a name", name);
        report_hint("use letters, digits, `_`, `-` and `.`, beginning with a letter, a digit or `_`");
        return false;
    }
    for (size_t i = 0; kind != PROJECT_DATAFLOW && i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(name, reserved[i]) == 0) {
            report_error("a node or operator can't have the name `%s`, which dora or CMake keeps for itself", name);
            return false;
        }
    if (kind == PROJECT_OPERATOR && strncmp(name, "lib", 3) == 0) {
        report_error("the name of an operator can't begin with `lib`, which is put before that of its library");
        return false;
    }
    return true;
}

static void name_module(struct project *project)
{
    snprintf(project->module, sizeof project->module, "%s%s", strchr("0123456789", project->name[0]) ? "_" : "",
             project->name);
    for (char *at = project->module; *at; at++)
        if (*at == '-' || *at == '.')
            *at = '_';
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status, (void)kind, (void)place;
    return remove(path);
}

static int create(const struct project *project)
{
    struct error error = ERROR_INIT;
    if (mkdir(project->name, 0777) < 0) {
        if (errno == EEXIST)
            report_error("./%s exists already", project->name);
        else
            report_error("can't make the folder ./%s: %s", project->name, strerror(errno));
        return COMMAND_FAILED;
    }
    if (new_write_files(project, &error) < 0) {
        report_error("%s", error.message);
        nftw(project->name, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        return COMMAND_FAILED;
    }
    new_print_steps(project);
    return COMMAND_OK;
}

static int run(const struct options *options)
{
    const char *kind = options_value(options, "kind"), *language = options_value(options, "lang");
    struct project project = {.name = options->operands[0], .language = language ? language : "c"};
    project.is_python = strcmp(project.language, "python") == 0;
    if (kind)
        project.kind = strcmp(kind, "node") == 0       ? PROJECT_NODE
                       : strcmp(kind, "operator") == 0 ? PROJECT_OPERATOR
                                                       : PROJECT_DATAFLOW;
    if (strcmp(project.language, "rust") == 0) {
        report_error("`dora new` has no template for Rust: this dora has no Rust library");
        report_hint("use --lang c, cxx or python; a Rust program can be a node through the C interface, <dora/dora.h>");
        return COMMAND_USAGE;
    }
    if (!check_name(project.name, project.kind))
        return COMMAND_USAGE;
    name_module(&project);
    return create(&project);
}

static const struct option_spec options[] = {
    {.name = "kind",
     .value = "KIND",
     .choices = "dataflow|node|operator",
     .help = "A dataflow of three nodes (the default), or one node or operator for a dataflow that exists"},
    {.name = "lang",
     .value = "LANGUAGE",
     .choices = "c|cxx|python|rust",
     .help = "What the nodes are written in (default: c); there is no template for rust"},
    {0},
};

const struct command command_new = {
    .name = "new",
    .operands = "NAME",
    .min_operands = 1,
    .max_operands = 1,
    .summary = "Create a project that builds and runs at once",
    .details = "Makes the folder NAME here, with two nodes that speak and one that listens, or with a single node or\n"
               "operator, and prints how to go on. C and C++ are built by CMake, with the `build` commands of\n"
               "dataflow.yml, so that `dora run dataflow.yml` is all it takes.",
    .example = "dora new hello --lang cxx\n"
               "dora new camera --kind node --lang c\n"
               "dora new filter --kind operator --lang cxx",
    .options = options,
    .run = run,
};
