#include "cli/commands.h"

#include <string.h>

#include "base/suggest.h"
#include "cli/report.h"

enum { NAMES_MOST = 64 };

#define ENTRY(name) &command_##name,
const struct command *const commands[] = {COMMANDS(ENTRY) NULL};
const int command_count = sizeof commands / sizeof *commands - 1;

static const struct command *const system_[] = {COMMANDS_SYSTEM(ENTRY) NULL};
const struct command command_system = {
    .name = "system", .summary = "Look at the system", .commands = system_, .hidden = true};

static const struct command *const topic[] = {COMMANDS_TOPIC(ENTRY) NULL};
const struct command command_topic = {
    .name = "topic", .summary = "Look at what nodes send, or send something to them", .commands = topic};

static const struct command *const node[] = {COMMANDS_NODE(ENTRY) NULL};
const struct command command_node = {
    .name = "node", .summary = "Look at nodes, and change those of a running dataflow", .commands = node};

static const struct command *const param[] = {COMMANDS_PARAM(ENTRY) NULL};
const struct command command_param = {
    .name = "param", .summary = "Read and set the parameters of nodes", .commands = param};

static const struct command *const cluster[] = {COMMANDS_CLUSTER(ENTRY) NULL};
const struct command command_cluster = {
    .name = "cluster", .summary = "Several machines, by a file and ssh", .commands = cluster};

static const struct command *const inspect[] = {COMMANDS_INSPECT(ENTRY) NULL};
const struct command command_inspect = {
    .name = "inspect", .summary = "Watch what runs", .commands = inspect, .hidden = true};

const char *command_word(const struct command *command)
{
    const char *space = strrchr(command->name, ' ');
    return space ? space + 1 : command->name;
}

static const struct command *find(const struct command *const *list, const char *name)
{
    for (; list && *list; list++)
        if (strcmp(command_word(*list), name) == 0 || ((*list)->alias && strcmp((*list)->alias, name) == 0))
            return *list;
    return NULL;
}

const struct command *command_find(const char *name)
{
    return find(commands, name);
}

const struct command *command_find_in(const struct command *group, const char *name)
{
    return find(group->commands, name);
}

int command_unknown_in(const struct command *group, const char *name)
{
    const char *names[NAMES_MOST], *blank = group ? " " : "", *parent = group ? group->name : "";
    size_t count = 0;
    for (const struct command *const *list = group ? group->commands : commands; list && *list && count < NAMES_MOST;
         list++)
        names[count++] = command_word(*list);
    const char *near = suggest(name, names, count);
    report_error("`dora%s%s` has no command `%s`", blank, parent, name);
    if (near)
        report_hint("did you mean `dora%s%s %s`?", blank, parent, near);
    else
        report_hint("`dora%s%s --help` lists the commands", blank, parent);
    return COMMAND_USAGE;
}

int command_unknown(const char *name)
{
    return command_unknown_in(NULL, name);
}
