/* The `dora` command: finds the command that is meant and gives it its command line. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/help.h"
#include "cli/report.h"
#include "control/message.h"
#include "coordinator/store.h"
#include "proto/proto.h"

static int run_command(const struct command *command, int argc, char **argv)
{
    struct options options;
    struct error error = ERROR_INIT, hint = ERROR_INIT;
    int status;
    int result = options_parse(&options, command, argc, argv, &error, &hint);
    if (result < 0) {
        report_error("%s", error.message);
        if (hint.code)
            report_hint("%s", hint.message);
        status = result == -EINVAL ? COMMAND_USAGE : COMMAND_FAILED;
    } else if (options.help) {
        help_command(command);
        status = COMMAND_OK;
    } else {
        status = command->run(&options);
    }
    options_free(&options);
    return status;
}

static int dispatch_group(const struct command *group, int argc, char **argv)
{
    if (argc < 2) {
        report_error("`dora %s` needs a command", group->name);
        report_hint("`dora %s --help` lists them", group->name);
        return COMMAND_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help_command(group);
        return COMMAND_OK;
    }
    if (argv[1][0] == '-') {
        report_error("`dora %s` has no option `%s`", group->name, argv[1]);
        report_hint("options stand behind the whole command, as in `dora %s %s %s`", group->name,
                    command_word(group->commands[0]), argv[1]);
        return COMMAND_USAGE;
    }
    const struct command *command = command_find_in(group, argv[1]);
    return command ? run_command(command, argc - 1, argv + 1) : command_unknown_in(group, argv[1]);
}

static bool asks_version(int argc, char **argv)
{
    return argc > 1 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0);
}

static int dispatch(int argc, char **argv)
{
    if (asks_version(argc, argv)) {
        printf("dora-cli " DORA_VERSION "\nwire %d, control %d, state %d\n", PROTO_VERSION, CONTROL_PROTOCOL,
               STORE_FORMAT);
        return COMMAND_OK;
    }
    /* By its second name the program is that command. */
    if (strcmp(program_invocation_short_name, "dora-coordinator") == 0) {
        const struct command *command = command_find("coordinator");
        return command ? run_command(command, argc, argv) : command_unknown("coordinator");
    }
    if (argc < 2) {
        report_error("`dora` needs a command");
        report_hint("`dora --help` lists the commands");
        return COMMAND_USAGE;
    }
    const char *first = argv[1];
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) {
        help_overview();
        return COMMAND_OK;
    }
    if (first[0] == '-') {
        report_error("`dora` has no option `%s`", first);
        report_hint("options of a command stand behind its name; `dora --help` lists the commands");
        return COMMAND_USAGE;
    }
    const struct command *command = command_find(first);
    if (!command)
        return command_unknown(first);
    return command->commands ? dispatch_group(command, argc - 1, argv + 1) : run_command(command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    int status = dispatch(argc, argv);
    /* What was printed counts only once it has reached its reader: a full disk is a failure. A reader that has seen
     * enough (`| head`) is none, and has ended us by SIGPIPE already. */
    if (fflush(stdout) != 0 && status == COMMAND_OK) {
        report_error("can't write to stdout: %s", strerror(errno));
        status = COMMAND_FAILED;
    }
    return status;
}
