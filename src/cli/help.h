/* What --help prints, made from the commands' tables. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

void help_overview(void);                         /* `dora --help` */
void help_command(const struct command *command); /* `dora CMD --help` */

#endif
