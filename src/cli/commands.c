#include "cli/commands.h"

#include <string.h>

#include "base/suggest.h"
#include "cli/report.h"

#define ENTRY(name) &command_##name,
const struct command *const commands[] = {COMMANDS(ENTRY)};
const int command_count = sizeof commands / sizeof *commands;

const struct command *command_find(const char *name)
{
    for (int i = 0; i < command_count; i++)
        if (strcmp(commands[i]->name, name) == 0 || (commands[i]->alias && strcmp(commands[i]->alias, name) == 0))
            return commands[i];
    return NULL;
}

int command_unknown(const char *name)
{
    const char *names[sizeof commands / sizeof *commands];
    for (int i = 0; i < command_count; i++)
        names[i] = commands[i]->name;
    const char *near = suggest(name, names, (size_t)command_count);
    report_error("`dora` has no command `%s`", name);
    if (near)
        report_hint("did you mean `dora %s`?", near);
    else
        report_hint("`dora --help` lists the commands");
    return COMMAND_USAGE;
}
